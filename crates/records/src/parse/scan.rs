//! The grammar of `include`: paths separated by commas, each step with options in parentheses; and
//! that of what is made of related records. Names are not looked at yet.
//!
//! ```text
//! list   = path *("," path)
//! path   = step *("." step)
//! step   = name ["(" [option *(";" option)] ")"]
//! option = key (":" | "=") value
//! call   = name ["(" [field] [";"] [option *(";" option)] ")"]
//! ```
//!
//! In a value parentheses pair up; `\;`, `\(` and `\)` stand for themselves.

/// One relation of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step<'t> {
    pub(super) name: &'t str,
    /// Present with the parentheses.
    pub(super) options: Option<Options<'t>>,
}

/// The options of a relation as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Options<'t> {
    /// In an address.
    Text(Vec<(&'t str, String)>),
    /// In a body.
    Json(&'t serde_json::Map<String, serde_json::Value>),
}

/// `count`, `sum(field)`, `sum(field;filter[a]:1)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call<'t> {
    pub(super) name: &'t str,
    /// What stands in parentheses before the options.
    pub(super) argument: Option<&'t str>,
    pub(super) options: Vec<(&'t str, String)>,
}

/// A call as a whole, or what is wrong with it.
pub(super) fn call(text: &str) -> Result<Call<'_>, String> {
    let Some((name, inside)) = text.split_once('(') else {
        return Ok(Call {
            name: text,
            argument: None,
            options: Vec::new(),
        });
    };
    let end = inside.find([';', ')', ':', '=', '[']);
    let end = end.unwrap_or(inside.len());
    let (argument, rest) = inside.split_at_checked(end).unwrap_or((inside, ""));
    let mut scanner = Scanner {
        text,
        at: text.len() - rest.len(),
    };
    let (argument, options) = match scanner.peek() {
        Some(')') => {
            scanner.next();
            (Some(argument), Vec::new())
        }
        Some(';') => {
            scanner.next();
            (Some(argument), scanner.options()?)
        }
        Some(_) => {
            scanner.at = text.len() - inside.len();
            (None, scanner.options()?)
        }
        None => return Err(scanner.expected("`)`")),
    };
    match scanner.peek() {
        Some(_) => Err(scanner.expected("the end")),
        None => Ok(Call {
            name,
            argument,
            options,
        }),
    }
}

/// The paths of a list, or what is wrong with it, with the place as a character's number from 1.
pub(super) fn paths(text: &str) -> Result<Vec<Vec<Step<'_>>>, String> {
    let mut scanner = Scanner { text, at: 0 };
    let mut paths = Vec::new();
    loop {
        paths.push(scanner.path()?);
        match scanner.next() {
            None => return Ok(paths),
            Some(',') => {}
            Some(other) => {
                scanner.at -= other.len_utf8();
                return Err(scanner.expected("`,`, `.` or the end"));
            }
        }
    }
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn expected(&self, what: &str) -> String {
        let place = self.text.get(..self.at).unwrap_or_default().chars().count() + 1;
        match self.peek() {
            Some(found) => format!("at character {place}: expected {what}, found `{found}`"),
            None => format!("at character {place}: expected {what}, found the end"),
        }
    }

    fn path(&mut self) -> Result<Vec<Step<'t>>, String> {
        let mut steps = vec![self.step()?];
        while self.peek() == Some('.') {
            self.next();
            steps.push(self.step()?);
        }
        Ok(steps)
    }

    fn step(&mut self) -> Result<Step<'t>, String> {
        let rest = self.rest();
        let end = rest
            .find([',', '.', '(', ')', ';', ':'])
            .unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        if name.is_empty() {
            return Err(self.expected("the name of a relation"));
        }
        self.at += end;
        let options = match self.peek() {
            Some('(') => {
                self.next();
                Some(Options::Text(self.options()?))
            }
            _ => None,
        };
        Ok(Step { name, options })
    }

    fn options(&mut self) -> Result<Vec<(&'t str, String)>, String> {
        let mut options = Vec::new();
        if self.peek() == Some(')') {
            self.next();
            return Ok(options);
        }
        loop {
            let key = self.key()?;
            let value = self.value()?;
            options.push((key, value));
            if self.next() == Some(')') {
                return Ok(options);
            }
        }
    }

    /// Up to the colon; brackets may hold anything but a bracket.
    fn key(&mut self) -> Result<&'t str, String> {
        let start = self.at;
        let mut inside = false;
        while let Some(next) = self.peek() {
            match next {
                '[' => inside = true,
                ']' => inside = false,
                ':' | '=' if !inside => break,
                ';' | '(' | ')' | ',' if !inside => break,
                _ => {}
            }
            self.next();
        }
        let key = self.text.get(start..self.at).unwrap_or_default();
        if !matches!(self.peek(), Some(':' | '=')) {
            return Err(self.expected("`:` and a value, as in `limit:5`"));
        }
        if key.is_empty() {
            return Err(self.expected("an option such as `limit:5`"));
        }
        self.next();
        Ok(key)
    }

    /// Up to the `;` or `)` that ends it, which is left.
    fn value(&mut self) -> Result<String, String> {
        let mut value = String::new();
        let mut open = 0_usize;
        loop {
            match self.peek() {
                None => return Err(self.expected("`;` or `)`")),
                Some(';' | ')') if open == 0 => return Ok(value),
                Some('(') => open += 1,
                Some(')') => open -= 1,
                Some('\\') => {
                    self.next();
                    match self.peek() {
                        Some(';' | '(' | ')') => {}
                        // An escape of the value's own.
                        _ => {
                            value.push('\\');
                            if self.peek().is_none() {
                                continue;
                            }
                        }
                    }
                }
                Some(_) => {}
            }
            value.extend(self.next());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str) -> String {
        let step = |step: &Step<'_>| match &step.options {
            None | Some(Options::Json(_)) => step.name.to_owned(),
            Some(Options::Text(options)) => {
                let options: Vec<String> = options
                    .iter()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                format!("{}<{}>", step.name, options.join("|"))
            }
        };
        match paths(text) {
            Ok(paths) => {
                let paths: Vec<String> = paths
                    .iter()
                    .map(|steps| steps.iter().map(step).collect::<Vec<_>>().join("/"))
                    .collect();
                paths.join(" ")
            }
            Err(message) => message,
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(told(text), expected, "{text}");
    }

    #[test]
    fn paths_with_options() {
        check("a", "a");
        check("a,b.c", "a b/c");
        check("a().b", "a<>/b");
        check("a.count(filter[x][eq]=1)", "a/count<filter[x][eq]=1>");
        check(
            "a(limit:5;sort:-x,y).b(fields:n),c",
            "a<limit=5|sort=-x,y>/b<fields=n> c",
        );
        check("a(sort:-b.sum(q);limit:1)", "a<sort=-b.sum(q)|limit=1>");
        check("a(filter[b.sum(q)][gt]:5)", "a<filter[b.sum(q)][gt]=5>");
        check(r"a(filter[x]:p\;q\)\,r\\)", r"a<filter[x]=p;q)\,r\\>");
        check(
            "a(filter[at]:2026-01-01T00:00:00Z)",
            "a<filter[at]=2026-01-01T00:00:00Z>",
        );
    }

    #[test]
    fn faults_have_a_place() {
        check(
            "",
            "at character 1: expected the name of a relation, found the end",
        );
        check(
            "a,",
            "at character 3: expected the name of a relation, found the end",
        );
        check(
            "a..b",
            "at character 3: expected the name of a relation, found `.`",
        );
        check(
            "a(limit)",
            "at character 8: expected `:` and a value, as in `limit:5`, found `)`",
        );
        check(
            "a(limit:5",
            "at character 10: expected `;` or `)`, found the end",
        );
        check(
            "a(:5)",
            "at character 3: expected an option such as `limit:5`, found `:`",
        );
        check(
            "é(limit:5)x",
            "at character 11: expected `,`, `.` or the end, found `x`",
        );
        check(
            "a)",
            "at character 2: expected `,`, `.` or the end, found `)`",
        );
        check(
            "a(limit:5;)",
            "at character 11: expected `:` and a value, as in `limit:5`, found `)`",
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[ab.,;:()\\[\\]\\\\é]{0,24}") {
            if let Ok(paths) = paths(&text) {
                prop_assert!(!paths.is_empty());
            }
        }
    }
}
