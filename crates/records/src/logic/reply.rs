//! What logic answers: what an operation answered, perhaps changed, or a value of its own.

use super::{Search, Streamed};
use crate::command::{Answer, Each, RecordAnswer, Told};
use crate::fault::misused;
use carnet_kernel::Refusal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The answer of a logic.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub(crate) answer: Answer,
    /// Apart, because most replies say nothing of their own and each is handed on many times.
    said: Option<Box<Said>>,
}

/// What a logic says of its answer.
#[derive(Clone, Debug, Default, PartialEq)]
struct Said {
    status: Option<u16>,
    message: Option<String>,
}

impl Reply {
    pub(crate) fn of(answer: Answer) -> Self {
        match answer {
            Answer::Told(told) => {
                let Told {
                    answer,
                    status,
                    message,
                } = *told;
                let said = Some(Box::new(Said { status, message }));
                Self { answer, said }
            }
            answer => Self { answer, said: None },
        }
    }

    /// The HTTP status of its own.
    pub(crate) fn own_status(&self) -> Option<u16> {
        self.said.as_ref()?.status
    }

    /// Answers with `data: null`.
    pub fn none() -> Self {
        Self::of(Answer::Value(b"null".to_vec()))
    }

    /// Answers with a value as JSON.
    ///
    /// Errors: `LOGIC_MISUSED` for a value that cannot be JSON: a map whose keys are no texts, a
    /// number that is infinite.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Result<Self, Refusal> {
        Ok(Self::of(Answer::Value(to_json(value)?)))
    }

    /// Answers a list with the records that `search` finds; `map` says what becomes of each. They
    /// are read when the logic has returned: a page of them, or all of them line by line where lines
    /// were asked for, always as many as a page has at once.
    ///
    /// Of the resource of the list the caller's filters, order, fields and includes hold as well; of
    /// another one the caller chooses the page alone. How many, and from where on, the caller says.
    pub fn stream(search: Search, map: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::of(Answer::Streamed(Box::new(Streamed::new(search, map))))
    }

    pub(crate) fn is_streamed(&self) -> bool {
        matches!(self.answer, Answer::Streamed(_))
    }

    /// With this HTTP status, which must tell success: 200 to 299.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.said.get_or_insert_default().status = Some(status);
        self
    }

    /// With this message for people.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.said.get_or_insert_default().message = Some(message.into());
        self
    }

    /// Its data: a record, an array of records or groups, a value, or null.
    pub fn data(&self) -> Result<Value, Refusal> {
        self.read()
    }

    /// Its data as a type of the application.
    ///
    /// Errors: `LOGIC_MISUSED` when it does not fit, and for records that are still to be streamed.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        if self.is_streamed() {
            let message = "streamed records are read when the code has returned";
            return Err(misused(message));
        }
        serde_json::from_slice(self.bytes()).map_err(|error| unreadable(&error))
    }

    /// The same answer with other data. A record stays a record: it keeps its `Location` and loses
    /// its `ETag` only where the logic changed it.
    pub fn with_data(mut self, value: &(impl Serialize + ?Sized)) -> Result<Self, Refusal> {
        let bytes = to_json(value)?;
        match &mut self.answer {
            Answer::Record(record) => record.json = bytes,
            Answer::List(list) => list.listing.json = bytes,
            Answer::Groups(groups) => groups.groups.json = bytes,
            other => *other = Answer::Value(bytes),
        }
        Ok(self)
    }

    /// Lets `change` look at each record of the answer and change it.
    pub fn map(self, mut change: impl FnMut(&mut Value)) -> Result<Self, Refusal> {
        let mut data = self.data()?;
        match &mut data {
            Value::Array(records) => records.iter_mut().for_each(change),
            Value::Null => return Ok(self),
            record => change(record),
        }
        self.with_data(&data)
    }

    /// The id of the record that the operation made.
    pub fn created(&self) -> Option<carnet_kernel::Id> {
        match &self.answer {
            Answer::Record(record) => record.created,
            _ => None,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match &self.answer {
            Answer::Record(RecordAnswer { json, .. })
            | Answer::Matching { json, .. }
            | Answer::Batch { json, .. }
            | Answer::Value(json) => json,
            Answer::List(list) => &list.listing.json,
            Answer::Groups(groups) => &groups.groups.json,
            Answer::Deleted => b"null",
            Answer::Replayed(_) | Answer::Told(_) | Answer::Streamed(_) => b"null",
        }
    }

    /// The answer for the interface that asked.
    pub(crate) fn into_answer(self) -> Answer {
        let Some(said) = self.said else {
            return self.answer;
        };
        Answer::Told(Box::new(Told {
            answer: self.answer,
            status: said.status,
            message: said.message,
        }))
    }
}

/// What a logic may answer.
pub trait IntoReply {
    /// The reply it stands for.
    fn into_reply(self) -> Result<Reply, Refusal>;
}

impl IntoReply for Reply {
    fn into_reply(self) -> Result<Reply, Refusal> {
        if let Some(status) = self
            .own_status()
            .filter(|status| !(200..300).contains(status))
        {
            let message = format!("a reply has the status {status}, which tells no success");
            return Err(misused(message));
        }
        Ok(self)
    }
}

impl IntoReply for () {
    fn into_reply(self) -> Result<Reply, Refusal> {
        Ok(Reply::none())
    }
}

impl IntoReply for Value {
    fn into_reply(self) -> Result<Reply, Refusal> {
        Reply::json(&self)
    }
}

/// A value that is answered as JSON.
pub struct Json<T>(pub T);

impl<T: Serialize> IntoReply for Json<T> {
    fn into_reply(self) -> Result<Reply, Refusal> {
        Reply::json(&self.0)
    }
}

fn to_json(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(value).map_err(|error| {
        let message = format!("the reply of a logic cannot be written as JSON: {error}");
        misused(message)
    })
}

fn unreadable(error: &serde_json::Error) -> Refusal {
    let message = format!("the data is not what the logic reads it as: {error}");
    misused(message)
}

/// What a receipt keeps of a reply: all of it, because what code says cannot be made again.
pub(super) fn note(reply: &Reply) -> String {
    let data = String::from_utf8_lossy(reply.bytes()).into_owned();
    let data = serde_json::value::RawValue::from_string(data).ok();
    let (kind, created, version) = match &reply.answer {
        Answer::Record(record) => ("record", record.created, record.version),
        Answer::Deleted => ("deleted", None, None),
        Answer::Batch { .. } => ("items", None, None),
        _ => ("value", None, None),
    };
    let items = match &reply.answer {
        Answer::Batch { items, each, .. } => Some(KeptItems {
            items: *items,
            each: each.map(|each| (each.succeeded, each.failed)),
        }),
        _ => None,
    };
    let kept = Kept {
        logic: KeptReply {
            kind: kind.to_owned(),
            status: reply.own_status(),
            message: reply.said.as_ref().and_then(|said| said.message.clone()),
            created: created.map(|id| id.to_string()),
            version,
            data,
            items,
        },
    };
    serde_json::to_string(&kept).unwrap_or_default()
}

/// The answer that such a text stands for; `None` for the text of another receipt.
pub(super) fn from_note(text: &str) -> Option<Answer> {
    let kept: Kept = serde_json::from_str(text).ok()?;
    let KeptReply {
        kind,
        status,
        message,
        created,
        version,
        data,
        items,
    } = kept.logic;
    let json = data.map_or_else(
        || b"null".to_vec(),
        |data| data.get().to_owned().into_bytes(),
    );
    let answer = match kind.as_str() {
        "record" => Answer::Record(RecordAnswer {
            json,
            created: created.and_then(|id| id.parse().ok()),
            version,
        }),
        "deleted" => Answer::Deleted,
        "items" => {
            let kept = items?;
            Answer::Batch {
                json,
                items: kept.items,
                each: kept
                    .each
                    .map(|(succeeded, failed)| Each { succeeded, failed }),
            }
        }
        _ => Answer::Value(json),
    };
    let said = (status.is_some() || message.is_some()).then_some(Said { status, message });
    let reply = Reply {
        answer,
        said: said.map(Box::new),
    };
    Some(reply.into_answer())
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    logic: KeptReply,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct KeptReply {
    kind: String,
    status: Option<u16>,
    message: Option<String>,
    created: Option<String>,
    version: Option<i64>,
    data: Option<Box<serde_json::value::RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    items: Option<KeptItems>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct KeptItems {
    items: usize,
    each: Option<(usize, usize)>,
}
