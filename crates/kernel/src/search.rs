//! The words of a text as search sees them: where they begin and end, how they are folded, and how
//! alike two of them are. The same on every database, because no database is asked. Not a query
//! language; the stems of words are `stem`'s.

use crate::stem::Language;
use crate::text::fold;
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

/// The version of the rules of this file; a change of it makes every stored document anew.
pub const SEARCH_VERSION: u32 = 1;

/// The longest word in code points; what is longer is cut, in texts and in questions alike.
pub const MAX_WORD: usize = 64;

/// How many bytes the words of one text may have together; what follows is not searched.
pub const MAX_DOCUMENT: usize = 16 * 1024;

/// How many code points of a document are compared by likeness.
pub const MAX_SIMILAR: usize = 2_000;

/// From how many thousandths on two words are alike.
pub const SIMILAR: i64 = 300;

/// How the words of a text are made; the same for what is stored and for what is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Analysis {
    /// Whose endings are taken off; words stand as they are without one.
    pub language: Option<Language>,
    /// What becomes of accents.
    pub accents: Accents,
}

/// What becomes of accents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Accents {
    /// They are removed: combining marks of Latin, Greek and Cyrillic, points of Hebrew and Arabic.
    #[default]
    Fold,
    /// They tell words apart.
    Keep,
}

impl Accents {
    /// Every way, in the order in which they are told.
    pub const ALL: [Self; 2] = [Self::Fold, Self::Keep];

    /// Its word in definitions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fold => "fold",
            Self::Keep => "keep",
        }
    }

    /// The one of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// What stands before a stem among stored words; it stands in no word.
const STEM: char = '_';

/// What search compares without a language: compatibility forms are made plain, case is folded,
/// accents are removed, and characters without a form of their own go. Vowel signs of other
/// scripts stay.
///
/// ```
/// use carnet_kernel::search::plain;
/// assert_eq!(plain("Crème BRÛLÉE"), "creme brulee");
/// assert_eq!(plain("Straße"), "strasse");
/// assert_eq!(plain("İstanbul"), "istanbul");
/// assert_eq!(plain("ΟΔΌΣ"), plain("οδος"));
/// ```
pub fn plain(text: &str) -> String {
    compared(text, Accents::Fold)
}

fn compared(text: &str, accents: Accents) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decomposed = DecomposingNormalizer::new_nfkd()
        .normalize(&fold(text))
        .into_owned();
    let goes = |one: char| is_invisible(one) || (accents == Accents::Fold && is_accent(one));
    let kept: String = decomposed.chars().filter(|one| !goes(*one)).collect();
    fold(&ComposingNormalizer::new_nfc().normalize(&kept))
}

/// The words of a text in order, accents removed. See [`Analysis::words`].
///
/// ```
/// use carnet_kernel::search::words;
/// assert_eq!(words("Solar-Panel, 12V"), ["solar", "panel", "12v"]);
/// assert_eq!(words("電池 pack"), ["電", "池", "pack"]);
/// ```
pub fn words(text: &str) -> Vec<String> {
    Analysis::default().words(text)
}

/// The stored form of a text without a language. See [`Analysis::document`].
pub fn document(text: &str) -> String {
    Analysis::default().document(text)
}

impl Analysis {
    /// The words of a text in order, without their stems. A word is a run of letters, digits and
    /// marks; each character of a script that is written without spaces, and each symbol such as
    /// an emoji, is a word of its own, so that a run of them is found as a phrase.
    pub fn words(self, text: &str) -> Vec<String> {
        split(&compared(text, self.accents))
    }

    /// The stored form of a text: each word between spaces, so that ` solar panel ` holds the
    /// phrase and ` pan` a beginning; one space when there is no word. With a language the stems
    /// of the words follow, marked: ` solar panels _solar _panel `.
    pub fn document(self, text: &str) -> String {
        let words = self.words(text);
        let mut out = String::with_capacity(text.len() + 2);
        let Some(language) = self.language else {
            for word in &words {
                out.push(' ');
                out.push_str(word);
            }
            out.push(' ');
            return out;
        };
        let mut stems = String::new();
        for (word, accented) in self.with_accents(&words, text) {
            let of_word = self.stems_of(language, word, accented);
            let more: usize = of_word.iter().map(|stem| stem.len() + 1).sum();
            if out.len() + stems.len() + word.len() + 1 + more > MAX_DOCUMENT {
                break;
            }
            out.push(' ');
            out.push_str(word);
            for stem in of_word {
                stems.push(' ');
                stems.push_str(&stem);
            }
        }
        out.push_str(&stems);
        out.push(' ');
        out
    }

    /// The stored words of which one must be there for the only word of a text to be found by its
    /// stem; `None` without a language, and for another number of words than one.
    pub fn stems(self, text: &str) -> Option<Vec<String>> {
        let language = self.language?;
        let words = self.words(text);
        match words.as_slice() {
            [_] => {
                let (word, accented) = self.with_accents(&words, text).next()?;
                Some(self.stems_of(language, word, accented))
            }
            _ => None,
        }
    }

    /// Each word with its form before accents were removed, where that is known.
    fn with_accents<'w>(
        self,
        words: &'w [String],
        text: &str,
    ) -> impl Iterator<Item = (&'w str, Option<String>)> {
        let accented = match self.accents {
            Accents::Fold if !text.is_ascii() => split(&compared(text, Accents::Keep)),
            _ => Vec::new(),
        };
        let mut accented = match accented.len() == words.len() {
            true => accented,
            false => Vec::new(),
        }
        .into_iter();
        words
            .iter()
            .map(move |word| (word.as_str(), accented.next()))
    }

    /// The marked stems of a word. Endings are known by their accents in some languages, so that a
    /// word whose accents are removed has two: the one of what it looks like now, by which texts
    /// without accents meet it, and the one that its language gives it.
    fn stems_of(self, language: Language, word: &str, accented: Option<String>) -> Vec<String> {
        let marked = |stem: &str| format!("{STEM}{stem}");
        let mut stems = vec![marked(&language.stem(word))];
        if let Some(accented) = accented.filter(|accented| accented != word) {
            let stem = marked(&plain(&language.stem(&accented)));
            if !stems.contains(&stem) {
                stems.push(stem);
            }
        }
        stems
    }
}

/// Cuts a text whose characters are in their compared form.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut bytes = 0;
    let mut word = Word::default();
    for character in text.chars() {
        let kind = kind(character);
        match kind {
            Kind::Letter if word.alone => word.finish(&mut words, &mut bytes),
            Kind::Alone | Kind::Other => word.finish(&mut words, &mut bytes),
            Kind::Letter | Kind::Mark => {}
        }
        if bytes >= MAX_DOCUMENT {
            return words;
        }
        if kind != Kind::Other {
            word.push(character, kind == Kind::Alone);
        }
    }
    word.finish(&mut words, &mut bytes);
    words
}

/// Whether a stored word is the stem of one.
pub fn is_stem(stored: &str) -> bool {
    stored.starts_with(STEM)
}

/// The runs of three code points of a word with two marks before and one behind it, each once:
/// `__s _so sol ol_`. The mark stands in no word.
pub fn trigrams(word: &str) -> Vec<String> {
    let padded: Vec<char> = "__".chars().chain(word.chars()).chain(['_']).collect();
    let mut trigrams: Vec<String> = Vec::with_capacity(padded.len());
    for run in padded.windows(3) {
        let trigram: String = run.iter().collect();
        if !trigrams.contains(&trigram) {
            trigrams.push(trigram);
        }
    }
    trigrams
}

/// How alike the word with these `trigrams` and the most like word of a document are, in
/// thousandths: shared trigrams over all. A word counts one trigram more than it has code points.
pub fn similarity(trigrams: &[String], document: &str) -> i64 {
    let end = document.char_indices().nth(MAX_SIMILAR);
    let document = match end {
        Some((end, _)) => document.get(..end).unwrap_or(document),
        None => document,
    };
    let wanted = trigrams.len() as i64;
    let mut padded = String::new();
    let alike = document
        .split(' ')
        .filter(|word| !word.is_empty() && !is_stem(word))
        .map(|word| {
            padded.clear();
            padded.push_str("__");
            padded.push_str(word);
            padded.push('_');
            let shared = trigrams.iter().filter(|one| padded.contains(one.as_str()));
            let shared = shared.count() as i64;
            let all = wanted + word.chars().count() as i64 + 1 - shared;
            shared * 1_000 / all.max(1)
        });
    alike.max().unwrap_or(0)
}

/// A word in the making.
#[derive(Default)]
struct Word {
    text: String,
    characters: usize,
    /// Whether it takes only marks from now on.
    alone: bool,
}

impl Word {
    fn push(&mut self, character: char, alone: bool) {
        self.alone |= alone;
        if self.characters < MAX_WORD {
            self.text.push(character);
            self.characters += 1;
        }
    }

    fn finish(&mut self, words: &mut Vec<String>, bytes: &mut usize) {
        if !self.text.is_empty() {
            *bytes += self.text.len() + 1;
            if *bytes <= MAX_DOCUMENT {
                words.push(std::mem::take(&mut self.text));
            }
        }
        *self = Self::default();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Makes words with its neighbours.
    Letter,
    /// Belongs to what stands before it.
    Mark,
    /// A word by itself.
    Alone,
    /// Between words.
    Other,
}

fn kind(character: char) -> Kind {
    if character.is_ascii() {
        return match character.is_ascii_alphanumeric() {
            true => Kind::Letter,
            false => Kind::Other,
        };
    }
    use GeneralCategory as G;
    match CodePointMapData::<GeneralCategory>::new().get(character) {
        G::NonspacingMark | G::SpacingMark | G::EnclosingMark => Kind::Mark,
        G::OtherSymbol => Kind::Alone,
        G::UppercaseLetter
        | G::LowercaseLetter
        | G::TitlecaseLetter
        | G::ModifierLetter
        | G::OtherLetter
        | G::DecimalNumber
        | G::LetterNumber
        | G::OtherNumber => match is_unspaced(character) {
            true => Kind::Alone,
            false => Kind::Letter,
        },
        _ => Kind::Other,
    }
}

/// Scripts written without spaces: Thai, Lao, Myanmar, Khmer, kana, Han.
fn is_unspaced(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0EFF
        | 0x1000..=0x109F
        | 0x1780..=0x17FF
        | 0x3005..=0x3007
        | 0x3021..=0x3029
        | 0x3041..=0x30FF
        | 0x31F0..=0x31FF
        | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF
        | 0x1_B000..=0x1_B16F
        | 0x2_0000..=0x3_FFFD)
}

/// Accents and points.
fn is_accent(character: char) -> bool {
    matches!(u32::from(character),
        0x0300..=0x036F
        | 0x0591..=0x05BD
        | 0x05BF
        | 0x05C1..=0x05C2
        | 0x05C4..=0x05C5
        | 0x05C7
        | 0x064B..=0x065F
        | 0x0670
        | 0x1AB0..=0x1AFF
        | 0x1DC0..=0x1DFF
        | 0x20D0..=0x20FF
        | 0xFE20..=0xFE2F)
}

/// Joiners, selectors and what else has no form of its own.
fn is_invisible(character: char) -> bool {
    matches!(u32::from(character),
        0x00AD
        | 0x0640
        | 0x200B..=0x200F
        | 0x202A..=0x202E
        | 0x2060..=0x2064
        | 0xFE00..=0xFE0F
        | 0xFEFF
        | 0xE_0000..=0xE_0FFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(words(text), expected, "{text}");
    }

    #[test]
    fn words_of_many_scripts() {
        check("", &[]);
        check(" -- !? ", &[]);
        check("AB-12/x_y", &["ab", "12", "x", "y"]);
        check("ＦＵＬＬ ﬁne", &["full", "fine"]);
        check("naïve cafe\u{301}", &["naive", "cafe"]);
        check("ÅNGSTRÖM", &["angstrom"]);
        check("Ёлка й", &["елка", "и"]);
        check("ΟΔΌΣ οδος", &["οδοσ", "οδοσ"]);
        check("Diyarbakır İSTANBUL", &["diyarbakır", "istanbul"]);
        check("がＧ", &["が", "g"]);
        check("ﾊﾞｯﾃﾘｰ", &["バ", "ッ", "テ", "リ", "ー"]);
        check("한국어 배터리", &["한국어", "배터리"]);
        check("hot🔥🔋go", &["hot", "🔥", "🔋", "go"]);
        check("👩🏽‍🔧", &["👩", "🔧"]);
        check("हिन्दी", &["हिन्दी"]);
        check("ไทย", &["ไ", "ท", "ย"]);
        check("שָׁלוֹם عَرَبِيّ", &["שלום", "عربي"]);
        check("co\u{AD}op \u{301}x", &["coop", "x"]);
    }

    #[test]
    fn documents_are_bounded() {
        assert_eq!(document("Solar, Panel"), " solar panel ");
        assert_eq!(document("…"), " ");
        let long = "ab ".repeat(MAX_DOCUMENT);
        assert!(document(&long).len() <= MAX_DOCUMENT + 1);
        let word = words(&"x".repeat(1_000));
        assert_eq!(word, ["x".repeat(MAX_WORD)]);
    }

    #[track_caller]
    fn alike(left: &str, right: &str, expected: i64) {
        assert_eq!(similarity(&trigrams(left), &document(right)), expected);
    }

    #[test]
    fn likeness_is_of_words() {
        alike("solar", "SOLAR", 1_000);
        alike("solr", "the solar panel", 375);
        alike("panle", "panel", 333);
        alike("solar", "lunar", 90);
        alike("solar", "", 0);
    }

    proptest! {
        #[test]
        fn any_text_has_words_that_are_their_own(text in "\\PC{0,40}") {
            for word in words(&text) {
                prop_assert!(!word.contains(|one: char| one.is_ascii() && !one.is_ascii_alphanumeric()));
                prop_assert!(!word.contains(|one: char| one.is_ascii_uppercase()));
                prop_assert!(word.chars().count() <= MAX_WORD);
                prop_assert_eq!(words(&word).concat(), word);
            }
        }
    }
}
