//! From a model to the tables it wants.

use super::layout::{Column, Index, IndexKind, Kind, Layout, Part, Reference, Table};
use super::names::{foreign_key_name, reference_index_name};
use super::rules::{Rule, Rules};
use carnet_kernel::search::Analysis;
use carnet_model::{Field, FieldType, Model, Resource, Role, Storage, Tenancy};

/// The layout of a model as this program makes it; the same on every database.
pub(crate) fn desired(model: &Model) -> Layout {
    desired_by(model, &Rules::current())
}

/// The layout of a model under the rules of another time.
pub(crate) fn desired_by(model: &Model, rules: &Rules) -> Layout {
    let tables = model
        .resources
        .iter()
        .filter(|resource| resource.storage == Storage::Table)
        .map(|resource| table(model, resource, rules));
    Layout {
        tables: tables.collect(),
    }
}

fn table(model: &Model, resource: &Resource, rules: &Rules) -> Table {
    let tenant = resource.is_tenant();
    Table {
        resource: resource.name.clone(),
        was: resource.was.clone(),
        name: resource.table.clone(),
        tenant,
        shared: resource.tenancy == Tenancy::Platform { shared: true },
        columns: columns(resource, rules),
        references: references(model, resource),
        indexes: indexes(resource),
    }
}

fn columns(resource: &Resource, rules: &Rules) -> Vec<Column> {
    let mut columns = Vec::new();
    if resource.is_tenant() {
        columns.push(system("tenant", Kind::Integer));
    }
    let of_role = |role: Role| resource.fields.iter().filter(move |f| f.role == role);
    columns.extend(of_role(Role::Id).map(value));
    for field in of_role(Role::Declared) {
        let value = value(field);
        let companion = field.companion.as_ref().map(|name| Column {
            name: name.clone(),
            part: Part::Companion,
            kind: Kind::Text,
            rule: Some(Rule {
                version: rules.fold.clone(),
                analysis: Analysis::default(),
            }),
            ..value.clone()
        });
        let words = field.search.as_ref().map(|name| Column {
            name: name.clone(),
            part: Part::Words,
            kind: Kind::Text,
            rule: resource.search.as_ref().map(|search| Rule {
                version: rules.words.clone(),
                analysis: search.analysis,
            }),
            ..value.clone()
        });
        columns.push(value);
        columns.extend(companion);
        columns.extend(words);
    }
    for role in [Role::CreatedAt, Role::UpdatedAt, Role::DeletedAt] {
        columns.extend(of_role(role).map(value));
    }
    for role in [Role::CreatedBy, Role::UpdatedBy, Role::DeletedBy] {
        columns.extend(of_role(role).flat_map(principal));
    }
    columns.extend(of_role(Role::Version).map(value));
    columns
}

fn system(name: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        field: name.to_owned(),
        was: None,
        part: Part::Value,
        kind,
        nullable: false,
        default: None,
        rule: None,
    }
}

fn value(field: &Field) -> Column {
    Column {
        name: field.column.clone(),
        field: field.declared.clone(),
        was: field.was.clone(),
        part: Part::Value,
        kind: kind(&field.kind),
        nullable: matches!(field.role, Role::Declared | Role::DeletedAt) && field.optional,
        default: field.default.clone(),
        rule: None,
    }
}

fn principal(field: &Field) -> [Column; 2] {
    let part = |part: Part, ending: &str, kind: Kind| Column {
        name: format!("{}_{ending}", field.column),
        part,
        kind,
        nullable: true,
        default: None,
        ..value(field)
    };
    [
        part(Part::PrincipalKind, "kind", Kind::Text),
        part(Part::PrincipalId, "id", Kind::Id),
    ]
}

fn kind(kind: &FieldType) -> Kind {
    match kind {
        FieldType::Id(_) | FieldType::Ref { .. } | FieldType::Uuid | FieldType::Ulid => Kind::Id,
        FieldType::Text { .. } | FieldType::Email { .. } | FieldType::Url { .. } => Kind::Text,
        FieldType::Enum { values } => Kind::Enum(values.clone()),
        FieldType::Integer { .. } => Kind::Integer,
        FieldType::Decimal {
            precision, scale, ..
        } => Kind::Decimal {
            precision: *precision,
            scale: *scale,
        },
        FieldType::Float { .. } => Kind::Float,
        FieldType::Boolean => Kind::Boolean,
        FieldType::Date => Kind::Date,
        FieldType::DateTime => Kind::DateTime,
        FieldType::Time => Kind::Time,
        FieldType::Duration => Kind::Duration,
        FieldType::Json { .. } | FieldType::I18n { .. } | FieldType::List { .. } => Kind::Json,
        FieldType::Principal => Kind::Text,
    }
}

fn references(model: &Model, resource: &Resource) -> Vec<Reference> {
    let reference = |field: &Field| {
        let FieldType::Ref { to, .. } = &field.kind else {
            return None;
        };
        let target = model.resource(*to);
        (target.storage == Storage::Table).then(|| Reference {
            name: foreign_key_name(&resource.table, &field.column),
            column: field.column.clone(),
            target: target.table.clone(),
            target_tenant: target.is_tenant(),
        })
    };
    resource.fields.iter().filter_map(reference).collect()
}

/// What constraints, references and the definition ask for. The id ends each index that is not
/// unique, so that a filtered list comes in the order of its keys without a sort; a reference
/// keeps its own index unless another one is the same.
fn indexes(resource: &Resource) -> Vec<Index> {
    let stored = |field: &Field| {
        let companion = field.companion.as_ref();
        companion.unwrap_or(&field.column).clone()
    };
    let tenant = || {
        let first = resource.is_tenant().then(|| ("tenant".to_owned(), false));
        first.into_iter()
    };
    let mut indexes: Vec<Index> = Vec::new();
    // A record that is deleted softly holds no value against others.
    let living = resource
        .deleted()
        .map(|deleted| resource.field(deleted.at).column.clone());
    for unique in &resource.uniques {
        let members = unique.fields.iter();
        let members = members.map(|index| (stored(resource.field(*index)), false));
        indexes.push(Index {
            name: unique.name.clone(),
            unique: true,
            kind: IndexKind::Btree,
            columns: tenant().chain(members).collect(),
            without: living.clone(),
        });
    }
    let with_id = |name: String, columns: Vec<(String, bool)>| {
        let descending = columns.last().is_some_and(|(_, descending)| *descending);
        let id = (!columns.iter().any(|(column, _)| column == "id"))
            .then(|| ("id".to_owned(), descending));
        Index {
            name,
            unique: false,
            kind: IndexKind::Btree,
            columns: tenant().chain(columns).chain(id).collect(),
            without: None,
        }
    };
    for index in &resource.indexes {
        let columns = index.columns.iter();
        let columns =
            columns.map(|column| (stored(resource.field(column.field)), column.descending));
        indexes.push(with_id(index.name.clone(), columns.collect()));
    }
    for field in &resource.fields {
        if !matches!(field.kind, FieldType::Ref { .. }) {
            continue;
        }
        let name = reference_index_name(&resource.table, &field.column);
        let index = with_id(name, vec![(field.column.clone(), false)]);
        let alone = index.columns.len() - 1;
        let covered = indexes.iter().any(|other| {
            other.name == index.name
                || other.columns == index.columns
                || (other.unique
                    && other.without.is_none()
                    && other.columns.get(..) == index.columns.get(..alone))
        });
        if !covered {
            indexes.push(index);
        }
    }
    if let Some(search) = &resource.search {
        let words = search.fields.iter().filter_map(|field| {
            let words = resource.field(*field).search.clone()?;
            Some((words, false))
        });
        indexes.push(Index {
            name: search.index.clone(),
            unique: false,
            kind: IndexKind::Search {
                fuzzy: search.fuzzy,
            },
            columns: words.collect(),
            without: None,
        });
    }
    indexes
}
