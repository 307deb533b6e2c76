//! What the query of a write says: how it is carried out. Not its body.

use super::key::Groups;
use super::{Faults, key};
use carnet_kernel::{Code, Refusal, suggest};

/// Query parameters of every write.
pub const WRITE_PARAMETERS: &[&str] = &["dryRun"];

/// What the query of a write asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteRequest {
    /// Do it and undo it.
    pub dry_run: bool,
}

/// Parses the query of a write.
pub fn parse_write(pairs: &[(String, String)]) -> Result<WriteRequest, Refusal> {
    let mut faults = Faults::default();
    let groups = key::group(pairs, WRITE_PARAMETERS, &mut faults);
    let request = WriteRequest::read(&groups, &mut faults);
    faults.into_result(request)
}

impl WriteRequest {
    /// What every write may say, among parameters of its own.
    pub(super) fn read(groups: &Groups<'_>, faults: &mut Faults) -> Self {
        Self {
            dry_run: flag(groups.value("dryRun"), "dryRun", faults),
        }
    }
}

pub(super) fn flag(text: Option<&str>, name: &'static str, faults: &mut Faults) -> bool {
    match text {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            let hint = suggest::hint(other, ["true", "false"]);
            let message = format!("`{name}` is `true` or `false`{hint}");
            faults.push(Code::InvalidParameter, name, "enum", message);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &[(&str, &str)], expected: Result<bool, &str>) {
        let pairs: Vec<(String, String)> = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let found = parse_write(&pairs).map(|request| request.dry_run);
        let found = found.map_err(|refusal| {
            let told = refusal.details.first();
            told.map_or(String::new(), |detail| detail.message.clone())
        });
        assert_eq!(found, expected.map_err(str::to_owned), "{query:?}");
    }

    #[test]
    fn how_a_write_is_carried_out() {
        check(&[], Ok(false));
        check(&[("dryRun", "true")], Ok(true));
        check(&[("dryRun", "false")], Ok(false));
        check(
            &[("dryRun", "tru")],
            Err("`dryRun` is `true` or `false` (did you mean `true`?)"),
        );
        check(&[("dryRun", "")], Err("`dryRun` is `true` or `false`"));
        check(
            &[("dryRun", "true"), ("dryRun", "true")],
            Err("`dryRun` stands twice"),
        );
        check(
            &[("dryrun", "true")],
            Err("there is no parameter `dryrun` (did you mean `dryRun`?)"),
        );
        check(
            &[("limit", "1")],
            Err("the parameter `limit` is not offered here"),
        );
    }
}
