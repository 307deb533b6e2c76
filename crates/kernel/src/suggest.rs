//! "Did you mean": the known name nearest to a mistyped one. Not for searching data.

/// The candidate with the smallest edit distance to `word`, if it is near enough to be a slip.
///
/// ```
/// assert_eq!(carnet_kernel::suggest::nearest("pirce", ["name", "price"]), Some("price"));
/// assert_eq!(carnet_kernel::suggest::nearest("zebra", ["name", "price"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A name is at most a few dozen characters; a longer word is not a slip of one.
    if word.chars().count() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(steps, candidate)| {
            *steps <= 1 + candidate.chars().count().max(lower.chars().count()) / 4
        })
        .min_by_key(|(steps, candidate)| (*steps, *candidate))
        .map(|(_, candidate)| candidate)
}

/// ` (did you mean `x`?)`, or nothing.
pub fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates)
        .map(|name| format!(" (did you mean `{name}`?)"))
        .unwrap_or_default()
}

/// Edit distance with transpositions (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for i in 1..=left.len() {
        let mut row = vec![i; right.len() + 1];
        for j in 1..=right.len() {
            let cost = usize::from(left[i - 1] != right[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + cost);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(left: &str, right: &str, expected: usize) {
        assert_eq!(distance(left, right), expected, "{left} {right}");
    }

    #[test]
    fn distances() {
        check("", "abc", 3);
        check("abc", "abc", 0);
        check("abc", "acb", 1);
        check("kitten", "sitting", 3);
    }

    #[test]
    fn a_long_word_has_no_suggestion() {
        assert_eq!(nearest(&"x".repeat(100_000), ["name"]), None);
    }
}
