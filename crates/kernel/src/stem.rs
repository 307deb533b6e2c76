//! Stems of words by the rules of a language, the same on every database. Not where words begin and
//! end.

use rust_stemmers::{Algorithm, Stemmer};

/// A language whose endings are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// `arabic`
    Arabic,
    /// `danish`
    Danish,
    /// `dutch`
    Dutch,
    /// `english`
    English,
    /// `french`
    French,
    /// `german`
    German,
    /// `greek`
    Greek,
    /// `hungarian`
    Hungarian,
    /// `italian`
    Italian,
    /// `norwegian`
    Norwegian,
    /// `portuguese`
    Portuguese,
    /// `romanian`
    Romanian,
    /// `russian`
    Russian,
    /// `spanish`
    Spanish,
    /// `swedish`
    Swedish,
    /// `tamil`
    Tamil,
    /// `turkish`
    Turkish,
}

/// Each language with its word and its rules.
const LANGUAGES: [(Language, &str, Algorithm); 17] = [
    (Language::Arabic, "arabic", Algorithm::Arabic),
    (Language::Danish, "danish", Algorithm::Danish),
    (Language::Dutch, "dutch", Algorithm::Dutch),
    (Language::English, "english", Algorithm::English),
    (Language::French, "french", Algorithm::French),
    (Language::German, "german", Algorithm::German),
    (Language::Greek, "greek", Algorithm::Greek),
    (Language::Hungarian, "hungarian", Algorithm::Hungarian),
    (Language::Italian, "italian", Algorithm::Italian),
    (Language::Norwegian, "norwegian", Algorithm::Norwegian),
    (Language::Portuguese, "portuguese", Algorithm::Portuguese),
    (Language::Romanian, "romanian", Algorithm::Romanian),
    (Language::Russian, "russian", Algorithm::Russian),
    (Language::Spanish, "spanish", Algorithm::Spanish),
    (Language::Swedish, "swedish", Algorithm::Swedish),
    (Language::Tamil, "tamil", Algorithm::Tamil),
    (Language::Turkish, "turkish", Algorithm::Turkish),
];

impl Language {
    /// Every language by its word.
    pub fn all() -> impl Iterator<Item = (Self, &'static str)> {
        LANGUAGES
            .iter()
            .map(|(language, word, _)| (*language, *word))
    }

    /// Its word in definitions.
    pub fn as_str(self) -> &'static str {
        self.entry().map_or("", |(_, word, _)| word)
    }

    /// The one of that word.
    pub fn parse(word: &str) -> Option<Self> {
        let mut all = Self::all();
        all.find_map(|(language, known)| (known == word).then_some(language))
    }

    /// The stem of a word in lower case. A word stays as it is when its stem would be empty or no
    /// word.
    ///
    /// ```
    /// use carnet_kernel::stem::Language;
    /// assert_eq!(Language::English.stem("batteries"), "batteri");
    /// assert_eq!(Language::English.stem("battery"), "batteri");
    /// ```
    pub fn stem(self, word: &str) -> String {
        let Some((_, _, algorithm)) = self.entry() else {
            return word.to_owned();
        };
        let stem = Stemmer::create(*algorithm).stem(word);
        let odd = |one: char| one.is_ascii() && !one.is_ascii_lowercase() && !one.is_ascii_digit();
        match stem.is_empty() || stem.contains(odd) {
            true => word.to_owned(),
            false => stem.into_owned(),
        }
    }

    fn entry(self) -> Option<&'static (Self, &'static str, Algorithm)> {
        LANGUAGES.iter().find(|(language, ..)| *language == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::words;
    use proptest::prelude::*;

    #[track_caller]
    fn same(language: Language, forms: &[&str]) {
        let stems: Vec<String> = forms.iter().map(|form| language.stem(form)).collect();
        assert!(stems.windows(2).all(|two| two[0] == two[1]), "{stems:?}");
    }

    #[test]
    fn forms_of_a_word_have_one_stem() {
        same(
            Language::English,
            &["charge", "charged", "charging", "charges"],
        );
        same(Language::German, &["batterie", "batterien"]);
        same(Language::French, &["portable", "portables"]);
        same(Language::Spanish, &["instalación", "instalaciones"]);
        same(Language::Italian, &["pannello", "pannelli"]);
        same(Language::Dutch, &["lamp", "lampen"]);
        same(Language::Portuguese, &["instalação", "instalações"]);
        same(Language::Swedish, &["lampa", "lampor", "lamporna"]);
        same(Language::Russian, &["батареи", "батарею"]);
    }

    #[test]
    fn words_are_read_back() {
        for (language, word) in Language::all() {
            assert_eq!(Language::parse(word), Some(language));
            assert_eq!(language.as_str(), word);
        }
        assert_eq!(Language::parse("klingon"), None);
    }

    proptest! {
        #[test]
        fn any_word_has_a_stem(text in "\\PC{0,24}") {
            for word in words(&text) {
                for (language, _) in Language::all() {
                    let stem = language.stem(&word);
                    prop_assert!(!stem.is_empty());
                    prop_assert!(!stem.contains([' ', '\'', '"', '_', '\\']));
                }
            }
        }

        #[test]
        fn any_word_of_its_letters_has_a_stem(
            word in "[a-zàâçéèêëîïôûùüßäöñãõåøæığşăîșțőű]{1,16}|[а-яё]{1,12}|[α-ωά-ώ]{1,12}|[ء-ي]{1,12}|[அ-்]{1,12}"
        ) {
            for (language, _) in Language::all() {
                prop_assert!(!language.stem(&word).is_empty());
            }
        }
    }
}
