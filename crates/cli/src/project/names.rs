//! The names of a project and of what is generated in it: which are allowed, and what they become
//! in Rust. Pure; whether a resource is there is asked of the model elsewhere.

use carnet_model::snake_case;

/// The longest name of a project; its service is named after it.
const LONGEST: usize = 48;

/// Words that Rust does not take as the name of a crate.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Names of crates that a project has already, and folders that cargo makes beside its binaries.
const TAKEN: [&str; 13] = [
    "alloc",
    "build",
    "carnet",
    "core",
    "deps",
    "examples",
    "incremental",
    "proc_macro",
    "serde",
    "serde_json",
    "std",
    "test",
    "tokio",
];

/// Why a project cannot have this name.
pub(crate) fn fault_of_project(name: &str) -> Option<String> {
    let mut letters = name.chars();
    let begins = letters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase());
    let goes_on = letters
        .all(|other| other.is_ascii_lowercase() || other.is_ascii_digit() || "-_".contains(other));
    if !begins || !goes_on || name.len() > LONGEST {
        let hint = match suggested(name) {
            Some(other) => format!("; write `{other}`"),
            None => String::new(),
        };
        return Some(format!(
            "a project is named by a lower-case letter, then at most {} lower-case letters, digits, \
             `-` and `_`, not `{}`{hint}",
            LONGEST - 1,
            shortened(name),
        ));
    }
    let library = library(name);
    if KEYWORDS.contains(&library.as_str()) {
        return Some(format!("`{name}` is a word of Rust; choose another name"));
    }
    TAKEN.contains(&library.as_str()).then(|| {
        format!("`{name}` is the name of another crate or folder of a build; choose another name")
    })
}

/// The same name as it would be allowed.
fn suggested(name: &str) -> Option<String> {
    let form: String = name
        .trim()
        .chars()
        .map(|letter| match letter {
            ' ' | '.' => '-',
            letter => letter.to_ascii_lowercase(),
        })
        .collect();
    (form != name && fault_of_project(&form).is_none()).then_some(form)
}

/// What a project's library is called in Rust.
pub(crate) fn library(name: &str) -> String {
    name.replace('-', "_")
}

/// What a project's service is called in its definitions: `my-shop` is `myShop`. Names that begin
/// with `carnet` are the platform's.
pub(crate) fn service(name: &str) -> String {
    let mut service = String::new();
    for word in name.split(['-', '_']).filter(|word| !word.is_empty()) {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if !service.is_empty() => service.push(first.to_ascii_uppercase()),
            Some(first) => service.push(first),
            None => {}
        }
        service.push_str(letters.as_str());
    }
    if service.starts_with("carnet") {
        "app".to_owned()
    } else {
        service
    }
}

/// Why a word cannot name a resource or an action: such words become paths and code.
pub(crate) fn fault_of_word(what: &str, word: &str) -> Option<String> {
    let mut letters = word.chars();
    let fits = letters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|other| other.is_ascii_alphanumeric())
        && word.len() <= LONGEST;
    (!fits).then(|| {
        format!(
            "{what} is named in camelCase, a lower-case letter, then at most {} letters and digits, \
             not `{}`",
            LONGEST - 1,
            shortened(word),
        )
    })
}

/// The module of code at a place: `products` and `markAsSold` are `products_mark_as_sold`.
pub(crate) fn module(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| snake_case(word)).collect();
    words.join("_")
}

/// Enough of a word that somebody gave to tell which one is meant, without control characters.
pub(crate) fn shortened(word: &str) -> String {
    let printable = word.chars().filter(|letter| !letter.is_control());
    printable.take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_are_named_as_crates_are() {
        for good in ["shop", "my-shop", "my_shop2", "s"] {
            assert_eq!(fault_of_project(good), None, "{good}");
        }
        let long = "a".repeat(49);
        for bad in [
            "",
            "Shop",
            "2shop",
            "-shop",
            "_shop",
            "../shop",
            "a/b",
            "a b",
            "größe",
            "a\nb",
            &long,
            "type",
            "async",
            "std",
            "carnet",
            "serde-json",
            "deps",
        ] {
            assert!(fault_of_project(bad).is_some(), "{bad}");
        }
        let fault = fault_of_project("My Shop").unwrap();
        assert!(fault.ends_with("; write `my-shop`"), "{fault}");
    }

    #[test]
    fn a_project_has_a_library_and_a_service() {
        assert_eq!(library("my-shop"), "my_shop");
        assert_eq!(service("my-shop_2"), "myShop2");
        assert_eq!(service("shop-"), "shop");
        assert_eq!(service("carnet-shop"), "app");
    }

    #[test]
    fn words_become_modules() {
        assert_eq!(
            module(&["productSources", "markAsSold"]),
            "product_sources_mark_as_sold"
        );
        assert_eq!(fault_of_word("an action", "markAsSold"), None);
        for bad in ["", "Mark", "mark_sold", "../x", "mark sold", "é"] {
            assert!(fault_of_word("an action", bad).is_some(), "{bad}");
        }
    }
}
