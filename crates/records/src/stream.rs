//! Every record of a list, piece by piece: each piece is a keyset page of its own with a snapshot
//! of its own, made when the one before was taken. Nothing is held between two pieces, so memory
//! does not grow with the table, and a reader that stops asking stops the work.

mod coded;

use crate::cursor::{Fingerprint, Place};
use crate::fault;
use crate::logic::{Spot, Streamed, ungrouped};
use crate::operations::told;
use crate::parse::{ListRequest, Wanted};
use crate::{Answer, Operations, plan};
use carnet_kernel::{Code, Context, Refusal};
use carnet_model::{ModelView, Operation, Resource, ResourceIndex};
use carnet_store::{Count, Grouping, Query, Scope, Seek};
use coded::Pages;
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
    /// Of which the list was asked for.
    resource: ResourceIndex,
    scope: Scope,
    source: Source,
    /// What code makes of the records.
    made: Option<Box<Streamed>>,
    list: Fingerprint,
    /// How many may still come; all when absent.
    left: Option<u64>,
    ends: Instant,
    done: bool,
}

/// What is streamed.
#[derive(Debug)]
enum Source {
    Records(Query),
    Groups(Grouping),
    /// What code that stands round the list answers.
    Pages(Box<Pages>),
}

/// Some lines, and whether others follow.
struct Piece {
    lines: Vec<u8>,
    rows: usize,
    more: bool,
}

impl Source {
    fn seek(&mut self) -> Option<&mut Seek> {
        match self {
            Self::Records(query) => Some(&mut query.seek),
            Self::Groups(grouping) => Some(&mut grouping.seek),
            Self::Pages(_) => None,
        }
    }

    /// Records or groups of one piece.
    fn piece(&self) -> u32 {
        match self {
            Self::Records(query) if query.includes.is_empty() && query.counts.is_empty() => PIECE,
            Self::Records(_) => NESTED_PIECE,
            Self::Groups(_) => GROUP_PIECE,
            Self::Pages(pages) => pages.most(),
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
    /// Begins to stream what is wanted, of which `left` records or groups at most. Where code stands
    /// round the list it runs for each page, or once when it leaves its records to be streamed.
    pub async fn stream(
        &self,
        context: &Context,
        view: &ModelView,
        resource: ResourceIndex,
        wanted: Wanted,
        left: Option<u64>,
    ) -> Result<Stream, Refusal> {
        let begun = self.begin_stream(context, view, resource, wanted, left);
        begun.await.map_err(|mut refusal| {
            self.tell_failed(context, view.resource(resource), &mut refusal);
            refusal
        })
    }

    async fn begin_stream(
        &self,
        context: &Context,
        view: &ModelView,
        resource: ResourceIndex,
        wanted: Wanted,
        left: Option<u64>,
    ) -> Result<Stream, Refusal> {
        let spot = Spot::Operation(Operation::List);
        if self
            .logics()
            .entry(context.version.0, resource, spot)
            .is_none()
        {
            return self.lines(context, view, resource, wanted, left).await;
        }
        let mut pages = Pages::new(context, resource, wanted.clone());
        match pages.begin(self, context, view, left).await? {
            Answer::Streamed(made) => {
                let Wanted::Records(asked) = wanted else {
                    return Err(ungrouped());
                };
                let listed = view.resource(resource);
                let (index, request) = made.request(view, listed, asked, self.now())?;
                let wanted = Wanted::Records(request);
                let mut stream = self.lines(context, view, index, wanted, left).await?;
                stream.made = Some(made);
                stream.resource = resource;
                Ok(stream)
            }
            answer => {
                pages.keep(answer);
                // What cursors belong to is told with each page.
                let none = Wanted::Records(ListRequest::default());
                let mut stream = self.lines(context, view, resource, none, left).await?;
                stream.source = Source::Pages(Box::new(pages));
                Ok(stream)
            }
        }
    }

    /// Tells the log of a stream that failed inside the platform or in code.
    fn tell_failed(&self, context: &Context, resource: &Resource, refusal: &mut Refusal) {
        let spot = Spot::Operation(Operation::List);
        let logics = self.logics();
        let entry = logics.entry(context.version.0, resource.index, spot);
        let place = fault::Place {
            resource: &resource.name,
            point: "list",
            logic: entry.and_then(|entry| entry.name()),
        };
        fault::tell(context, &place, refusal);
    }

    /// The same by default, whatever code stands there; nothing is read yet.
    async fn lines(
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
            .map_err(|error| told(&error, view))?;
        let (binding, cursor) = match &wanted {
            Wanted::Records(request) => (&request.binding, &request.cursor),
            Wanted::Groups(request) => (&request.binding, &request.cursor),
        };
        let list = Fingerprint::of(scope.tenant(), view.hash(), declared, binding);
        let place = self.place(view, list, cursor.as_deref()).await?;
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
        if let Some(seek) = source.seek() {
            seek.lines = true;
            if let Some(place) = place {
                seek.after = Some(place.values);
                seek.backwards = place.backwards;
            }
            if seek.backwards {
                let message = "a stream goes forwards: it takes `nextCursor`, not `prevCursor`";
                return Err(Refusal::new(Code::InvalidParameter, message));
            }
        }
        Ok(Stream {
            operations: self.clone(),
            context,
            view: view.clone(),
            resource,
            scope,
            source,
            made: None,
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
            Ok(piece) => {
                if let Some(left) = &mut self.left {
                    *left = left.saturating_sub(piece.rows as u64);
                }
                self.done = !piece.more;
                Some(Ok(piece.lines))
            }
            Err(refusal) => Some(self.broken(refusal).await),
        }
    }

    /// Reads one piece, and notes where to go on if more follow.
    async fn read(&mut self, limit: u32) -> Result<Piece, Refusal> {
        let failed = |error| told(&error, &self.view);
        let (json, rows, last) = match &mut self.source {
            Source::Records(query) => {
                query.window.limit = limit;
                let read = self.scope.list(&self.view, query).await.map_err(failed)?;
                (read.json, read.rows, read.last.filter(|_| read.more))
            }
            Source::Groups(grouping) => {
                grouping.window.limit = limit;
                let read = self.scope.group(&self.view, grouping).await;
                let read = read.map_err(failed)?;
                (read.json, read.rows, read.last.filter(|_| read.more))
            }
            Source::Pages(pages) => {
                let (operations, view) = (&self.operations, &self.view);
                return pages.read(operations, &self.context, view, limit).await;
            }
        };
        let lines = match &self.made {
            Some(made) => made.lines(self.view.resource(self.resource), &json)?,
            None => json,
        };
        let more = last.is_some();
        if more && let Some(seek) = self.source.seek() {
            seek.after = last;
        }
        Ok(Piece { lines, rows, more })
    }

    async fn broken(&mut self, mut refusal: Refusal) -> Result<Vec<u8>, Broken> {
        self.done = true;
        let resource = self.view.resource(self.resource);
        self.operations
            .tell_failed(&self.context, resource, &mut refusal);
        let mut cursor = None;
        if let Source::Pages(pages) = &mut self.source {
            cursor = pages.cursor();
        } else if let (Some(values), Ok(key)) = (
            self.source.seek().and_then(|seek| seek.after.take()),
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

    /// Of which resource the list was asked for, as the log names it.
    pub fn resource(&self) -> ResourceIndex {
        self.resource
    }

    /// The context it runs in.
    pub fn context(&self) -> &Context {
        &self.context
    }
}
