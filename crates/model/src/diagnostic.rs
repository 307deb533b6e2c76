//! One problem of a definition with its place, and how a terminal shows it. Not where problems
//! come from.

use std::fmt;
use std::sync::Arc;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The definition cannot be used.
    Error,
    /// It can, but something is doubtful.
    Warning,
}

impl Severity {
    /// The word a terminal shows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A problem at a place of a definition file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// How many characters it covers; 0 when it concerns no particular ones.
    pub length: u32,
    /// What is wrong: lower case, no full stop, names in backticks.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The line itself; empty when there is none to show.
    pub line_text: Arc<str>,
}

/// How much of a long line is shown.
const WINDOW: usize = 160;

const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[1;33m";
const BLUE: &str = "\u{1b}[1;34m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

impl Diagnostic {
    /// The problem as a terminal shows it, ending with a line break.
    pub fn render(&self, colour: bool) -> String {
        let paint = |code: &str, text: &str| {
            if colour {
                format!("{code}{text}{PLAIN}")
            } else {
                text.to_owned()
            }
        };
        let level = match self.severity {
            Severity::Error => RED,
            Severity::Warning => YELLOW,
        };
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let mut out = format!(
            "{}{}\n{margin}{} {}:{}:{}\n",
            paint(level, self.severity.as_str()),
            paint(BOLD, &format!(": {}", visible(&self.message))),
            paint(BLUE, "-->"),
            visible(&self.path),
            self.line,
            self.column,
        );
        if !self.line_text.is_empty() {
            let (line, offset, width) = self.window();
            let bar = paint(BLUE, "|");
            out.push_str(&format!("{margin} {bar}\n"));
            out.push_str(&format!(
                "{} {bar} {}\n",
                paint(BLUE, &number),
                line.trim_end()
            ));
            out.push_str(&format!(
                "{margin} {bar} {}{}\n",
                " ".repeat(offset),
                paint(level, &"^".repeat(width)),
            ));
        }
        if let Some(hint) = &self.hint {
            let sign = paint(BLUE, "=");
            out.push_str(&format!("{margin} {sign} hint: {}\n", visible(hint)));
        }
        out
    }

    /// The part of the line that is shown, where the carets start in it, and how many they are.
    fn window(&self) -> (String, usize, usize) {
        // A line can be a whole file: only what is shown is looked at.
        let mut at = self.column.saturating_sub(1) as usize;
        if at > 0 && self.line_text.chars().nth(at - 1).is_none() {
            at = self.line_text.chars().count();
        }
        let end = at + (self.length as usize).max(1);
        let first = if self.line_text.chars().nth(WINDOW).is_none() {
            0
        } else {
            at.saturating_sub(WINDOW / 4)
        };
        let mut rest = self.line_text.chars().skip(first);
        let mut line = String::new();
        let mut offset = 0;
        let mut width = 0;
        if first > 0 {
            line.push('…');
            offset = 1;
        }
        for (index, character) in (first..).zip(rest.by_ref().take(WINDOW)) {
            let piece = match character {
                '\t' => "    ".to_owned(),
                other => visible(&other.to_string()),
            };
            let size = piece.chars().count();
            if index < at {
                offset += size;
            } else if index < end {
                width += size;
            }
            line.push_str(&piece);
        }
        if rest.next().is_some() {
            line.push('…');
        }
        (line, offset, width.max(1))
    }
}

/// The text without characters that a terminal would obey.
fn visible(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' => ' ',
            // Bidirectional controls can make a line read as something else.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            other if other.is_control() => '\u{fffd}',
            other => other,
        })
        .collect()
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.render(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(line: &str, column: u32, length: u32) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            path: "a.yaml".to_owned(),
            line: 12,
            column,
            length,
            message: "unknown key `pirce`".to_owned(),
            hint: Some("did you mean `price`?".to_owned()),
            line_text: line.into(),
        }
    }

    #[test]
    fn carets_stand_under_the_place() {
        assert_eq!(
            sample("\tpirce: 3", 2, 5).render(false),
            "error: unknown key `pirce`\n  --> a.yaml:12:2\n   |\n12 |     pirce: 3\n   |     ^^^^^\n   = hint: did you mean `price`?\n"
        );
    }

    #[test]
    fn colours_are_optional() {
        assert!(
            sample("pirce: 3", 1, 5)
                .render(true)
                .contains("\u{1b}[1;31m^^^^^\u{1b}[0m")
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("{}pirce{}", "x".repeat(5_000), "y".repeat(5_000));
        let text = sample(&line, 5_001, 5).render(false);
        let shown: Vec<&str> = text.lines().collect();
        assert!(text.len() < 700, "{text}");
        assert_eq!(
            shown[4].find("^^^^^").map(|at| at - 5),
            shown[3].find("pirce").map(|at| at - 7)
        );
    }

    #[test]
    fn places_outside_the_line_do_no_harm() {
        assert!(sample("a", 900, 900).render(false).contains('^'));
        assert!(!sample("", 1, 0).render(false).contains('^'));
    }

    #[test]
    fn control_characters_are_not_printed() {
        assert!(
            !sample("a\u{1b}[31mb", 1, 1)
                .render(false)
                .contains('\u{1b}')
        );
    }
}
