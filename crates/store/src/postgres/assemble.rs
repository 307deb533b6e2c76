//! Decisions to the messages of a flight: what is changed, what is loaded, and what stands around
//! them. When a flight is sent is `write`'s; the SQL is `apply`'s.

use super::apply::{self, Form};
use super::flight::Message;
use super::load::Group;
use super::receipts;
use super::write::{Place, Purpose, Session, Work, change_of};
use crate::{Changes, Policy};

impl Work<'_> {
    /// What is to be sent: the decisions that were not sent yet, then the loads; with `end` the
    /// receipt and the end of the transaction.
    pub(super) fn messages<'m>(
        &'m self,
        loads: &'m [Group],
        end: bool,
        session: Session,
    ) -> (Vec<Message<'m>>, Vec<Purpose>) {
        let options = self.write.options;
        let frame: apply::Frame<'m> = self.write.frame;
        let form = self.form(end);
        let alone = self.is_alone(end, form);
        let each = options.policy == Policy::Each;

        let inside = self.write.inside.is_some();
        let mut messages = Vec::new();
        let mut purposes = Vec::new();
        if self.frames(end) {
            messages.push(Message::frame("savepoint asked"));
            purposes.push(Purpose::Envelope);
        }
        for (position, outcome) in self.pending().iter().enumerate() {
            let Ok(changes) = outcome else { continue };
            let unit = self.sent + position;
            let framed = each && !(changes.steps.is_empty() && changes.guards.is_empty());
            if framed {
                messages.push(Message::frame("savepoint item"));
                purposes.push(Purpose::Envelope);
            }
            if let Some(message) = apply::guards(frame, changes) {
                messages.push(message);
                purposes.push(Purpose::Guard(Place {
                    unit,
                    ..Place::default()
                }));
            }
            let form = match self.row_by_row {
                Some(one) if one == unit => Form::RowByRow,
                _ => form,
            };
            for (index, step) in changes.steps.iter().enumerate() {
                for part in apply::step(frame, step, form) {
                    purposes.push(Purpose::Row {
                        place: Place {
                            unit,
                            step: index,
                            row: part.row,
                        },
                        resource: apply::resource_of(step),
                        change: change_of(step),
                        rows: if form == Form::RowByRow {
                            1
                        } else {
                            apply::size(step)
                        },
                    });
                    messages.push(part.message);
                }
            }
            if framed {
                messages.push(Message::frame("release savepoint item"));
                purposes.push(Purpose::Envelope);
            }
        }
        for group in loads {
            messages.push(group.message());
            purposes.push(Purpose::Load);
        }
        if inside && end && (self.framed || self.frames(end)) {
            messages.push(Message::frame("release savepoint asked"));
            purposes.push(Purpose::Envelope);
        }
        if let (true, Some(receipt), Some(note)) = (end, &options.receipt, &self.note) {
            messages.push(receipts::keep(frame, receipt, note));
            purposes.push(Purpose::Keep);
        }
        if messages.is_empty() && (inside || !(end && self.began.is_some())) {
            return (messages, purposes);
        }
        if end && !alone && !inside {
            messages.push(if options.dry_run {
                Message::rollback()
            } else {
                Message::commit()
            });
            purposes.push(Purpose::Envelope);
        }
        if end && session.locked && !inside {
            messages.push(Message::unlock());
            purposes.push(Purpose::Envelope);
        }
        self.envelope((alone, end), session, &mut messages, &mut purposes);
        (messages, purposes)
    }

    fn pending(&self) -> &[crate::Outcome] {
        self.done.get(self.sent..).unwrap_or_default()
    }

    fn pending_changes(&self) -> impl Iterator<Item = &Changes> {
        self.pending().iter().flatten()
    }

    /// Whether the flight is nothing but one step and the end of a write that is nothing else.
    fn is_only(&self, end: bool) -> bool {
        let options = self.write.options;
        let steps: usize = self
            .pending_changes()
            .map(|changes| changes.steps.len())
            .sum();
        let guarded = self
            .pending_changes()
            .any(|changes| !changes.guards.is_empty());
        let plain = !options.dry_run
            && options.receipt.is_none()
            && options.policy == Policy::Atomic
            && self.write.inside.is_none();
        steps == 1 && !guarded && end && self.sent == 0 && plain
    }

    fn rows(&self) -> usize {
        let steps = self.pending_changes().flat_map(|changes| &changes.steps);
        steps.map(apply::size).max().unwrap_or(0)
    }

    fn form(&self, end: bool) -> Form {
        match self.plan.form() {
            Form::Set if self.is_only(end) && self.rows() == 1 && self.write.units.len() == 1 => {
                Form::Quiet
            }
            form => form,
        }
    }

    /// Whether the flight needs no transaction round it.
    fn is_alone(&self, end: bool, form: Form) -> bool {
        let single = form != Form::RowByRow || self.rows() == 1;
        self.began.is_none() && self.is_only(end) && single
    }

    /// Puts before the messages what they need.
    fn envelope<'m>(
        &'m self,
        (alone, end): (bool, bool),
        session: Session,
        messages: &mut Vec<Message<'m>>,
        purposes: &mut Vec<Purpose>,
    ) {
        let mut before = Vec::new();
        let mut for_what = Vec::new();
        if self.began.is_none() {
            let wanted = self.write.setting();
            let fits = match session.setting {
                // Only a statement by itself is isolated by what the session says.
                Some(set) if !alone => set.tenant == wanted.tenant,
                set => set == Some(wanted),
            };
            if !fits {
                before.push(Message::set(wanted));
            }
            // A flight that also commits must not do so when it did not get its turn.
            if !end && !self.plan.keys().is_empty() {
                before.push(Message::lock(self.plan.keys()));
            }
            if !alone {
                before.push(Message::begin(wanted.isolation.begin()));
            }
            for_what.extend(before.iter().map(|_| Purpose::Envelope));
            if let Some(receipt) = &self.write.options.receipt {
                before.push(receipts::check(self.write.frame, receipt));
                for_what.push(Purpose::Check);
            }
        }
        purposes.splice(0..0, for_what);
        messages.splice(0..0, before);
    }
}
