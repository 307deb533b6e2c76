//! By which rules derived columns were made of their values, as a database remembers it: another
//! version of them fills the columns anew. Not the rules themselves: those are the kernel's.

use carnet_kernel::search::{Accents, Analysis, SEARCH_VERSION};
use carnet_kernel::stem::Language;
use carnet_kernel::text::UNICODE_VERSION;
use std::fmt;

/// The versions of all rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Of folded companions.
    pub(crate) fold: String,
    /// Of the words of texts.
    pub(crate) words: String,
}

impl Rules {
    /// Those of this program.
    pub(crate) fn current() -> Self {
        Self {
            fold: UNICODE_VERSION.to_owned(),
            words: format!("{SEARCH_VERSION}+{UNICODE_VERSION}"),
        }
    }

    /// Those of a database or a migration that does not say: of before they were remembered.
    pub(crate) fn first() -> Self {
        Self {
            fold: "17.0".to_owned(),
            words: "1+17.0".to_owned(),
        }
    }

    /// Reads what was remembered.
    pub(crate) fn parse(text: &str) -> Self {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["fold", fold, "words", words] => Self {
                fold: (*fold).to_owned(),
                words: (*words).to_owned(),
            },
            _ => Self::first(),
        }
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "fold {} words {}", self.fold, self.words)
    }
}

/// The rule of one derived column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) version: String,
    pub(crate) analysis: Analysis,
}

/// An analysis in words, as statements and migrations name it: `in english accents keep`; empty
/// for the usual one.
pub(crate) fn analysis_words(analysis: Analysis) -> String {
    let mut words = Vec::new();
    if let Some(language) = analysis.language {
        words.push(format!("in {}", language.as_str()));
    }
    if analysis.accents != Accents::Fold {
        words.push(format!("accents {}", analysis.accents.as_str()));
    }
    words.join(" ")
}

/// Reads what [`analysis_words`] wrote.
pub(crate) fn parse_analysis(text: &str) -> Option<Analysis> {
    let mut analysis = Analysis::default();
    let words: Vec<&str> = text.split_whitespace().collect();
    for pair in words.chunks(2) {
        match pair {
            ["in", language] => analysis.language = Some(Language::parse(language)?),
            ["accents", accents] => analysis.accents = Accents::parse(accents)?,
            _ => return None,
        }
    }
    Some(analysis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn analyses_are_read_back() {
        for accents in Accents::ALL {
            for language in Language::all().map(|(one, _)| Some(one)).chain([None]) {
                let analysis = Analysis { language, accents };
                assert_eq!(parse_analysis(&analysis_words(analysis)), Some(analysis));
            }
        }
        assert_eq!(parse_analysis("in klingon"), None);
        assert_eq!(parse_analysis("in"), None);
    }

    #[test]
    fn rules_are_read_back() {
        let rules = Rules::current();
        assert_eq!(Rules::parse(&rules.to_string()), rules);
        assert_eq!(Rules::parse(""), Rules::first());
    }
}
