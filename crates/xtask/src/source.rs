//! Rust source as tidy looks at it: comments and literals blanked, tests cut out. A lexer for the
//! few questions tidy asks, not a parser.

/// `text` with comments and the insides of literals replaced by spaces; lines keep their numbers.
pub(crate) fn code(text: &str) -> String {
    Lexer {
        rest: text.chars().collect(),
        at: 0,
        out: String::with_capacity(text.len()),
    }
    .run()
}

/// The code with every item under `#[cfg(test)]` blanked.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some((before, after)) = rest.split_once(MARK) {
        out.push_str(before);
        out.push_str(&" ".repeat(MARK.len()));
        let length = item_length(after);
        let (item, following) = after.split_at(length);
        out.extend(item.chars().map(|c| if c == '\n' { c } else { ' ' }));
        rest = following;
    }
    out.push_str(rest);
    out
}

/// The words (identifiers and keywords) of the code, each with its line, counted from 1.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().flat_map(|(index, line)| {
        line.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .filter(|word| !word.is_empty())
            .map(move |word| (index + 1, word))
    })
}

/// The lines of the code that hold `needle`, counted from 1.
pub(crate) fn lines_with(code: &str, needle: &str) -> Vec<usize> {
    code.lines()
        .enumerate()
        .filter(|(_, line)| line.contains(needle))
        .map(|(index, _)| index + 1)
        .collect()
}

/// How many bytes the item at the beginning of `code` takes, up to its `;` or closing brace.
fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (index, letter) in code.char_indices() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
            ';' if depth == 0 => return index + 1,
            _ => {}
        }
    }
    code.len()
}

struct Lexer {
    rest: Vec<char>,
    at: usize,
    out: String,
}

impl Lexer {
    fn run(mut self) -> String {
        while let Some(letter) = self.peek(0) {
            match (letter, self.peek(1)) {
                ('/', Some('/')) => self.blank_while(|letter| letter != '\n'),
                ('/', Some('*')) => self.block_comment(),
                ('"', _) => self.string(),
                ('r', Some('"' | '#')) if !self.inside_word() => self.raw_string(1),
                ('b' | 'c', Some('r')) if !self.inside_word() && self.raw_follows(2) => {
                    self.raw_string(2);
                }
                ('\'', _) => self.quote(),
                _ => self.keep(),
            }
        }
        self.out
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(self.at + ahead).copied()
    }

    fn keep(&mut self) {
        if let Some(letter) = self.peek(0) {
            self.out.push(letter);
            self.at += 1;
        }
    }

    fn blank(&mut self) {
        if let Some(letter) = self.peek(0) {
            self.out.push(if letter == '\n' { '\n' } else { ' ' });
            self.at += 1;
        }
    }

    fn blank_while(&mut self, holds: impl Fn(char) -> bool) {
        while self.peek(0).is_some_and(&holds) {
            self.blank();
        }
    }

    fn inside_word(&self) -> bool {
        self.out
            .chars()
            .next_back()
            .is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    }

    fn raw_follows(&self, ahead: usize) -> bool {
        matches!(self.peek(ahead), Some('"' | '#'))
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                (None, _) => return,
                _ => {
                    self.blank();
                    continue;
                }
            }
            self.blank();
            self.blank();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.keep();
        loop {
            match self.peek(0) {
                Some('\\') => {
                    self.blank();
                    self.blank();
                }
                Some('"') => return self.keep(),
                Some(_) => self.blank(),
                None => return,
            }
        }
    }

    /// `r"…"`, `r#"…"#`; a raw identifier (`r#type`) is kept.
    fn raw_string(&mut self, prefix: usize) {
        let hashes = (0..)
            .take_while(|index| self.peek(prefix + index) == Some('#'))
            .count();
        for _ in 0..prefix + hashes {
            self.keep();
        }
        if self.peek(0) != Some('"') {
            return;
        }
        self.keep();
        while let Some(letter) = self.peek(0) {
            let closes = letter == '"' && (1..=hashes).all(|index| self.peek(index) == Some('#'));
            if closes {
                for _ in 0..=hashes {
                    self.keep();
                }
                return;
            }
            self.blank();
        }
    }

    /// A character literal, or the tick of a lifetime.
    fn quote(&mut self) {
        self.keep();
        if self.peek(0) == Some('\\') {
            self.blank();
            self.blank();
            self.blank_while(|letter| letter != '\'');
            self.keep();
        } else if self.peek(1) == Some('\'') {
            self.blank();
            self.keep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(code(text), expected);
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check("f(\"a\\\"b\", c)", "f(\"    \", c)");
        check(
            "r#\"a\"b\"# + r\"x\" + br\"y\"",
            "r#\"   \"# + r\" \" + br\" \"",
        );
        check("r#type + for_r", "r#type + for_r");
        check(
            "'a' + '\\n' + '\\'' + &'a str",
            "' ' + '  ' + '  ' + &'a str",
        );
        check("'\"' + \"x\"", "' ' + \" \"");
        check("\"two\nlines\"", "\"   \n     \"");
    }

    #[test]
    fn tests_are_cut_out() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { [1; 2]; }\n}\nfn c() {}\n";
        let cut = without_tests(&code(text));
        assert_eq!(cut.lines().count(), text.lines().count());
        assert!(cut.contains("fn a") && cut.contains("fn c"));
        assert!(!cut.contains("mod tests") && !cut.contains("fn b"));
        let cut = without_tests("#[cfg(test)]\nmod tests;\nfn c() {}\n");
        assert!(cut.contains("fn c") && !cut.contains("mod"));
    }

    #[test]
    fn words_know_their_lines() {
        let found: Vec<_> = words("use a::b_c;\n  d(1)").collect();
        assert_eq!(
            found,
            [(1, "use"), (1, "a"), (1, "b_c"), (2, "d"), (2, "1")]
        );
    }
}
