//! The version that a request states: held against the record, whatever code does. Not whether one
//! has to be stated, which is found with the body.

use super::{Call, Spot};
use crate::command::{Answer, Command};
use crate::decide::Precondition;
use crate::parse::ReadRequest;
use carnet_kernel::{Code, Refusal, Value};
use carnet_store::Deleted;

impl Call {
    /// Takes note of what a request states. A record that is nowhere has no version; an action is
    /// code alone, so its record is read before.
    pub(super) async fn take_stated(&self, stated: Precondition) -> Result<(), Refusal> {
        if !self.declared().has_table() {
            if stated == Precondition::Any {
                return Ok(());
            }
            let message = format!("records of `{}` have no version", self.resource());
            return Err(Refusal::new(Code::PreconditionFailed, message));
        }
        let is_action = matches!(self.spot(), Spot::Action(_));
        self.state().version_due = is_action || stated != Precondition::Any;
        match is_action {
            true => self.hold_version().await,
            false => Ok(()),
        }
    }

    /// Holds the version that the request states against the record, unless that was done. The
    /// default operation does it with the record that it loads, so nothing is read here where code
    /// goes on to it. Where it does not, or writes something before, the record is read first: what
    /// code itself writes to it would give it another version.
    pub(super) async fn hold_version(&self) -> Result<(), Refusal> {
        if self.state().version_due {
            Box::pin(self.read_version()).await?;
            self.state().version_due = false;
        }
        Ok(())
    }

    async fn read_version(&self) -> Result<(), Refusal> {
        let (stated, purges) = {
            let state = self.state();
            let purges = matches!(&state.command, Command::Delete { purge: true, .. });
            (state.command.stated().cloned(), purges)
        };
        let mut request = ReadRequest::default();
        if purges {
            request.deleted = Deleted::With;
        }
        let command = Command::Read {
            resource: self.shared.coded.resource,
            key: Value::Id(self.require_id()?),
            request,
        };
        self.check_use()?;
        let read = self.shared.operations.run(self.work(), command).await;
        let version = match read.map_err(|refusal| self.told(refusal))? {
            Answer::Record(record) => record.version,
            _ => None,
        };
        Precondition::check(stated.as_ref(), version.unwrap_or_default())
    }
}
