//! One `FROM` level of a statement: a resource's rows and the rows that to-one paths lead to.

use super::search::Searched;
use super::writer::{Alias, Writer};
use crate::{Deleted, Order};
use carnet_expr::{Operand, Path, Predicate, RelationIndex};
use carnet_model::{Field, FieldIndex, ModelView, Relation, RelationKind, Resource};

/// A resource's rows under an alias, and what is joined to them.
pub(super) struct Level<'q> {
    pub(super) resource: &'q Resource,
    pub(super) alias: Alias,
    /// The search index that gives the rows, and what it is asked.
    pub(super) joined: Option<(Alias, Searched<'q>)>,
    /// Whether its own rows are shown when they are deleted softly; what is joined never is.
    pub(super) deleted: Deleted,
    joins: Vec<Join<'q>>,
    pub(super) link: Option<Link<'q>>,
}

/// The rows of a link resource through which a level is reached.
pub(super) struct Link<'q> {
    pub(super) resource: &'q Resource,
    pub(super) alias: Alias,
    /// The column that names the level's row.
    to: &'q str,
}

/// How a level hangs on a row outside of it: a column here is the same as a column there.
pub(super) struct Hang<'q> {
    pub(super) here: (Alias, &'q str),
    pub(super) there: (Alias, &'q str),
}

/// A row reached over to-one steps, each prefix of which is joined as well.
struct Join<'q> {
    steps: &'q [RelationIndex],
    resource: &'q Resource,
    alias: Alias,
}

/// A field with the relation that holds it.
pub(super) struct Reached<'q> {
    pub(super) alias: Alias,
    pub(super) resource: &'q Resource,
    pub(super) field: &'q Field,
    /// Whether it stands on the level's own rows.
    pub(super) own: bool,
    /// Whether it can be null, because it or a step to it is optional.
    pub(super) nullable: bool,
}

impl<'q> Level<'q> {
    pub(super) fn new(resource: &'q Resource, alias: Alias) -> Self {
        Self {
            resource,
            alias,
            joined: None,
            deleted: Deleted::Hidden,
            joins: Vec::new(),
            link: None,
        }
    }

    /// The same level with other rows shown.
    pub(super) fn showing(self, deleted: Deleted) -> Self {
        Self { deleted, ..self }
    }

    /// The rows that `relation` leads to from a row of `holder` under `alias`.
    pub(super) fn related(
        writer: &mut Writer<'q>,
        (holder, alias): (&'q Resource, Alias),
        relation: &'q Relation,
    ) -> (Self, Hang<'q>) {
        let view = writer.frame.view;
        let target = view.resource(relation.target);
        let mut level = Self::new(target, writer.alias());
        let (here, there) = match relation.kind {
            RelationKind::ToOne { field } => (
                (level.alias, key_column(target)),
                &*holder.field(field).column,
            ),
            RelationKind::ToMany { by } => {
                ((level.alias, &*target.field(by).column), key_column(holder))
            }
            RelationKind::Through { link, by, to } => {
                let link = view.resource(link);
                let through = Link {
                    resource: link,
                    alias: writer.alias(),
                    to: &link.field(to).column,
                };
                let here = (through.alias, &*link.field(by).column);
                level.link = Some(through);
                (here, key_column(holder))
            }
        };
        let there = (alias, there);
        (level, Hang { here, there })
    }

    /// Notes the joins that a predicate needs, except inside `Exists`.
    pub(super) fn join_for(&mut self, writer: &mut Writer<'q>, predicate: &'q Predicate) {
        match predicate {
            Predicate::True | Predicate::False | Predicate::Search { .. } => {}
            Predicate::And(list) | Predicate::Or(list) => {
                for member in list {
                    self.join_for(writer, member);
                }
            }
            Predicate::Not(inner) | Predicate::Holds(inner) => self.join_for(writer, inner),
            Predicate::Compare { left, right, .. } => {
                self.join_operand(writer, left);
                self.join_operand(writer, right);
            }
            Predicate::In { operand, .. } | Predicate::IsNull(operand) => {
                self.join_operand(writer, operand);
            }
            Predicate::Text { path, .. } | Predicate::Has { path, .. } => {
                self.join_path(writer, path);
            }
            Predicate::Exists { steps, .. } => self.join_steps(writer, steps),
        }
    }

    fn join_operand(&mut self, writer: &mut Writer<'q>, operand: &'q Operand) {
        match operand {
            Operand::Path(path) => self.join_path(writer, path),
            Operand::Aggregate(aggregate) => self.join_steps(writer, &aggregate.steps),
            Operand::Value(_) => {}
        }
    }

    /// Notes the joins that a path needs.
    pub(super) fn join_to(&mut self, writer: &mut Writer<'q>, path: &'q Path) {
        self.join_path(writer, path);
    }

    fn join_path(&mut self, writer: &mut Writer<'q>, path: &'q Path) {
        let (steps, _) = shorten(writer.frame.view, self.resource, &path.steps, path.field);
        self.join_steps(writer, steps);
    }

    fn join_steps(&mut self, writer: &mut Writer<'q>, steps: &'q [RelationIndex]) {
        let view = writer.frame.view;
        let mut resource = self.resource;
        for (position, step) in steps.iter().enumerate() {
            let relation = resource.relation(*step);
            if !matches!(relation.kind, RelationKind::ToOne { .. }) {
                return;
            }
            resource = view.resource(relation.target);
            let taken = &steps[..=position];
            if self.joins.iter().all(|join| join.steps != taken) {
                let alias = writer.alias();
                self.joins.push(Join {
                    steps: taken,
                    resource,
                    alias,
                });
            }
        }
    }

    /// Writes ` FROM …` with what is joined so far. Joins are outer joins, so that a step that
    /// leads nowhere gives nulls and the database's own three-valued logic says the rest; both
    /// planners turn them into inner joins where a condition lets them.
    pub(super) fn write_source(&self, writer: &mut Writer<'q>) {
        writer.text(" FROM ");
        match (&self.link, self.joined) {
            (None, Some((index, searched))) => writer.search_source(self, index, searched),
            (None, None) => writer.relation(self.resource, self.alias),
            (Some(link), _) => {
                writer.relation(link.resource, link.alias);
                writer.text(" JOIN ");
                writer.relation(self.resource, self.alias);
                writer.text(" ON ");
                writer.column(self.alias, key_column(self.resource));
                writer.text(" = ");
                writer.column(link.alias, link.to);
                writer.shown(" AND ", link.resource, link.alias, Deleted::Hidden);
            }
        }
        for join in &self.joins {
            self.write_join(writer, join);
        }
    }

    /// Joins what sort keys need beyond what is joined already, right after the source.
    pub(super) fn join_order(&mut self, writer: &mut Writer<'q>, keys: &'q [Order]) {
        let joined = self.note_order(writer, keys);
        self.write_joins(writer, joined);
    }

    /// Notes what sort keys need beyond what is joined already; how many joins there were before.
    pub(super) fn note_order(&mut self, writer: &mut Writer<'q>, keys: &'q [Order]) -> usize {
        let joined = self.joins.len();
        for key in keys {
            self.join_operand(writer, &key.by);
        }
        joined
    }

    /// Writes the joins after the first `written`.
    pub(super) fn write_joins(&self, writer: &mut Writer<'q>, written: usize) {
        for join in self.joins.iter().skip(written) {
            self.write_join(writer, join);
        }
    }

    fn write_join(&self, writer: &mut Writer<'q>, join: &Join<'q>) {
        let Some((last, before)) = join.steps.split_last() else {
            return;
        };
        let Some((resource, alias)) = self.row(before) else {
            return;
        };
        let RelationKind::ToOne { field } = resource.relation(*last).kind else {
            return;
        };
        writer.text(" LEFT JOIN ");
        writer.relation(join.resource, join.alias);
        writer.text(" ON ");
        if writer.tenant(join.resource, join.alias) {
            writer.text(" AND ");
        }
        writer.column(join.alias, key_column(join.resource));
        writer.text(" = ");
        writer.column(alias, &resource.field(field).column);
        writer.shown(" AND ", join.resource, join.alias, Deleted::Hidden);
    }

    /// The row that joined steps lead to.
    pub(super) fn row(&self, steps: &[RelationIndex]) -> Option<(&'q Resource, Alias)> {
        if steps.is_empty() {
            return Some((self.resource, self.alias));
        }
        let join = self.joins.iter().find(|join| join.steps == steps)?;
        Some((join.resource, join.alias))
    }

    /// The field at a path; `None` for a path that is no path of the model.
    pub(super) fn reach(&self, view: &'q ModelView, path: &Path) -> Option<Reached<'q>> {
        let found = locate(view, self.resource, &path.steps, path.field);
        let (resource, alias) = self.row(found.steps)?;
        Some(Reached {
            alias,
            resource,
            field: found.field,
            own: found.steps.is_empty(),
            nullable: found.nullable,
        })
    }
}

/// A field over to-one steps, before anything is joined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Located<'q, 's> {
    /// The steps to the row that holds it; the key of what a reference leads to is the reference.
    pub(super) steps: &'s [RelationIndex],
    pub(super) field: &'q Field,
    /// Whether it can be null, because it or a step to it is optional.
    pub(super) nullable: bool,
}

/// Finds the field at a path.
pub(super) fn locate<'q, 's>(
    view: &'q ModelView,
    resource: &'q Resource,
    steps: &'s [RelationIndex],
    field: FieldIndex,
) -> Located<'q, 's> {
    let (steps, field) = shorten(view, resource, steps, field);
    let mut nullable = false;
    let mut holder = resource;
    for step in steps {
        let relation = holder.relation(*step);
        if let RelationKind::ToOne { field } = relation.kind {
            nullable |= holder.field(field).optional;
        }
        holder = view.resource(relation.target);
        // It may be hidden.
        nullable |= holder.deleted().is_some();
    }
    let field = holder.field(field);
    Located {
        steps,
        field,
        nullable: nullable || field.optional,
    }
}

/// The key of what a reference leads to is the reference itself: no step is needed for it, unless
/// what it leads to may be hidden.
fn shorten<'s>(
    view: &ModelView,
    resource: &Resource,
    steps: &'s [RelationIndex],
    field: FieldIndex,
) -> (&'s [RelationIndex], FieldIndex) {
    let Some((last, before)) = steps.split_last() else {
        return (steps, field);
    };
    let mut holder = resource;
    for step in before {
        holder = view.resource(holder.relation(*step).target);
    }
    let relation = holder.relation(*last);
    match relation.kind {
        RelationKind::ToOne { field: reference }
            if view.resource(relation.target).key == field
                && view.resource(relation.target).deleted().is_none() =>
        {
            (before, reference)
        }
        _ => (steps, field),
    }
}

/// The column of the field that names a record.
pub(super) fn key_column(resource: &Resource) -> &str {
    &resource.field(resource.key).column
}
