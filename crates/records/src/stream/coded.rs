//! A stream of what code answers that stands round a list: it runs for each page, by the cursor of
//! the one before.

use super::{NESTED_PIECE, PIECE, Piece};
use crate::parse::{GroupRequest, ListRequest, Wanted};
use crate::{Answer, Command, Operations, Options};
use carnet_kernel::{Code, Context, Refusal};
use carnet_model::{ModelView, ResourceIndex};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pages of a list as its code answers them.
#[derive(Debug)]
pub(super) struct Pages {
    resource: ResourceIndex,
    /// With the cursor of the next one.
    wanted: Wanted,
    /// What was answered already.
    kept: Option<Answer>,
    /// How long the code of one page may take.
    time: Option<Duration>,
}

impl Pages {
    pub(super) fn new(context: &Context, resource: ResourceIndex, wanted: Wanted) -> Self {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        Self {
            resource,
            wanted,
            kept: None,
            time: context.deadline.map(left),
        }
    }

    /// The most records of one page.
    pub(super) fn most(&self) -> u32 {
        match &self.wanted {
            Wanted::Records(request) if !request.included.is_empty() => NESTED_PIECE,
            _ => PIECE,
        }
    }

    /// Runs the code for the first page, of `left` records at most.
    pub(super) async fn begin(
        &self,
        operations: &Operations,
        context: &Context,
        view: &ModelView,
        left: Option<u64>,
    ) -> Result<Answer, Refusal> {
        let most = self.most();
        let limit = left.and_then(|left| u32::try_from(left).ok());
        self.ask(
            operations,
            context,
            view,
            limit.map_or(most, |limit| limit.min(most)),
        )
        .await
    }

    /// Keeps what was answered for the first page.
    pub(super) fn keep(&mut self, answer: Answer) {
        self.kept = Some(answer);
    }

    /// Where the next page begins, if one was there already.
    pub(super) fn cursor(&mut self) -> Option<String> {
        self.next().take()
    }

    fn next(&mut self) -> &mut Option<String> {
        match &mut self.wanted {
            Wanted::Groups(request) => &mut request.cursor,
            Wanted::Records(request) => &mut request.cursor,
        }
    }

    pub(super) async fn read(
        &mut self,
        operations: &Operations,
        context: &Context,
        view: &ModelView,
        limit: u32,
    ) -> Result<Piece, Refusal> {
        let answer = match self.kept.take() {
            Some(answer) => answer,
            None => {
                let mut context = context.clone();
                context.deadline = self.time.map(|time| Instant::now() + time);
                self.ask(operations, &context, view, limit).await?
            }
        };
        self.piece(answer)
    }

    async fn ask(
        &self,
        operations: &Operations,
        context: &Context,
        view: &ModelView,
        limit: u32,
    ) -> Result<Answer, Refusal> {
        let resource = self.resource;
        let command = match self.wanted.clone() {
            Wanted::Records(request) => Command::List {
                resource,
                request: Arc::new(ListRequest { limit, ..request }.into()),
            },
            Wanted::Groups(request) => Command::Group {
                resource,
                request: Box::new(GroupRequest { limit, ..request }),
            },
        };
        let options = Options {
            streams: true,
            ..Options::default()
        };
        Box::pin(operations.execute(context, view, command, options)).await
    }

    fn piece(&mut self, answer: Answer) -> Result<Piece, Refusal> {
        let (json, next) = match answer {
            Answer::List(list) => (list.listing.json, list.next),
            Answer::Groups(groups) => (groups.groups.json, groups.next),
            Answer::Value(json) => (json, None),
            Answer::Told(told) => return self.piece(told.answer),
            _ => return Err(unexpected()),
        };
        let records: Vec<&RawValue> = serde_json::from_slice(&json).map_err(|_| unexpected())?;
        let mut lines = Vec::with_capacity(json.len());
        for record in &records {
            // A line ends nowhere else.
            let whole = record
                .get()
                .bytes()
                .filter(|byte| !matches!(byte, b'\n' | b'\r'));
            lines.extend(whole);
            lines.push(b'\n');
        }
        let more = next.is_some();
        *self.next() = next;
        Ok(Piece {
            lines,
            rows: records.len(),
            more,
        })
    }
}

fn unexpected() -> Refusal {
    Refusal::new(Code::Internal, "the code of a list answered no list")
}
