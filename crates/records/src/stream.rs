//! Every record of a list, piece by piece: each piece is a keyset page of its own with a snapshot
//! of its own, made when the one before was taken. Nothing is held between two pieces, so memory
//! does not grow with the table, and a reader that stops asking stops the work.

use crate::Operations;
use crate::cursor::{Fingerprint, Place};
use crate::parse::Wanted;
use crate::plan;
use carnet_kernel::{Code, Context, Refusal, Value};
use carnet_model::{ModelView, ResourceIndex};
use carnet_store::{Count, Error, Grouping, Query, Scope, Seek};
use std::time::{Duration, Instant};

/// Records of one piece.
const PIECE: u32 = 500;
/// The same where related records come along.
const NESTED_PIECE: u32 = 50;
/// Groups of one piece. Where no index gives them in their order, each piece makes them all.
const GROUP_PIECE: u32 = 5_000;
/// How long a stream may go on in all. Each piece has the time of one statement.
const LIFE: Duration = Duration::from_secs(3_600);

/// A list of records or groups that is being streamed.
pub struct Stream {
    operations: Operations,
    context: Context,
    view: ModelView,
    resource: ResourceIndex,
    scope: Scope,
    source: Source,
    list: Fingerprint,
    /// How many may still come; all when absent.
    left: Option<u64>,
    ends: Instant,
    done: bool,
}

/// What is streamed.
#[derive(Clone, Debug)]
enum Source {
    Records(Query),
    Groups(Grouping),
}

impl Source {
    fn seek(&mut self) -> &mut Seek {
        match self {
            Self::Records(query) => &mut query.seek,
            Self::Groups(grouping) => &mut grouping.seek,
        }
    }

    /// Records or groups of one piece.
    fn piece(&self) -> u32 {
        match self {
            Self::Records(query) if query.includes.is_empty() && query.counts.is_empty() => PIECE,
            Self::Records(_) => NESTED_PIECE,
            Self::Groups(_) => GROUP_PIECE,
        }
    }
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
    /// Begins to stream what is wanted, of which `left` records or groups at most; none are read yet.
    pub async fn stream(
        &self,
        context: &Context,
        view: &ModelView,
        resource: ResourceIndex,
        wanted: Wanted,
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
        let (binding, cursor) = match &wanted {
            Wanted::Records(request) => (&request.binding, &request.cursor),
            Wanted::Groups(request) => (&request.binding, &request.cursor),
        };
        let list = Fingerprint::of(scope.tenant(), view.hash(), declared, binding);
        let place = self.place(&context, view, list, cursor.clone()).await?;
        let mut source = match wanted {
            Wanted::Records(request) => {
                let mut query = plan::list(view, declared, request);
                query.count = Count::None;
                Source::Records(query)
            }
            Wanted::Groups(request) => {
                let mut grouping = plan::groups(declared, request);
                grouping.counted = false;
                Source::Groups(grouping)
            }
        };
        let seek = source.seek();
        seek.lines = true;
        if let Some(place) = place {
            seek.after = Some(place.values);
            seek.backwards = place.backwards;
        }
        if seek.backwards {
            let message = "a stream goes forwards: it takes `nextCursor`, not `prevCursor`";
            return Err(Refusal::new(Code::InvalidParameter, message));
        }
        Ok(Stream {
            operations: self.clone(),
            context,
            view: view.clone(),
            resource,
            scope,
            source,
            list,
            left,
            ends: Instant::now() + LIFE,
            done: false,
        })
    }
}

impl Stream {
    /// The next records or groups, one a line; `None` after the last, also after a failure.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, Broken>> {
        if self.done || self.left == Some(0) {
            return None;
        }
        if Instant::now() >= self.ends {
            let message = "the stream went on for longer than allowed";
            return Some(self.broken(Refusal::new(Code::Timeout, message)).await);
        }
        let piece = self.source.piece();
        let limit = self.left.map_or(piece, |left| {
            u32::try_from(left).unwrap_or(piece).min(piece)
        });
        match self.read(limit).await {
            Ok((json, rows, last)) => {
                if let Some(left) = &mut self.left {
                    *left = left.saturating_sub(rows as u64);
                }
                self.done = last.is_none();
                if last.is_some() {
                    self.source.seek().after = last;
                }
                Some(Ok(json))
            }
            Err(error) => {
                let refusal = crate::operations::told(&error, &self.view, &self.context);
                Some(self.broken(refusal).await)
            }
        }
    }

    /// Reads one piece: its lines, how many, and where to go on if more follow.
    async fn read(&mut self, limit: u32) -> Result<(Vec<u8>, usize, Option<Vec<Value>>), Error> {
        match &mut self.source {
            Source::Records(query) => {
                query.window.limit = limit;
                let read = self.scope.list(&self.view, query).await?;
                Ok((read.json, read.rows, read.last.filter(|_| read.more)))
            }
            Source::Groups(grouping) => {
                grouping.window.limit = limit;
                let read = self.scope.group(&self.view, grouping).await?;
                Ok((read.json, read.rows, read.last.filter(|_| read.more)))
            }
        }
    }

    async fn broken(&mut self, refusal: Refusal) -> Result<Vec<u8>, Broken> {
        self.done = true;
        let mut cursor = None;
        if let (Some(values), Ok(key)) = (
            self.source.seek().after.take(),
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
