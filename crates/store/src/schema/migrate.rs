//! Applying migration files, each in one transaction, and going back by one.

use super::Schema;
use super::database::{Recorded, Script, record_model, record_schema, search_path};
use super::desired::desired;
use super::facts::{differences, expected};
use super::files::{Direction, EVERYWHERE, HOME, Migration, migrations, parse_fold};
use super::introspect;
use super::layout::Layout;
use super::platform::now;
use super::push::{PlannedChange, Report, TRIES, plain};
use super::rules::Rules;
use super::script::{Item, split};
use crate::{Dialect, Error, Param};
use carnet_model::Model;
use std::path::Path;

impl Schema {
    /// Applies the pending migrations of `folder` in order, then verifies that the database fits
    /// the definition. Migrations whose outcome a push has made already are recorded, not run.
    ///
    /// Errors: `Drift` for an applied file that changed or is gone, `SchemaPending` for a
    /// definition that the folder does not reach, `Migration`.
    pub async fn migrate(&self, model: &Model, folder: &Path) -> Result<Report, Error> {
        let known = migrations(folder)?;
        self.reaches(model, &known)?;
        self.prepare(&[]).await?;
        let mut tries = 0;
        loop {
            let before = self.schema_version().await?;
            let outcome = self.migrate_once(model, &known).await;
            tries += 1;
            match outcome {
                // Another process is at the same work: see what is left.
                Err(error) if !matches!(error, Error::Drift(_)) && tries < TRIES => {
                    if self.schema_version().await? == before {
                        return Err(error);
                    }
                }
                outcome => {
                    let report = outcome?;
                    self.measure_unknown().await?;
                    return Ok(report);
                }
            }
        }
    }

    async fn migrate_once(&self, model: &Model, known: &[Migration]) -> Result<Report, Error> {
        let mut applied = Vec::new();
        let done = self.verified(known).await?;
        let mut pending: Vec<&Migration> = known
            .iter()
            .filter(|migration| !done.contains(&migration.name))
            .collect();
        let newest = self.store.newest().await?;
        pending.drain(..self.adopt(&pending, newest.as_ref()).await?);
        for migration in pending {
            self.apply(migration).await?;
            applied.push(PlannedChange {
                summary: migration.name.clone(),
                ..PlannedChange::default()
            });
        }
        let version = self.settle(model).await?;
        Ok(Report { applied, version })
    }

    /// Takes the newest applied migration back by its `down` file.
    ///
    /// Errors: `Migration` when there is none, `Drift` as for [`Schema::migrate`].
    pub async fn rollback(&self, folder: &Path) -> Result<Report, Error> {
        let known = migrations(folder)?;
        let done = self.verified(&known).await?;
        let applied: Vec<&Migration> = known
            .iter()
            .filter(|migration| done.contains(&migration.name))
            .collect();
        let Some((last, before)) = applied.split_last() else {
            return Err(Error::Migration(
                "no migration was applied; there is nothing to take back".to_owned(),
            ));
        };
        let newest = self.store.newest().await?;
        let version = newest.map_or(0, |newest| newest.version) + 1;
        let dialect = self.store.dialect();
        let (text, _) = last.read(dialect, Direction::Down)?;
        let (hash, definition, layout, rules) = match before.last() {
            Some(before) => (
                before.hash(),
                before.definition.as_str().to_owned(),
                before.layout()?,
                before.rules.clone(),
            ),
            None => (
                String::new(),
                String::new(),
                Layout::default(),
                Rules::current(),
            ),
        };
        let mut script = vec![
            record_schema(dialect, version, [&hash, &definition], &rules),
            (
                "delete from {home}carnet_migrations where name = $1".to_owned(),
                vec![Param::Text(last.name.clone())],
            ),
        ];
        script.extend(self.file_script(last, &text, &layout).await?);
        self.store.owner_script(&script).await?;
        self.fits(&layout).await?;
        Ok(Report {
            applied: vec![PlannedChange {
                summary: last.name.clone(),
                ..PlannedChange::default()
            }],
            version,
        })
    }

    /// The names of migrations in `folder` that the database has not had.
    pub async fn pending_migrations(&self, folder: &Path) -> Result<Vec<String>, Error> {
        let known = migrations(folder)?;
        let done = self.verified(&known).await?;
        let names = known.into_iter().map(|migration| migration.name);
        Ok(names.filter(|name| !done.contains(name)).collect())
    }

    /// Errors: `SchemaPending` when the newest migration ends at other tables than the definition.
    fn reaches(&self, model: &Model, known: &[Migration]) -> Result<(), Error> {
        let dialect = self.store.dialect();
        let layout = match known.last() {
            Some(last) => {
                let layout = last.layout()?;
                if last.rules != Rules::current() && layout.has_derived() {
                    return Err(Error::SchemaPending(
                        "the migrations leave texts folded by the rules of another release; run \
                         `carnet db generate`"
                            .to_owned(),
                    ));
                }
                if last.hash() == model.hash.to_string() {
                    return Ok(());
                }
                layout
            }
            None => Layout::default(),
        };
        let wanted = expected(dialect, &desired(model));
        let lacks = differences(&wanted, &expected(dialect, &layout));
        if lacks.is_empty() {
            return Ok(());
        }
        Err(Error::SchemaPending(format!(
            "the migrations do not reach the definition: {}; run `carnet db generate`",
            lacks.into_iter().take(3).collect::<Vec<_>>().join(", ")
        )))
    }

    /// The names of what was applied; its files must be what they were.
    async fn verified(&self, known: &[Migration]) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for applied in self.applied_migrations().await? {
            let Some(migration) = known.iter().find(|known| known.name == applied.name) else {
                return Err(Error::Drift(format!(
                    "migration `{}` was applied, but its folder is gone",
                    applied.name
                )));
            };
            let (_, checksum) = migration.read(self.store.dialect(), Direction::Up)?;
            if checksum != applied.checksum {
                return Err(Error::Drift(format!(
                    "migration `{}` was changed after it was applied; restore it and put the \
                     change into a new one",
                    applied.name
                )));
            }
            names.push(applied.name);
        }
        Ok(names)
    }

    /// Records the pending migrations that a push has gone through already; answers how many.
    async fn adopt(
        &self,
        pending: &[&Migration],
        newest: Option<&Recorded>,
    ) -> Result<usize, Error> {
        let Some(newest) = newest.filter(|newest| !newest.hash.is_empty()) else {
            return Ok(0);
        };
        let count = pending
            .iter()
            .rposition(|migration| {
                migration.hash() == newest.hash && migration.rules == newest.rules
            })
            .map_or(0, |place| place + 1);
        let mut script = Script::new();
        for migration in pending.iter().take(count) {
            script.push(self.record(migration)?);
        }
        if !script.is_empty() {
            self.store.owner_script(&script).await?;
        }
        Ok(count)
    }

    fn record(&self, migration: &Migration) -> Result<(String, Vec<Param>), Error> {
        let dialect = self.store.dialect();
        let (_, checksum) = migration.read(dialect, Direction::Up)?;
        let sql = format!(
            "insert into {{home}}carnet_migrations (name, checksum, at) values ($1, $2, {})",
            now(dialect)
        );
        let params = vec![Param::Text(migration.name.clone()), Param::Text(checksum)];
        Ok((sql, params))
    }

    async fn apply(&self, migration: &Migration) -> Result<(), Error> {
        let dialect = self.store.dialect();
        let newest = self.store.newest().await?;
        let version = newest.map_or(0, |newest| newest.version) + 1;
        let (text, _) = migration.read(dialect, Direction::Up)?;
        // First what another process would do as well: the second one fails before it did anything.
        let mut script = vec![
            self.record(migration)?,
            record_schema(
                dialect,
                version,
                [&migration.hash(), migration.definition.as_str()],
                &migration.rules,
            ),
        ];
        let layout = migration.layout()?;
        script.extend(self.file_script(migration, &text, &layout).await?);
        let outcome = self.store.owner_script(&script).await;
        match outcome {
            Ok(()) => Ok(()),
            Err(error) => {
                let applied = self.applied_migrations().await?;
                if applied.iter().any(|applied| applied.name == migration.name) {
                    return Ok(());
                }
                match error {
                    Error::Migration(text) => Err(Error::Migration(format!(
                        "migration `{}` failed and changed nothing: {text}",
                        migration.name
                    ))),
                    other => Err(other),
                }
            }
        }
    }

    /// The statements of a file in every placement, with the walls of `layout` round them.
    async fn file_script(
        &self,
        migration: &Migration,
        text: &str,
        layout: &Layout,
    ) -> Result<Script, Error> {
        let store = &self.store;
        let dialect = store.dialect();
        let items = split(dialect, text);
        let shared = store.home().namespace;
        let login = store.login().await?;
        let mut script = Script::new();
        let namespaces = store.namespaces().await?;
        // Views first and everywhere: a placement looks into the tables of home.
        if dialect == Dialect::Postgres {
            for namespace in &namespaces {
                let found = introspect::walls(store, namespace, &login.role).await?;
                let builder = store.builder(&login, namespace, &shared);
                script.extend(plain(builder.drop_views(&found)));
            }
        }
        for namespace in &namespaces {
            if dialect == Dialect::Postgres {
                script.extend(plain(vec![search_path(namespace, &shared)]));
            }
            let mut skipped = false;
            for item in &items {
                match item {
                    Item::Directive { text, .. } if text == HOME => skipped = *namespace != shared,
                    Item::Directive { text, .. } if text == EVERYWHERE => skipped = false,
                    _ if skipped => {}
                    Item::Statement { text, .. } => script.extend(plain(vec![text.clone()])),
                    Item::Directive { line, text } => {
                        let fold = parse_fold(text).ok_or_else(|| {
                            Error::Migration(format!(
                                "migration `{}` has a directive that is not known in line \
                                 {line}: `{text}`",
                                migration.name
                            ))
                        })?;
                        if store.has_table(namespace.as_str(), &fold.read.0).await? {
                            script.extend(self.fold(namespace, &fold).await?);
                        }
                    }
                }
            }
        }
        if dialect == Dialect::Postgres {
            for namespace in &namespaces {
                let builder = store.builder(&login, namespace, &shared);
                // What a file does to tables is its own affair: every wall is built again.
                script.extend(plain(builder.rebuild(layout)));
            }
        }
        Ok(script)
    }

    /// Verifies that the database fits and has the row of the definition; answers its version.
    async fn settle(&self, model: &Model) -> Result<i64, Error> {
        self.fits(&desired(model)).await?;
        let newest = self.store.newest().await?;
        let hash = model.hash.to_string();
        if let Some(newest) = newest
            .as_ref()
            .filter(|newest| newest.hash == hash && newest.rules == Rules::current())
        {
            return Ok(newest.version);
        }
        let version = newest.map_or(0, |newest| newest.version) + 1;
        let row = record_model(self.store.dialect(), version, model);
        self.store.owner_script(&vec![row]).await?;
        Ok(version)
    }

    /// Errors: `Migration` with what the database lacks of a layout.
    async fn fits(&self, layout: &Layout) -> Result<(), Error> {
        let newest = self.store.newest().await?;
        let planned = self
            .planned_between(newest, Some(layout.clone()), layout)
            .await?;
        let lacks: Vec<&str> = planned
            .changes
            .iter()
            .map(|change| change.summary.as_str())
            .collect();
        if lacks.is_empty() {
            return Ok(());
        }
        Err(Error::Migration(format!(
            "after the migrations the database still lacks: {}",
            lacks.join(", ")
        )))
    }
}
