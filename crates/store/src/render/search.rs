//! Searches to conditions over the search index of a table, and their order. The index gives the
//! rows; what it cannot tell exactly, phrases on PostgreSQL and likeness on both, is checked on the
//! columns of words.

use super::level::Level;
use super::writer::{Alias, Writer};
use crate::{Dialect, ListType, Param};
use carnet_expr::{FieldIndex, Predicate, SearchTerm};
use carnet_kernel::{Value, search};
use carnet_model::Resource;

/// A search as a predicate holds it.
#[derive(Clone, Copy)]
pub(super) struct Searched<'q> {
    fields: &'q [FieldIndex],
    terms: &'q [SearchTerm],
}

impl<'q> Searched<'q> {
    /// The first search that every row of a predicate fulfils.
    pub(super) fn of(predicate: &'q Predicate) -> Option<Self> {
        match predicate {
            Predicate::Search { fields, terms, .. } => Some(Self { fields, terms }),
            Predicate::And(list) => list.iter().find_map(|member| match member {
                Predicate::Search { fields, terms, .. } => Some(Self { fields, terms }),
                _ => None,
            }),
            _ => None,
        }
    }

    /// Whether it looks for words, by which the index ranks.
    fn has_words(self) -> bool {
        let mut terms = self.terms.iter();
        terms.any(SearchTerm::is_ranked)
    }

    fn similar(self) -> impl Iterator<Item = &'q str> {
        self.terms.iter().filter_map(|term| match term {
            SearchTerm::Similar(word) => Some(word.as_str()),
            SearchTerm::Words { .. } | SearchTerm::Stem(_) => None,
        })
    }
}

impl<'q> Writer<'q> {
    /// Writes a search as a condition.
    pub(super) fn search(
        &mut self,
        level: &Level<'q>,
        fields: &'q [FieldIndex],
        terms: &'q [SearchTerm],
    ) {
        let searched = Searched { fields, terms };
        let columns = columns(level.resource, fields);
        let Some(index) = &level.resource.search else {
            // Planners refuse it; no row is the safe answer.
            return self.text("false");
        };
        if columns.is_empty() || terms.is_empty() {
            return self.text("false");
        }
        self.text("(");
        match self.frame.dialect {
            Dialect::Sqlite => {
                self.name(level.alias);
                self.text(".rowid IN (SELECT rowid FROM ");
                self.quoted(&index.index);
                self.text(" WHERE ");
                self.quoted(&index.index);
                self.text(" MATCH ");
                self.expression(level.resource, searched, terms.iter());
                self.text(")");
            }
            Dialect::Postgres => {
                let whole = self::columns(level.resource, &index.fields);
                self.vector(level, &whole, index.fuzzy);
                self.text(" @@ ");
                self.expression(level.resource, searched, terms.iter());
                self.text("::text::tsquery");
                if columns.len() < whole.len() {
                    // The index is over all of them; what it finds must stand in these.
                    self.text(" AND ");
                    self.vector(level, &columns, index.fuzzy);
                    self.text(" @@ ");
                    self.expression(level.resource, searched, terms.iter());
                    self.text("::text::tsquery");
                }
                for term in terms {
                    self.phrase(level, &columns, term);
                }
            }
        }
        for word in searched.similar() {
            self.text(" AND ");
            self.similar(level, &columns, word);
        }
        self.text(")");
    }

    /// Whether some word is like this one.
    fn similar(&mut self, level: &Level<'q>, columns: &[&'q str], word: &'q str) {
        self.similarity(level, columns, word);
        self.text(" >= ");
        self.number(search::SIMILAR);
    }

    /// The index that is to give the rows: on SQLite the planner would rather walk the tenant's
    /// records and look each one up.
    pub(super) fn join_search(&mut self, level: &mut Level<'q>, predicate: &'q Predicate) {
        if self.frame.dialect == Dialect::Sqlite && level.resource.search.is_some() {
            level.joined = Searched::of(predicate).map(|searched| (self.alias(), searched));
        }
    }

    /// Writes the index and then the table, in this order for the planner too.
    pub(super) fn search_source(
        &mut self,
        level: &Level<'q>,
        alias: Alias,
        searched: Searched<'q>,
    ) {
        let index = level.resource.search.as_ref();
        let index = index.map_or("", |search| search.index.as_str());
        self.quoted(index);
        self.text(" ");
        self.name(alias);
        self.text(" CROSS JOIN ");
        self.relation(level.resource, level.alias);
        self.text(" ON ");
        self.name(level.alias);
        self.text(".rowid = ");
        self.name(alias);
        self.text(".rowid AND ");
        self.column(alias, index);
        self.text(" MATCH ");
        self.expression(level.resource, searched, searched.terms.iter());
    }

    /// Writes what the joined index does not say of a search; answers what joins the next
    /// condition.
    pub(super) fn search_rest(
        &mut self,
        level: &Level<'q>,
        fields: &'q [FieldIndex],
        terms: &'q [SearchTerm],
        mut joint: &'static str,
    ) -> &'static str {
        let columns = columns(level.resource, fields);
        for word in (Searched { fields, terms }).similar() {
            self.text(joint);
            self.similar(level, &columns, word);
            joint = " AND ";
        }
        joint
    }

    /// Writes ` ORDER BY …` for the best match first.
    pub(super) fn order_by_rank(&mut self, level: &Level<'q>, searched: Searched<'q>) {
        let rank = level.joined.filter(|_| searched.has_words());
        let rank = rank.map(|(alias, _)| alias);
        let columns = columns(level.resource, searched.fields);
        let mut joint = " ORDER BY ";
        match (self.frame.dialect, rank) {
            (Dialect::Sqlite, Some(rank)) => {
                self.text(joint);
                self.rank(level, rank);
                joint = ", ";
            }
            (Dialect::Postgres, _) if searched.has_words() => {
                self.text(joint);
                self.text("ts_rank_cd(");
                self.weighed(level, &columns, searched);
                self.text(", ");
                let ranked = searched.terms.iter().filter(|term| term.is_ranked());
                self.expression(level.resource, searched, ranked);
                self.text("::text::tsquery) DESC");
                joint = ", ";
            }
            _ => {}
        }
        let mut sum = joint;
        for word in searched.similar() {
            self.text(sum);
            self.similarity(level, &columns, word);
            sum = " + ";
        }
        if sum == " + " {
            self.text(" DESC");
        }
    }

    /// How well a row of the joined index of SQLite matches; the smallest is the best.
    fn rank(&mut self, level: &Level<'q>, alias: Alias) {
        let Some(search) = level.resource.search.as_ref().filter(|one| !one.is_even()) else {
            return self.column(alias, "rank");
        };
        self.text("bm25(");
        self.column(alias, &search.index);
        for weight in &search.weights {
            self.text(", ");
            self.number(i64::from(*weight));
        }
        self.text(")");
    }

    /// What PostgreSQL ranks: the words of a row, those of each field marked by what they count,
    /// before them what the marks D, C, B and A mean.
    fn weighed(&mut self, level: &Level<'q>, columns: &[&'q str], searched: Searched<'q>) {
        let Some(search) = level.resource.search.as_ref().filter(|one| !one.is_even()) else {
            return self.vector(level, columns, false);
        };
        let mut sizes = search.weights.clone();
        sizes.sort_unstable_by(|one, other| other.cmp(one));
        sizes.dedup();
        let greatest = sizes.first().copied().unwrap_or(1).max(1);
        let share = |mark: usize| {
            let size = sizes.get(mark).copied().unwrap_or(0);
            f64::from(size) / f64::from(greatest)
        };
        let shares: Vec<String> = [3, 2, 1, 0]
            .map(|mark| format!("{:.4}", share(mark)))
            .to_vec();
        self.text("'{");
        self.text(&shares.join(","));
        self.text("}'::real[], ");
        let mut joint = "";
        for (column, field) in columns.iter().zip(searched.fields) {
            let place = search.fields.iter().position(|one| one == field);
            let weight = place.and_then(|place| search.weights.get(place));
            let mark = sizes
                .iter()
                .position(|size| Some(size) == weight)
                .unwrap_or(0);
            self.text(joint);
            self.text("setweight(");
            self.vector(level, std::slice::from_ref(column), false);
            self.text(", '");
            self.text(["A", "B", "C", "D"].get(mark).copied().unwrap_or("D"));
            self.text("')");
            joint = " || ";
        }
    }

    /// The lexemes of a row; with its parts, where there are any, the expression that the index is
    /// made of.
    fn vector(&mut self, level: &Level<'q>, columns: &[&'q str], parts: bool) {
        self.function(match parts {
            true => "carnet_words_and_parts",
            false => "carnet_words",
        });
        match level.resource.is_tenant() {
            true => self.column(level.alias, "tenant"),
            false => self.text("0::bigint"),
        }
        self.text(", ");
        self.array(level, columns);
        self.text(")");
    }

    /// One phrase term on PostgreSQL: its words are there, but do they stand together?
    fn phrase(&mut self, level: &Level<'q>, columns: &[&'q str], term: &'q SearchTerm) {
        let needle = match term {
            SearchTerm::Words { words, .. } if words.len() > 1 => term.needle(),
            _ => None,
        };
        let Some(needle) = needle else { return };
        let mut placeholder = None;
        let mut joint = " AND (";
        for column in columns {
            self.text(joint);
            self.text("coalesce(strpos(");
            self.column(level.alias, column);
            self.text(", ");
            match placeholder {
                Some(placeholder) => self.again(placeholder),
                None => placeholder = Some(self.bind(Param::Text(needle.clone()))),
            }
            self.text("::text), 0) > 0");
            joint = " OR ";
        }
        self.text(")");
    }

    /// How like a word the most like one of the columns is.
    fn similarity(&mut self, level: &Level<'q>, columns: &[&'q str], word: &'q str) {
        match self.frame.dialect {
            Dialect::Sqlite => {
                self.text("carnet_similarity(");
                self.bind(Param::Text(word.to_owned()));
                for column in columns {
                    self.text(", ");
                    self.column(level.alias, column);
                }
            }
            Dialect::Postgres => {
                self.function("carnet_similarity");
                self.array(level, columns);
                self.text(", ");
                let trigrams = search::trigrams(word).into_iter().map(Value::Text);
                self.bind(Param::List(ListType::Text, trigrams.collect()));
                self.text("::text[]");
            }
        }
        self.text(")");
    }

    fn array(&mut self, level: &Level<'q>, columns: &[&'q str]) {
        self.text("array[");
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                self.text(", ");
            }
            self.column(level.alias, column);
        }
        self.text("]");
    }

    /// `"app".name(`
    fn function(&mut self, name: &str) {
        let frame = self.frame;
        let namespace = frame.placement.namespace.as_str();
        frame.dialect.quote(&[namespace], &mut self.sql);
        self.text(".");
        self.text(name);
        self.text("(");
    }

    fn quoted(&mut self, name: &str) {
        self.frame.dialect.quote(&[name], &mut self.sql);
    }

    /// Binds what the index is asked. Words hold no quote, so that none of it is syntax.
    fn expression<'t>(
        &mut self,
        resource: &Resource,
        searched: Searched<'_>,
        terms: impl Iterator<Item = &'t SearchTerm>,
    ) {
        let tenant = match resource.is_tenant() {
            true => self.tenant_number(),
            false => 0,
        };
        let terms = terms.map(|term| match self.frame.dialect {
            Dialect::Sqlite => fts(tenant, term),
            Dialect::Postgres => tsquery(tenant, term),
        });
        let joint = match self.frame.dialect {
            Dialect::Sqlite => " AND ",
            Dialect::Postgres => " & ",
        };
        let mut text = terms.collect::<Vec<_>>().join(joint);
        let all = resource.search.as_ref().map_or(0, |all| all.fields.len());
        if self.frame.dialect == Dialect::Sqlite && searched.fields.len() < all {
            text = format!("{} : ({text})", filter(resource, searched.fields));
        }
        self.bind(Param::Text(text));
    }
}

/// The columns of words of these fields.
fn columns<'q>(resource: &'q Resource, fields: &[FieldIndex]) -> Vec<&'q str> {
    let columns = fields.iter();
    columns
        .filter_map(|field| resource.field(*field).search.as_deref())
        .collect()
}

/// `{"name_search" "note_search"}`: which columns of the index are looked in.
fn filter(resource: &Resource, fields: &[FieldIndex]) -> String {
    let columns = columns(resource, fields).into_iter();
    let columns: Vec<String> = columns.map(|column| format!("\"{column}\"")).collect();
    format!("{{{}}}", columns.join(" "))
}

/// `"7_solar 7_pan" *`
fn fts(tenant: i64, term: &SearchTerm) -> String {
    match term {
        SearchTerm::Words { words, prefix } => {
            let words: Vec<String> = words
                .iter()
                .map(|word| format!("{tenant}_{word}"))
                .collect();
            let star = if *prefix { " *" } else { "" };
            format!("\"{}\"{star}", words.join(" "))
        }
        SearchTerm::Stem(stems) => {
            let stems: Vec<String> = stems
                .iter()
                .map(|stem| format!("\"{tenant}_{stem}\""))
                .collect();
            format!("({})", stems.join(" OR "))
        }
        SearchTerm::Similar(word) => {
            let one = |trigram: &String| format!("\"{tenant}-{trigram}\"");
            shared(&search::trigrams(word), one, " AND ", " OR ")
        }
    }
}

/// `'7_solar' & '7_pan':*`
fn tsquery(tenant: i64, term: &SearchTerm) -> String {
    match term {
        SearchTerm::Words { words, prefix } => {
            let last = words.len().saturating_sub(1);
            let words = words.iter().enumerate().map(|(place, word)| {
                let star = if *prefix && place == last { ":*" } else { "" };
                format!("'{tenant}_{word}'{star}")
            });
            words.collect::<Vec<_>>().join(" & ")
        }
        SearchTerm::Stem(stems) => {
            let stems: Vec<String> = stems
                .iter()
                .map(|stem| format!("'{tenant}_{stem}'"))
                .collect();
            format!("({})", stems.join(" | "))
        }
        SearchTerm::Similar(word) => {
            let one = |trigram: &String| format!("'{tenant}-{trigram}'");
            shared(&search::trigrams(word), one, " & ", " | ")
        }
    }
}

/// What every text with a similar word holds: of enough trigrams one, or two where two must be
/// shared. A necessary condition only.
fn shared(trigrams: &[String], one: impl Fn(&String) -> String, and: &str, or: &str) -> String {
    let all = trigrams.len();
    // The fewest that a word can share and still be similar.
    let fewest = (all as i64 * search::SIMILAR).div_euclid(1_000)
        + i64::from((all as i64 * search::SIMILAR) % 1_000 > 0);
    let fewest = usize::try_from(fewest).unwrap_or(1).max(1);
    let wanted = fewest.min(2);
    // Of so many at least `wanted` are shared, whichever are not.
    let enough = trigrams.get(..all + wanted - fewest).unwrap_or(trigrams);
    let any = |list: &[String]| -> String {
        let list: Vec<String> = list.iter().map(&one).collect();
        format!("({})", list.join(or))
    };
    if wanted == 1 || enough.len() < 2 {
        return any(enough);
    }
    let pairs: Vec<String> = (0..enough.len() - 1)
        .filter_map(|place| {
            let (first, rest) = enough.get(place..)?.split_first()?;
            Some(format!("({}{and}{})", one(first), any(rest)))
        })
        .collect();
    format!("({})", pairs.join(or))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str], prefix: bool) -> SearchTerm {
        SearchTerm::Words {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            prefix,
        }
    }

    #[test]
    fn questions() {
        assert_eq!(fts(7, &words(&["solar"], false)), "\"7_solar\"");
        assert_eq!(fts(7, &words(&["a", "b"], true)), "\"7_a 7_b\" *");
        assert_eq!(tsquery(7, &words(&["solar"], true)), "'7_solar':*");
        assert_eq!(tsquery(7, &words(&["a", "b"], true)), "'7_a' & '7_b':*");
        let alike = SearchTerm::Similar("a".to_owned());
        assert_eq!(tsquery(7, &alike), "('7-__a' | '7-_a_')");
        let alike = SearchTerm::Similar("abc".to_owned());
        assert_eq!(
            fts(0, &alike),
            "((\"0-__a\" AND (\"0-_ab\" OR \"0-abc\" OR \"0-bc_\")) OR \
             (\"0-_ab\" AND (\"0-abc\" OR \"0-bc_\")) OR (\"0-abc\" AND (\"0-bc_\")))"
        );
    }
}
