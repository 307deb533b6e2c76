//! A folder that was built into the binary, in words of our own. Not the reading of folders at
//! run time.

use rust_embed::RustEmbed;
use std::borrow::Cow;

/// The files of a folder that was built into the binary.
#[derive(Clone, Debug, Default)]
pub struct Embedded {
    files: Vec<(String, Cow<'static, [u8]>)>,
}

/// The files of a type that derives `rust_embed::Embed`; [`embed!`](crate::embed) makes such a type
/// by itself.
pub fn embedded<T: RustEmbed>() -> Embedded {
    let files = T::iter().filter_map(|path| {
        let file = T::get(&path)?;
        Some((path.into_owned(), file.data))
    });
    Embedded {
        files: files.collect(),
    }
}

impl Embedded {
    /// Each file with its path below the folder.
    pub fn files(&self) -> &[(String, Cow<'static, [u8]>)] {
        &self.files
    }

    /// The files whose names end in one of `endings`, in the order of their paths. As in a folder
    /// that is read at run time, hidden files and folders are left out.
    pub(crate) fn into_files(
        self,
        endings: &[&str],
    ) -> impl Iterator<Item = (String, Cow<'static, [u8]>)> {
        let mut files = self.files;
        files.retain(|(path, _)| {
            let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
            let is_hidden = path.split('/').any(|part| part.starts_with('.'));
            !is_hidden
                && endings
                    .iter()
                    .any(|known| ending.eq_ignore_ascii_case(known))
        });
        files.sort_by(|(left, _), (right, _)| left.cmp(right));
        files.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_wanted_kind_are_taken_in_order() {
        let files = [
            "b/a.YAML",
            "a.yaml",
            ".hidden/c.yaml",
            "b/.d.yaml",
            "note.md",
        ];
        let embedded = Embedded {
            files: files
                .iter()
                .map(|path| ((*path).to_owned(), Cow::Borrowed(&b""[..])))
                .collect(),
        };
        let taken: Vec<String> = embedded
            .into_files(&["yaml"])
            .map(|(path, _)| path)
            .collect();
        assert_eq!(taken, ["a.yaml", "b/a.YAML"]);
    }
}
