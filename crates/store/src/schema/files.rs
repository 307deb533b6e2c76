//! Migrations as files: `NNNN_name/{up,down}.<dialect>.sql` with the definition they end at. Made
//! from two definitions alone, for both databases at once; no database is asked.

use super::Schema;
use super::desired::desired;
use super::layout::Layout;
use super::plan::{Action, Fold, Hazard, Severity, Step, plan, reversed};
use super::push::{facts_of, stored_layout};
use super::rules::{Rules, analysis_words, parse_analysis};
use super::script::DIRECTIVE;
use crate::{Dialect, Error};
use carnet_kernel::JsonText;
use carnet_model::Model;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The file that holds the definition a migration ends at.
const DEFINITION: &str = "definition.json";

/// The file that holds the rules of derived columns, where they are not the first ones.
const RULES: &str = "rules";

/// A migration that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The name of its folder: `0002_prices`.
    pub name: String,
    /// Every file of it.
    pub files: Vec<PathBuf>,
    /// What it changes.
    pub changes: Vec<String>,
    /// What it may lose.
    pub losses: Vec<String>,
}

/// A migration in its folder.
#[derive(Clone, Debug)]
pub(super) struct Migration {
    /// `0002_prices`
    pub(super) name: String,
    path: PathBuf,
    /// The canonical text of the definition it ends at.
    pub(super) definition: JsonText,
    /// The rules by which it leaves derived columns.
    pub(super) rules: Rules,
}

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

impl Schema {
    /// Writes the next migration of `folder`: from the definition that its newest one ends at to
    /// `model`, for both databases. `None` when no table changes. Blocks on files.
    ///
    /// Errors: `Migration` for a change that cannot be done, and for a folder that cannot be read
    /// or written.
    pub fn generate(
        &self,
        model: &Model,
        folder: &Path,
        name: &str,
    ) -> Result<Option<Generated>, Error> {
        let word = slug(name).ok_or_else(|| {
            Error::Migration(format!(
                "`{name}` is no name of a migration; take letters and digits"
            ))
        })?;
        let known = migrations(folder)?;
        let newest = known.last();
        let old = newest.map(Migration::layout).transpose()?;
        let new = desired(model);
        let number = newest.map_or(0, Migration::number) + 1;
        let name = format!("{number:04}_{word}");
        let mut texts = Vec::new();
        let mut changes: Vec<String> = Vec::new();
        let mut losses: Vec<String> = Vec::new();
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let up = plan(
                dialect,
                &facts_of(dialect, old.as_ref()),
                old.as_ref(),
                &new,
            );
            impossible(&up)?;
            if up.is_empty() {
                return Ok(None);
            }
            let before = old.clone().unwrap_or_default();
            let back = reversed(&before, &new);
            let down = plan(dialect, &facts_of(dialect, Some(&new)), Some(&new), &back);
            let layouts = [&new, &before];
            for (direction, steps) in [(Direction::Up, &up), (Direction::Down, &down)] {
                let text = text(&name, dialect, direction, steps, &layouts);
                texts.push((file_name(dialect, direction), text));
            }
            for step in &up {
                add(&mut changes, &step.title);
                for hazard in &step.hazards {
                    if hazard.severity == Severity::Loss {
                        add(&mut losses, &hazard.message);
                    }
                }
            }
        }
        texts.push((
            DEFINITION.to_owned(),
            format!("{}\n", model.definition.as_str()),
        ));
        let rules = Rules::current();
        if rules != Rules::first() {
            texts.push((RULES.to_owned(), format!("{rules}\n")));
        }
        let path = folder.join(&name);
        let mut files = Vec::new();
        std::fs::create_dir_all(&path).map_err(|error| unusable(&path, &error))?;
        for (file, text) in texts {
            let file = path.join(file);
            std::fs::write(&file, text).map_err(|error| unusable(&file, &error))?;
            files.push(file);
        }
        Ok(Some(Generated {
            name,
            files,
            changes,
            losses,
        }))
    }
}

impl Migration {
    fn number(&self) -> u32 {
        let digits = self.name.split('_').next().unwrap_or_default();
        digits.parse().unwrap_or_default()
    }

    /// The tables it ends at.
    pub(super) fn layout(&self) -> Result<Layout, Error> {
        stored_layout(self.definition.as_str(), &self.rules).map_err(|reason| {
            Error::Migration(format!(
                "the definition of migration `{}` cannot be read: {reason}",
                self.name
            ))
        })
    }

    /// SHA-256 of the definition it ends at, as `carnet_schemas` keeps it.
    pub(super) fn hash(&self) -> String {
        sha256(self.definition.as_str().as_bytes())
    }

    /// The text of one of its files with the checksum of its bytes.
    pub(super) fn read(
        &self,
        dialect: Dialect,
        direction: Direction,
    ) -> Result<(String, String), Error> {
        let path = self.path.join(file_name(dialect, direction));
        let text = std::fs::read_to_string(&path).map_err(|error| unusable(&path, &error))?;
        let checksum = sha256(text.as_bytes());
        Ok((text, checksum))
    }
}

/// Every migration of a folder in order; none when the folder is not there.
pub(super) fn migrations(folder: &Path) -> Result<Vec<Migration>, Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unusable(folder, &error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unusable(folder, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let numbered = name
            .split_once('_')
            .is_some_and(|(number, _)| number.len() >= 4 && number.parse::<u32>().is_ok());
        let path = entry.path();
        if !numbered || !path.is_dir() {
            continue;
        }
        let file = path.join(DEFINITION);
        let text = std::fs::read_to_string(&file).map_err(|error| unusable(&file, &error))?;
        let definition = JsonText::parse(&text).map_err(|error| {
            Error::Migration(format!("`{}` is not JSON: {error}", file.display()))
        })?;
        let rules = match std::fs::read_to_string(path.join(RULES)) {
            Ok(text) => Rules::parse(&text),
            Err(_) => Rules::first(),
        };
        found.push(Migration {
            name,
            path,
            definition,
            rules,
        });
    }
    found.sort_by(|left, right| (left.number(), &left.name).cmp(&(right.number(), &right.name)));
    Ok(found)
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::Migration(format!("`{}` cannot be used: {error}", path.display()))
}

fn file_name(dialect: Dialect, direction: Direction) -> String {
    let direction = match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    };
    let dialect = match dialect {
        Dialect::Sqlite => "sqlite",
        Dialect::Postgres => "postgres",
    };
    format!("{direction}.{dialect}.sql")
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Lower-case words joined by `_`.
fn slug(name: &str) -> Option<String> {
    let words: Vec<String> = name
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let slug: String = words.join("_").chars().take(60).collect();
    (!slug.is_empty()).then_some(slug)
}

fn add(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

/// Errors: what no data could make possible.
fn impossible(steps: &[Step]) -> Result<(), Error> {
    let reasons: Vec<&str> = steps
        .iter()
        .flat_map(|step| &step.hazards)
        .filter(|hazard| hazard.severity == Severity::Refused && hazard.probe.is_none())
        .map(|hazard| hazard.message.as_str())
        .collect();
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Error::Migration(format!(
        "the definition cannot be applied: {}",
        reasons.join("; ")
    )))
}

/// A file for people: what it is, then each step under its title with what stands against it.
fn text(
    name: &str,
    dialect: Dialect,
    direction: Direction,
    steps: &[Step],
    layouts: &[&Layout; 2],
) -> String {
    let database = match dialect {
        Dialect::Sqlite => "SQLite",
        Dialect::Postgres => "PostgreSQL",
    };
    let way = match direction {
        Direction::Up => "forward",
        Direction::Down => "back",
    };
    let mut out = format!(
        "-- Migration {name} on {database}, {way}. Runs in one transaction.\n\
         -- It may be edited until it is applied; afterwards it must stay as it is.\n"
    );
    if dialect == Dialect::Postgres {
        out.push_str(
            "-- It runs in every placement, with the placement's schema on the search path.\n",
        );
    }
    let mut home = false;
    for step in steps {
        out.push('\n');
        let only_home = dialect == Dialect::Postgres && is_platform(step, layouts);
        if only_home != home {
            let word = if only_home { HOME } else { EVERYWHERE };
            line(&mut out, &format!("{DIRECTIVE} {word}"));
            home = only_home;
        }
        line(&mut out, &format!("-- {}", step.title));
        for hazard in &step.hazards {
            line(&mut out, &note(hazard));
        }
        for action in &step.actions {
            match action {
                Action::Sql(sql) => line(&mut out, &format!("{sql};")),
                Action::Fold(fold) => line(&mut out, &fold_directive(fold)),
            }
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn note(hazard: &Hazard) -> String {
    match hazard.severity {
        Severity::Loss => format!("-- DATA LOSS: {}.", hazard.message),
        Severity::Refused => format!("-- Fails if: {}.", hazard.message),
    }
}

/// What follows is for home's tables alone.
pub(super) const HOME: &str = "home";
/// What follows is for every placement again.
pub(super) const EVERYWHERE: &str = "everywhere";

fn is_platform(step: &Step, layouts: &[&Layout; 2]) -> bool {
    let table = step
        .tables
        .first()
        .and_then(|name| layouts.iter().find_map(|layout| layout.table(name)));
    table.is_some_and(|table| !table.tenant)
}

/// `-- carnet: fold products.name_key from products.name read items.title`
fn fold_directive(fold: &Fold) -> String {
    let Fold {
        table,
        column,
        companion,
        words,
        read: (read_table, read_column),
    } = fold;
    let verb = if words.is_some() { "words" } else { "fold" };
    let how = words.map(analysis_words).unwrap_or_default();
    let text = format!(
        "{DIRECTIVE} {verb} {table}.{companion} from {table}.{column} read {read_table}.{read_column} {how}"
    );
    text.trim_end().to_owned()
}

/// Reads what [`fold_directive`] wrote.
pub(super) fn parse_fold(directive: &str) -> Option<Fold> {
    let words: Vec<&str> = directive.split_whitespace().collect();
    let [
        verb @ ("fold" | "words"),
        companion,
        "from",
        column,
        "read",
        read,
        how @ ..,
    ] = words.as_slice()
    else {
        return None;
    };
    let (table, companion) = companion.split_once('.')?;
    let (same, column) = column.split_once('.')?;
    let (read_table, read_column) = read.split_once('.')?;
    let words = match *verb {
        "words" => Some(parse_analysis(&how.join(" "))?),
        _ if how.is_empty() => None,
        _ => return None,
    };
    (table == same).then(|| Fold {
        table: table.to_owned(),
        column: column.to_owned(),
        companion: companion.to_owned(),
        words,
        read: (read_table.to_owned(), read_column.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_kernel::search::Analysis;

    #[test]
    fn folds_survive_their_directive() {
        let fold = Fold {
            table: "products".to_owned(),
            column: "name".to_owned(),
            companion: "name_key".to_owned(),
            words: None,
            read: ("items".to_owned(), "title".to_owned()),
        };
        let text = fold_directive(&fold);
        let directive = text.strip_prefix(DIRECTIVE).map(str::trim);
        assert_eq!(directive.and_then(parse_fold), Some(fold.clone()));
        let fold = Fold {
            words: Some(Analysis::default()),
            ..fold
        };
        let text = fold_directive(&fold);
        let directive = text.strip_prefix(DIRECTIVE).map(str::trim);
        assert_eq!(directive.and_then(parse_fold), Some(fold.clone()));
        let fold = Fold {
            words: parse_analysis("in english accents keep"),
            ..fold
        };
        let text = fold_directive(&fold);
        let directive = text.strip_prefix(DIRECTIVE).map(str::trim);
        assert_eq!(directive.and_then(parse_fold), Some(fold));
        assert_eq!(parse_fold("words a.b from a.c read e.f in klingon"), None);
        assert_eq!(parse_fold("fold a.b from c.d read e.f"), None);
        assert_eq!(parse_fold("fold a"), None);
    }

    #[test]
    fn names_become_words() {
        assert_eq!(slug("Add prices!").as_deref(), Some("add_prices"));
        assert_eq!(slug("../../etc"), Some("etc".to_owned()));
        assert_eq!(slug("é"), None);
    }
}
