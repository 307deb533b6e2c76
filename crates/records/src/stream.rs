//! Every record of a list, piece by piece: each piece is a keyset page of its own with a snapshot
//! of its own, made when the one before was taken. Nothing is held between two pieces, so memory
//! does not grow with the table, and a reader that stops asking stops the work.

use crate::Operations;
use crate::cursor::{Fingerprint, Place};
use crate::parse::ListRequest;
use crate::plan;
use carnet_kernel::{Code, Context, Detail, Refusal};
use carnet_model::{ModelView, ResourceIndex};
use carnet_store::{Count, Query, Scope};
use std::time::{Duration, Instant};

/// Records of one piece.
const PIECE: u32 = 500;
/// The same where related records come along.
const NESTED_PIECE: u32 = 50;
/// How long a stream may go on in all. Each piece has the time of one statement.
const LIFE: Duration = Duration::from_secs(3_600);

/// A list that is being streamed.
pub struct Stream {
    operations: Operations,
    context: Context,
    view: ModelView,
    resource: ResourceIndex,
    scope: Scope,
    query: Query,
    list: Fingerprint,
    /// How many records may still come; all when absent.
    left: Option<u64>,
    ends: Instant,
    done: bool,
}

/// Why a stream ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What a client is told.
    pub refusal: Refusal,
    /// Where it can be taken up again, if a record came.
    pub cursor: Option<String>,
}

impl Operations {
    /// Begins to stream the list of `request`, of which `left` records at most; none are read yet.
    pub async fn stream(
        &self,
        context: &Context,
        view: &ModelView,
        resource: ResourceIndex,
        mut request: ListRequest,
        left: Option<u64>,
    ) -> Result<Stream, Refusal> {
        let declared = view.resource(resource);
        let mut context = context.clone();
        // A stream has a time of its own.
        context.deadline = None;
        let scope = self
            .scope(&context, declared)
            .await
            .map_err(|error| crate::operations::told(&error, view, &context))?;
        let list = Fingerprint::of(scope.tenant(), view.hash(), declared, &request.binding);
        let place = self
            .place(&context, view, list, request.cursor.take())
            .await?;
        let mut query = plan::list(view, declared, request);
        if let Some(place) = place {
            query.seek.after = Some(place.values);
            query.seek.backwards = place.backwards;
        }
        if query.seek.backwards {
            let message = "a stream goes forwards: it takes `nextCursor`, not `prevCursor`";
            return Err(Refusal::new(Code::InvalidParameter, message));
        }
        if !query.seek.marks {
            let message = "a stream is sorted by fields, not by what is made of related records or stands inside json";
            return Err(Refusal::new(Code::InvalidParameter, message)
                .with(Detail::new("sort", "conflict", message)));
        }
        query.count = Count::None;
        query.seek.lines = true;
        Ok(Stream {
            operations: self.clone(),
            context,
            view: view.clone(),
            resource,
            scope,
            query,
            list,
            left,
            ends: Instant::now() + LIFE,
            done: false,
        })
    }
}

impl Stream {
    /// The next records, one a line; `None` after the last, also after a failure.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, Broken>> {
        if self.done || self.left == Some(0) {
            return None;
        }
        if Instant::now() >= self.ends {
            let message = "the stream went on for longer than allowed";
            return Some(self.broken(Refusal::new(Code::Timeout, message)).await);
        }
        let piece = if self.query.includes.is_empty() && self.query.counts.is_empty() {
            PIECE
        } else {
            NESTED_PIECE
        };
        self.query.window.limit = self.left.map_or(piece, |left| {
            u32::try_from(left).unwrap_or(piece).min(piece)
        });
        match self.scope.list(&self.view, &self.query).await {
            Ok(listing) => {
                if let Some(left) = &mut self.left {
                    *left = left.saturating_sub(listing.rows as u64);
                }
                self.done = !listing.more;
                if let Some(last) = listing.last {
                    self.query.seek.after = Some(last);
                }
                Some(Ok(listing.json))
            }
            Err(error) => {
                let refusal = crate::operations::told(&error, &self.view, &self.context);
                Some(self.broken(refusal).await)
            }
        }
    }

    async fn broken(&mut self, refusal: Refusal) -> Result<Vec<u8>, Broken> {
        self.done = true;
        let mut cursor = None;
        if let (Some(values), Ok(key)) = (
            self.query.seek.after.take(),
            self.operations.cursor_key().await,
        ) {
            let place = Place {
                values,
                backwards: false,
            };
            cursor = Some(key.seal(self.list, &place));
        }
        Err(Broken { refusal, cursor })
    }

    /// Whose records they are, as the log names it.
    pub fn resource(&self) -> ResourceIndex {
        self.resource
    }

    /// The context it runs in.
    pub fn context(&self) -> &Context {
        &self.context
    }
}
