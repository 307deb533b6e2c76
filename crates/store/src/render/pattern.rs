//! Tests of texts against patterns, of fields and inside JSON. How a pattern is taken apart says
//! `text`.

use super::json::Place;
use super::level::Level;
use super::text::{TextTest, spell};
use super::writer::{Alias, Writer};
use crate::Param;
use carnet_expr::Path;
use carnet_kernel::text;

impl<'q> Writer<'q> {
    pub(super) fn text_test(
        &mut self,
        level: &Level<'q>,
        path: &'q Path,
        test: &TextTest<'q>,
        caseless: bool,
        negated: bool,
    ) {
        let Some(reached) = level.reach(self.frame.view, path) else {
            return self.text("false");
        };
        if reached.field.kind.is_json() {
            let place = self.inside(&reached, &path.inside);
            return self.text_conditions(&Tested::Inside(place), test, negated);
        }
        if !reached.field.kind.is_text() || !path.inside.is_empty() {
            return self.text("false");
        }
        let column = match (caseless, &reached.field.companion) {
            (false, _) => &reached.field.column,
            (true, Some(companion)) => companion,
            // Planners refuse it; no row is the safe answer.
            (true, None) => return self.text("false"),
        };
        self.text_conditions(&Tested::Column(reached.alias, column), test, negated);
    }

    /// Writes the text that is tested.
    fn tested(&mut self, tested: &Tested<'q>) {
        match tested {
            Tested::Column(alias, column) => self.column(*alias, column),
            Tested::Inside(place) => self.json_text(place),
        }
    }

    fn text_conditions(&mut self, tested: &Tested<'q>, test: &TextTest<'q>, negated: bool) {
        let dialect = self.frame.dialect;
        let not = if negated { "NOT " } else { "" };
        match test {
            // The opposite is false for a text and unknown for null.
            TextTest::Present if negated => self.text("false"),
            TextTest::Present => {
                self.tested(tested);
                self.text(" IS NOT NULL");
            }
            TextTest::Equal(wanted) => {
                self.tested(tested);
                self.text(if negated { " <> " } else { " = " });
                self.bind(Param::Text(wanted.clone().into_owned()));
            }
            TextTest::Prefix(prefix) => self.range(tested, prefix, negated),
            TextTest::Contains(wanted) => {
                let [first, second, third] = dialect.contains();
                self.text(not);
                self.text(first);
                self.tested(tested);
                self.text(second);
                self.bind(Param::Text(wanted.clone().into_owned()));
                self.text(third);
            }
            TextTest::Suffix(wanted) => {
                let [first, second, third] = dialect.ends_with();
                self.text(not);
                self.text(first);
                self.tested(tested);
                self.text(second);
                let placeholder = self.bind(Param::Text(wanted.clone().into_owned()));
                self.text(third);
                self.again(placeholder);
            }
            TextTest::Pattern(prefix, pieces) => {
                let (before, after) = dialect.matches();
                let ranged = !negated && !prefix.is_empty();
                if ranged {
                    self.text("(");
                    self.range(tested, prefix, false);
                    self.text(" AND ");
                }
                self.text(not);
                self.tested(tested);
                self.text(before);
                self.bind(Param::Text(spell(dialect, pieces)));
                self.text(after);
                if ranged {
                    self.text(")");
                }
            }
        }
    }

    /// All texts with a prefix, as a range that an index answers even from a generic plan.
    fn range(&mut self, tested: &Tested<'q>, prefix: &str, negated: bool) {
        let end = text::prefix_end(prefix);
        if end.is_some() {
            self.text("(");
        }
        self.tested(tested);
        self.text(if negated { " < " } else { " >= " });
        self.bind(Param::Text(prefix.to_owned()));
        if let Some(end) = end {
            self.text(if negated { " OR " } else { " AND " });
            self.tested(tested);
            self.text(if negated { " >= " } else { " < " });
            self.bind(Param::Text(end));
            self.text(")");
        }
    }
}

/// What a text test looks at.
enum Tested<'q> {
    Column(Alias, &'q str),
    Inside(Place<'q>),
}
