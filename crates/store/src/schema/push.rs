//! Comparing a database with a definition and bringing it there in one transaction.

use super::database::{Recorded, Script, record_model, refuse_if, search_path};
use super::desired::{desired, desired_by};
use super::facts::expected;
use super::introspect;
use super::layout::Layout;
use super::names::quote;
use super::plan::{Action, Fold, Severity, Step, plan};
use super::rules::Rules;
use super::walls::{UNKNOWN, WallFacts};
use super::{Schema, facts};
use crate::{Dialect, Error, ListType, Namespace, Param};
use carnet_kernel::{Value, search, text};
use carnet_model::{Model, compile_stored};

/// How often a change begins anew because another process was faster.
pub(super) const TRIES: u32 = 5;

/// What a person has agreed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    /// That data is lost.
    pub data_loss: bool,
}

/// One change that a database needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedChange {
    /// `add column products.sku`
    pub summary: String,
    /// What would be lost by it.
    pub losses: Vec<String>,
    /// Why it cannot be done.
    pub refusals: Vec<String>,
}

/// What a push or a run of migrations did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order in which it was done.
    pub applied: Vec<PlannedChange>,
    /// The row of `carnet_schemas` that holds now.
    pub version: i64,
}

/// Everything that is known of the way from a database to a definition.
pub(super) struct Planned {
    pub(super) newest: Option<Recorded>,
    pub(super) old: Option<Layout>,
    pub(super) placements: Vec<PlacementPlan>,
    pub(super) changes: Vec<PlannedChange>,
}

/// The same for one placement.
pub(super) struct PlacementPlan {
    pub(super) namespace: Namespace,
    pub(super) layout: Layout,
    pub(super) steps: Vec<Step>,
    pub(super) found: facts::Found,
    pub(super) walls: WallFacts,
    /// Statements that build missing walls when no table changes.
    pub(super) rewall: Vec<String>,
}

impl Planned {
    fn lines(&self, of: impl Fn(&PlannedChange) -> &Vec<String>) -> Vec<String> {
        self.changes
            .iter()
            .flat_map(|change| of(change).iter().cloned())
            .collect()
    }

    pub(super) fn losses(&self) -> Vec<String> {
        self.lines(|change| &change.losses)
    }

    pub(super) fn refusals(&self) -> Vec<String> {
        self.lines(|change| &change.refusals)
    }

    /// Whether the database fits, walls included.
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl Schema {
    /// Brings the database to the definition: every change in one transaction, in every placement,
    /// with the row of `carnet_schemas`. Does nothing when it is there already.
    ///
    /// Errors: `DataLoss` for what was not accepted, `Migration` for what cannot be done, with
    /// every reason; `RoleMissing`.
    pub async fn push(&self, model: &Model, accept: Accept) -> Result<Report, Error> {
        let report = self.push_tables(model, accept).await?;
        self.measure_unknown().await?;
        Ok(report)
    }

    async fn push_tables(&self, model: &Model, accept: Accept) -> Result<Report, Error> {
        self.prepare(&[]).await?;
        let mut tries = 0;
        loop {
            let planned = self.planned(model).await?;
            let version = planned.newest.as_ref().map_or(0, |newest| newest.version);
            refuse(&planned, accept)?;
            let known = is_newest(&planned, model);
            if planned.is_empty() && known {
                return Ok(Report {
                    applied: Vec::new(),
                    version,
                });
            }
            let mut script = Vec::new();
            if !known {
                script.push(record_model(self.store.dialect(), version + 1, model));
            }
            script.extend(self.script(&planned).await?);
            tries += 1;
            match self.store.owner_script(&script).await {
                Ok(()) => {
                    return Ok(Report {
                        applied: planned.changes,
                        version: version + i64::from(!known),
                    });
                }
                Err(error) => {
                    // Somebody else changed the schema meanwhile: look again.
                    let moved = self.schema_version().await?.unwrap_or(0) != version;
                    if !moved || tries >= TRIES {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// The layout of the newest definition that the database was given.
    pub(super) fn layout_of(&self, newest: Option<&Recorded>) -> Result<Option<Layout>, Error> {
        let Some(newest) = newest.filter(|newest| !newest.hash.is_empty()) else {
            return Ok(None);
        };
        stored_layout(&newest.definition, &newest.rules).map(Some).map_err(|reason| {
            Error::Migration(format!(
                "the definition that the database was given as version {} cannot be read: {reason}",
                newest.version
            ))
        })
    }

    /// Compares the database with a definition; again when another process changed it meanwhile.
    pub(super) async fn planned(&self, model: &Model) -> Result<Planned, Error> {
        let layout = desired(model);
        let mut tries = 0;
        loop {
            let newest = self.store.newest().await?;
            let version = newest.as_ref().map(|newest| newest.version);
            let old = self.layout_of(newest.as_ref())?;
            let outcome = self.planned_between(newest, old, &layout).await;
            tries += 1;
            if tries >= TRIES || self.schema_version().await? == version {
                return outcome;
            }
        }
    }

    /// The version of the newest row of `carnet_schemas`.
    pub(super) async fn schema_version(&self) -> Result<Option<i64>, Error> {
        let newest = self.store.newest_hash().await?;
        Ok(newest.map(|newest| newest.version))
    }

    pub(super) async fn planned_between(
        &self,
        newest: Option<Recorded>,
        old: Option<Layout>,
        layout: &Layout,
    ) -> Result<Planned, Error> {
        let store = &self.store;
        let dialect = store.dialect();
        let shared = store.home().namespace;
        let login = store.login().await?;
        let mut placements = Vec::new();
        let mut changes: Vec<PlannedChange> = Vec::new();
        for namespace in store.namespaces().await? {
            let is_home = namespace == shared;
            let tables = if is_home {
                layout.clone()
            } else {
                layout.of_tenants()
            };
            let before = old.as_ref().map(|old| match is_home {
                true => old.clone(),
                false => old.of_tenants(),
            });
            let found = introspect::introspect(store, namespace.as_str()).await?;
            let steps = plan(dialect, &found, before.as_ref(), &tables);
            for step in &steps {
                let change = self.probed(&namespace, step).await?;
                merge(&mut changes, change);
            }
            let mut walls = WallFacts::default();
            let mut rewall = Vec::new();
            if dialect == Dialect::Postgres {
                walls = introspect::walls(store, &namespace, &login.role).await?;
                if steps.is_empty() {
                    let builder = store.builder(&login, &namespace, &shared);
                    rewall = builder.build(layout, &walls, false);
                }
            }
            if !rewall.is_empty() {
                let summary = format!("build the walls of {namespace}");
                merge(
                    &mut changes,
                    PlannedChange {
                        summary,
                        ..PlannedChange::default()
                    },
                );
            }
            placements.push(PlacementPlan {
                namespace,
                layout: layout.clone(),
                steps,
                found,
                walls,
                rewall,
            });
        }
        Ok(Planned {
            newest,
            old,
            placements,
            changes,
        })
    }

    /// A step with what the data says about it.
    async fn probed(&self, namespace: &Namespace, step: &Step) -> Result<PlannedChange, Error> {
        let mut change = PlannedChange {
            summary: step.title.clone(),
            ..PlannedChange::default()
        };
        for hazard in &step.hazards {
            let message = match &hazard.probe {
                None => hazard.message.clone(),
                Some(probe) => {
                    let shared = self.store.home().namespace;
                    let sql = probe
                        .replace("{records}", &self.store.records_prefix(namespace))
                        .replace("{shared}", &self.store.records_prefix(&shared));
                    let rows = self.store.owner_rows(&sql, &[]).await?;
                    let count = rows
                        .first()
                        .and_then(|row| row.first())
                        .and_then(Value::as_integer)
                        .unwrap_or_default();
                    if count == 0 {
                        continue;
                    }
                    let unit = if count == 1 { "case" } else { "cases" };
                    format!("{} ({count} {unit})", hazard.message)
                }
            };
            match hazard.severity {
                Severity::Loss => change.losses.push(message),
                Severity::Refused => change.refusals.push(message),
            }
        }
        Ok(change)
    }

    /// All statements of a plan, without the record of the definition.
    pub(super) async fn script(&self, planned: &Planned) -> Result<Script, Error> {
        let store = &self.store;
        let shared = store.home().namespace;
        let login = store.login().await?;
        let postgres = store.dialect() == Dialect::Postgres;
        let mut script: Script = Vec::new();
        let touched = planned.placements.iter().any(|p| !p.steps.is_empty());
        if !touched {
            for placement in &planned.placements {
                script.extend(plain(placement.rewall.clone()));
            }
            return Ok(script);
        }
        // Views first and everywhere: a placement looks into the tables of home.
        if postgres {
            for placement in &planned.placements {
                let builder = store.builder(&login, &placement.namespace, &shared);
                script.extend(plain(builder.drop_views(&placement.walls)));
            }
        }
        for placement in &planned.placements {
            let namespace = &placement.namespace;
            if postgres {
                script.extend(plain(vec![search_path(namespace, &shared)]));
            }
            for step in &placement.steps {
                script.extend(self.step_script(namespace, step).await?);
            }
        }
        if postgres {
            for placement in &planned.placements {
                let builder = store.builder(&login, &placement.namespace, &shared);
                let kept = after(placement);
                script.extend(plain(builder.build(&placement.layout, &kept, true)));
            }
        }
        Ok(script)
    }

    /// The statements of a step; on PostgreSQL those without parameters travel together.
    async fn step_script(&self, namespace: &Namespace, step: &Step) -> Result<Script, Error> {
        let together = self.store.dialect() == Dialect::Postgres;
        let mut script = Script::new();
        let mut text = String::new();
        for action in &step.actions {
            match action {
                Action::Sql(sql) if together => {
                    text.push_str(sql);
                    text.push_str(";\n");
                }
                Action::Sql(sql) => script.extend(plain(vec![sql.clone()])),
                Action::Fold(fold) => {
                    script.extend(plain(vec![std::mem::take(&mut text)]));
                    script.extend(self.fold(namespace, fold).await?);
                }
            }
        }
        script.extend(plain(vec![text]));
        script.retain(|(sql, _)| !sql.is_empty());
        Ok(script)
    }

    /// Fills a companion: ASCII in the database, the rest by the values that occur. A value that
    /// arrives in between is noticed and fails the script.
    pub(super) async fn fold(&self, namespace: &Namespace, fold: &Fold) -> Result<Script, Error> {
        let (table, column) = (quote(&fold.read.0), quote(&fold.read.1));
        let sql = format!(
            "select distinct {column} from {}{table} where not ({})",
            self.store.records_prefix(namespace),
            in_database(fold, &column)
        );
        let rows = self.store.owner_rows(&sql, &[]).await?;
        let values: Vec<String> = rows
            .iter()
            .filter_map(|row| row.first().and_then(Value::as_text))
            .map(str::to_owned)
            .collect();
        let (table, column, companion) = (
            quote(&fold.table),
            quote(&fold.column),
            quote(&fold.companion),
        );
        let mut script: Script = plain(vec![format!(
            "update {table} set {companion} = {} where {}",
            folded_in_database(fold, &column),
            in_database(fold, &column)
        )]);
        for chunk in values.chunks(5_000) {
            let folded = chunk.iter().map(|value| {
                Value::Text(match fold.words {
                    Some(analysis) => analysis.document(value),
                    None => text::fold(value),
                })
            });
            let folded = folded.collect();
            let values = chunk.iter().cloned().map(Value::Text).collect();
            script.push((
                format!(
                    "update {table} as t set {companion} = m.folded \
                     from unnest($1::text[], $2::text[]) as m(value, folded) \
                     where t.{column} = m.value"
                ),
                vec![
                    Param::List(ListType::Text, values),
                    Param::List(ListType::Text, folded),
                ],
            ));
        }
        script.extend(plain(vec![refuse_if(
            self.store.home_schema(),
            "SCHEMA_MOVED",
            "texts were written while they were folded; run it again",
            &format!("{table} where {column} is not null and {companion} is null"),
        )]));
        Ok(script)
    }
}

/// Whether the database itself may fold a text: the same as we would.
fn in_database(fold: &Fold, column: &str) -> String {
    let ascii = format!("octet_length({column}) = char_length({column})");
    match fold.words {
        None => return ascii,
        Some(analysis) if analysis.language.is_some() => return "false".to_owned(),
        Some(_) => {}
    }
    format!(
        "{ascii} and char_length({column}) < {} and {column} !~ '[a-zA-Z0-9]{{{},}}'",
        search::MAX_DOCUMENT,
        search::MAX_WORD + 1
    )
}

/// How it does.
fn folded_in_database(fold: &Fold, column: &str) -> String {
    match fold.words.is_some() {
        true => format!("regexp_replace(lower(' ' || {column} || ' '), '[^a-z0-9]+', ' ', 'g')"),
        false => format!("lower({column})"),
    }
}

/// The walls that are left when a placement's steps have run: new tables have none, and those of
/// renamed ones stand under another name.
fn after(placement: &PlacementPlan) -> WallFacts {
    let mut walls = placement.walls.clone();
    for step in placement.steps.iter().filter(|step| step.tables.len() > 1) {
        for table in &step.tables {
            walls.tables.insert(table.clone(), UNKNOWN.to_owned());
        }
    }
    walls
}

/// Statements without parameters.
pub(super) fn plain(statements: Vec<String>) -> Script {
    statements
        .into_iter()
        .map(|statement| (statement, Vec::new()))
        .collect()
}

pub(super) fn is_newest(planned: &Planned, model: &Model) -> bool {
    let hash = model.hash.to_string();
    planned
        .newest
        .as_ref()
        .is_some_and(|newest| newest.hash == hash && newest.rules == Rules::current())
}

/// The layout of a definition in canonical form.
pub(super) fn stored_layout(definition: &str, rules: &Rules) -> Result<Layout, String> {
    let definition =
        carnet_kernel::JsonText::parse(definition).map_err(|error| error.to_string())?;
    let model = compile_stored(&definition).map_err(|diagnostics| {
        diagnostics
            .first()
            .map_or_else(String::new, |diagnostic| diagnostic.message.clone())
    })?;
    Ok(desired_by(&model, rules))
}

/// What a database of that layout says of itself.
pub(super) fn facts_of(dialect: Dialect, layout: Option<&Layout>) -> facts::Found {
    layout.map_or_else(facts::Found::new, |layout| expected(dialect, layout))
}

fn merge(changes: &mut Vec<PlannedChange>, change: PlannedChange) {
    match changes
        .iter_mut()
        .find(|known| known.summary == change.summary)
    {
        Some(known) => {
            known.losses.extend(change.losses);
            known.refusals.extend(change.refusals);
        }
        None => changes.push(change),
    }
}

fn refuse(planned: &Planned, accept: Accept) -> Result<(), Error> {
    let refusals = planned.refusals();
    if !refusals.is_empty() {
        return Err(Error::Migration(format!(
            "the definition cannot be applied: {}",
            refusals.join("; ")
        )));
    }
    let losses = planned.losses();
    if losses.is_empty() || accept.data_loss {
        return Ok(());
    }
    Err(Error::DataLoss(format!(
        "data would be lost: {}; `--accept-data-loss` does it all the same",
        losses.join("; ")
    )))
}
