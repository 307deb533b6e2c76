//! Text rules that must be the same on every database. Not display or locale-bound collation.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;

/// The Unicode version of the folding tables; a change refolds companions as a migration.
pub const UNICODE_VERSION: &str = "17.0";

/// The comparison key of a caseless text: NFC, then full case folding (statuses C and F of
/// `CaseFolding.txt`). Accents stay.
///
/// ```
/// assert_eq!(carnet_kernel::text::fold("Straße"), "strasse");
/// assert_eq!(carnet_kernel::text::fold("E\u{301}TAGE"), "étage");
/// ```
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let composed = ComposingNormalizer::new_nfc().normalize(text);
    CaseMapper::new().fold_string(&composed).into_owned()
}

/// The smallest text greater than every text that starts with `prefix`, by code point; `None`
/// when there is none (the prefix is empty or all U+10FFFF).
pub fn prefix_end(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            '\u{10FFFF}' => None,
            other => char::from_u32(other as u32 + 1),
        };
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_is_idempotent_on_samples() {
        for sample in ["ΟΔΟΣ", "İstanbul", "ǅ", "ﬃ", "Å", "ς"] {
            assert_eq!(fold(&fold(sample)), fold(sample), "{sample}");
        }
    }

    #[test]
    fn sigma_folds_the_same_at_every_position() {
        assert_eq!(fold("ΟΔΟΣ"), fold("οδος"));
    }

    #[test]
    fn prefix_ends() {
        assert_eq!(prefix_end("abc").as_deref(), Some("abd"));
        assert_eq!(prefix_end("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(prefix_end("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(prefix_end(""), None);
    }
}
