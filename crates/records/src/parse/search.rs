//! `search=` and `search[fuzzy]=` to a predicate: words, `"phrases"`, `beginnings*` and `-words`
//! that must not be there. Every other character stands between words, so that no text is an error
//! of syntax.

use super::Faults;
use super::key::{Groups, SearchPair};
use carnet_expr::{Predicate, SearchTerm};
use carnet_kernel::Code;
use carnet_kernel::search::Analysis;
use carnet_model::{FieldIndex, Resource, Search};

/// The longest search in code points.
pub(crate) const MAX_TEXT: usize = 1_000;

/// The most terms of a search.
const MAX_TERMS: usize = 16;

/// The most words of a fuzzy search; each is compared with every word of what may match.
const MAX_FUZZY: usize = 8;

/// The searches of a request, joined; `None` without one.
pub(super) fn parse(
    resource: &Resource,
    groups: &Groups<'_>,
    faults: &mut Faults,
) -> Option<Predicate> {
    let mut predicate: Option<Predicate> = None;
    for pair in &groups.search {
        let fields: Vec<FieldIndex> = resource.searched_fields().collect();
        let Some(searched) = resource.search.as_ref().filter(|_| !fields.is_empty()) else {
            let message = format!(
                "`{}` is not searched; its definition names fields under `search` to offer it",
                resource.name
            );
            faults.push(Code::UnknownParameter, pair.key, "unknown", message);
            continue;
        };
        if pair.fuzzy && !searched.fuzzy {
            let message = format!(
                "`{}` is not searched by likeness; its definition says `fuzzy: true` under \
                 `search` to offer it",
                resource.name
            );
            faults.push(Code::UnknownParameter, pair.key, "unknown", message);
            continue;
        }
        if let Some(found) = one(searched, &fields, pair, faults) {
            predicate = Some(match predicate {
                Some(before) => before.and(found),
                None => found,
            });
        }
    }
    predicate
}

fn one(
    search: &Search,
    fields: &[FieldIndex],
    pair: &SearchPair<'_>,
    faults: &mut Faults,
) -> Option<Predicate> {
    let mut fault = |rule: &'static str, message: String| {
        faults.push(Code::InvalidParameter, pair.key, rule, message);
        None
    };
    if pair.value.chars().count() > MAX_TEXT {
        return fault("max", format!("a search has at most {MAX_TEXT} characters"));
    }
    let terms = match pair.fuzzy {
        true => fuzzy(search.analysis, pair.value),
        false => terms(search.analysis, pair.value),
    };
    let most = if pair.fuzzy { MAX_FUZZY } else { MAX_TERMS };
    if terms.len() > most {
        let message = format!("a search has at most {most} terms, not {}", terms.len());
        return fault("max", message);
    }
    let mut wanted = Vec::new();
    let mut unwanted = Vec::new();
    for (negated, term) in terms {
        match negated {
            true => unwanted.push(term),
            false => wanted.push(term),
        }
    }
    if wanted.is_empty() && unwanted.is_empty() {
        return fault("empty", "there is no word to search for".to_owned());
    }
    let searched = |terms: Vec<SearchTerm>| Predicate::Search {
        fields: fields.to_vec(),
        analysis: search.analysis,
        terms,
    };
    let mut predicate = match wanted.is_empty() {
        true => Predicate::True,
        false => searched(wanted),
    };
    for term in unwanted {
        predicate = predicate.and(Predicate::Not(Box::new(searched(vec![term]))));
    }
    Some(predicate)
}

/// Every word of a text.
fn fuzzy(analysis: Analysis, text: &str) -> Vec<(bool, SearchTerm)> {
    let mut words = analysis.words(text);
    let mut seen = std::collections::HashSet::new();
    words.retain(|word| seen.insert(word.clone()));
    let terms = words.into_iter();
    terms
        .map(|word| (false, SearchTerm::Similar(word)))
        .collect()
}

/// The terms of a text, and whether each must be absent. What holds no word is passed over. With a
/// language a single word stands for its forms; a phrase, a beginning and words that are written
/// together (`AB-12`) are meant as they stand.
fn terms(analysis: Analysis, text: &str) -> Vec<(bool, SearchTerm)> {
    let mut terms = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (negated, after) = match rest.strip_prefix('-') {
            Some(after) => (true, after),
            None => (false, rest),
        };
        let quoted = after.starts_with('"');
        let (content, prefix, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (content, after) = quoted.split_once('"').unwrap_or((quoted, ""));
                match after.strip_prefix('*') {
                    Some(after) => (content, true, after),
                    None => (content, false, after),
                }
            }
            None => {
                let end = after.find(|one: char| one.is_whitespace() || one == '"');
                let (content, after) = after.split_at(end.unwrap_or(after.len()));
                (content, content.ends_with('*'), after)
            }
        };
        let words = analysis.words(content);
        let stems = match quoted || prefix {
            true => None,
            false => analysis.stems(content),
        };
        match stems {
            Some(stems) => terms.push((negated, SearchTerm::Stem(stems))),
            None if words.is_empty() => {}
            None => terms.push((negated, SearchTerm::Words { words, prefix })),
        }
        rest = after.trim_start();
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_kernel::search::Accents;
    use carnet_kernel::stem::Language;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        check_in(Analysis::default(), text, expected);
    }

    #[track_caller]
    fn check_in(analysis: Analysis, text: &str, expected: &str) {
        let shown: Vec<String> = terms(analysis, text)
            .into_iter()
            .map(|(negated, term)| match term {
                SearchTerm::Words { words, prefix } => format!(
                    "{}{}{}",
                    if negated { "-" } else { "" },
                    words.join("+"),
                    if prefix { "*" } else { "" }
                ),
                SearchTerm::Stem(stems) => {
                    format!("{}{}", if negated { "-" } else { "" }, stems.join("|"))
                }
                SearchTerm::Similar(word) => format!("~{word}"),
            })
            .collect();
        assert_eq!(shown.join(" "), expected, "{text}");
    }

    #[test]
    fn texts_have_terms() {
        check("solar pan*", "solar pan*");
        check("\"exact phrase\" x", "exact+phrase x");
        check("\"exact phr\"* x", "exact+phr* x");
        check("-old \"new one", "-old new+one");
        check("AB-12", "ab+12");
        check("a\"b\"c", "a b c");
        check("電池*", "電+池*");
        check(" - -- * \"\" -\"\" () & | ! : <-> NEAR(a b)", "near+a b");
        check("a* OR b AND NOT c", "a* or b and not c");
        check("--x", "-x");
        check("\"\"\"", "");
    }

    #[test]
    fn single_words_stand_for_their_forms() {
        let english = Analysis {
            language: Some(Language::English),
            ..Analysis::default()
        };
        let spanish = Analysis {
            language: Some(Language::Spanish),
            ..Analysis::default()
        };
        check_in(english, "chargers -Charging", "_charger -_charg");
        check_in(
            english,
            "\"chargers\" charg* ab-12",
            "chargers charg* ab+12",
        );
        check_in(english, "電池 電", "電+池 _電");
        check_in(english, "\u{1F} ' \\", "");
        check_in(spanish, "instalaciones", "_instal");
        check_in(spanish, "INSTALACIÓN", "_instalacion|_instal");
        let keep = Analysis {
            accents: Accents::Keep,
            ..spanish
        };
        check_in(keep, "instalación \"año\"", "_instal año");
    }
}
