//! One compiled resource: its fields, relations, constraints and options.

use crate::{
    Action, ActionIndex, Field, FieldIndex, IdForm, Overlay, RelationIndex, ResourceIndex, Role,
};
use carnet_kernel::search::Analysis;
use std::collections::HashMap;

/// A declared entity, ready to plan against. Built by the compiler alone.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its place in the model.
    pub index: ResourceIndex,
    /// Whether the version that sees it does not have it.
    pub hidden: bool,
    /// How older versions of the API differ in what they show of it.
    pub overlays: Vec<Overlay>,
    /// The plural API name: `products`.
    pub name: String,
    /// The named group it belongs to.
    pub service: String,
    /// A title for people, singular: `Product`.
    pub title: String,
    /// A description for people.
    pub description: Option<String>,
    /// Its table, without namespace: `product_data_sources`.
    pub table: String,
    /// Its name before a rename.
    pub was: Option<String>,
    /// Whose records they are.
    pub tenancy: Tenancy,
    /// Where they are kept.
    pub storage: Storage,
    /// How its ids look and who may choose them.
    pub id: IdRule,
    /// What a write must state.
    pub concurrency: Concurrency,
    /// What a deletion does with a record.
    pub deletion: Deletion,
    /// What the journal keeps of a change.
    pub journal: Journal,
    /// What it offers.
    pub operations: OperationSet,
    /// All fields, in the order of the JSON: id, declared ones, then the other standard ones.
    pub fields: Vec<Field>,
    /// To-one and to-many relations.
    pub relations: Vec<Relation>,
    /// Unique constraints beside the primary key.
    pub uniques: Vec<Unique>,
    /// Indexes beside those of constraints and references.
    pub indexes: Vec<Index>,
    /// What `search=` looks in, if it is offered.
    pub search: Option<Search>,
    /// Operations of the application's own, by name.
    pub actions: Vec<Action>,
    /// A reference to the record whose row is locked before logic of this resource writes, on
    /// databases where writes run beside one another.
    pub lock: Option<FieldIndex>,
    /// The field that names a record: `id`, or the sequence of a platform table.
    pub key: FieldIndex,
    /// Where the standard fields stand; absent for platform tables and where there is no table.
    pub standard: Option<Standard>,
    /// API name to field.
    pub by_name: HashMap<String, FieldIndex>,
    /// Include name to relation.
    pub by_relation: HashMap<String, RelationIndex>,
}

impl Resource {
    /// The field at `index`, which must come from this resource.
    pub fn field(&self, index: FieldIndex) -> &Field {
        &self.fields[usize::from(index.0)]
    }

    /// The relation at `index`, which must come from this resource.
    pub fn relation(&self, index: RelationIndex) -> &Relation {
        &self.relations[usize::from(index.0)]
    }

    /// The field of that API name.
    pub fn field_named(&self, name: &str) -> Option<FieldIndex> {
        self.by_name.get(name).copied()
    }

    /// The relation of that include name.
    pub fn relation_named(&self, name: &str) -> Option<RelationIndex> {
        self.by_relation.get(name).copied()
    }

    /// The action at `index`, which must come from this resource.
    pub fn action(&self, index: ActionIndex) -> &Action {
        &self.actions[usize::from(index.0)]
    }

    /// The action of that API name.
    pub fn action_named(&self, name: &str) -> Option<ActionIndex> {
        let place = self
            .actions
            .binary_search_by(|action| action.name.as_str().cmp(name));
        place.ok().map(|place| ActionIndex(place as u16))
    }

    /// Every field with its index.
    pub fn each_field(&self) -> impl Iterator<Item = (FieldIndex, &Field)> {
        self.fields
            .iter()
            .enumerate()
            .map(|(index, field)| (FieldIndex(index as u16), field))
    }

    /// The fields that this view of it has.
    pub fn shown_fields(&self) -> impl Iterator<Item = (FieldIndex, &Field)> {
        self.each_field().filter(|(_, field)| !field.hidden)
    }

    /// Whether its records are kept in a table.
    pub fn has_table(&self) -> bool {
        self.storage != Storage::None
    }

    /// What `search=` looks in here: of the searched fields those that this view has.
    pub fn searched_fields(&self) -> impl Iterator<Item = FieldIndex> {
        let all = self.search.iter().flat_map(|search| &search.fields);
        all.copied()
            .filter(|index| !self.fields[usize::from(index.0)].hidden)
    }

    /// The relations that this view of it has.
    pub fn shown_relations(&self) -> impl Iterator<Item = &Relation> {
        self.relations.iter().filter(|relation| !relation.hidden)
    }

    /// The fields that clients write, and those of them that this view does not have.
    pub fn declared_fields(&self) -> impl Iterator<Item = (FieldIndex, &Field)> {
        self.each_field()
            .filter(|(_, field)| field.role == Role::Declared)
    }

    /// Where the fields of a soft deletion stand; absent where a deletion removes.
    pub fn deleted(&self) -> Option<Deleted> {
        self.standard.and_then(|standard| standard.deleted)
    }

    /// How the words of its searched texts are made.
    pub fn analysis(&self) -> Analysis {
        let search = self.search.as_ref();
        search.map_or_else(Analysis::default, |search| search.analysis)
    }

    /// Whether its rows carry a tenant.
    pub fn is_tenant(&self) -> bool {
        self.tenancy == Tenancy::Tenant
    }
}

/// Whose records they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenancy {
    /// Each tenant's own.
    Tenant,
    /// One set for the whole deployment.
    Platform {
        /// Whether tenant resources may refer to it.
        shared: bool,
    },
}

/// Where records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// A table of its own, made by schema sync.
    Table,
    /// A hand-written platform table, shown for reading.
    Platform,
    /// Nowhere: logic alone says what there is.
    None,
}

/// How ids look and who may choose them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRule {
    /// The text form.
    pub form: IdForm,
    /// Whether clients may send one.
    pub client: bool,
}

/// What a write must state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// Nothing; `If-Match` is honoured when it is there.
    None,
    /// `If-Match` (428 without).
    Optimistic,
}

/// What a deletion does with a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deletion {
    /// It is removed.
    #[default]
    Hard,
    /// It is marked, hidden and kept; it can be restored or purged.
    Soft,
}

impl Deletion {
    /// The word of the definition language.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
        }
    }
}

/// What the journal keeps of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Journal {
    /// A row for each record: all of a new or deleted one, what changed of a changed one.
    #[default]
    Full,
    /// The same today: a row for each record with what changed.
    Changed,
    /// A row for each set of records that one statement changes, with their ids and no images.
    Summary,
}

impl Journal {
    /// The word of the definition language.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Changed => "changed",
            Self::Summary => "summary",
        }
    }
}

/// One of the built-in operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `GET /products`
    List,
    /// `POST /products`
    Create,
    /// `GET /products/{id}`
    Read,
    /// `PUT /products/{id}`
    Update,
    /// `PATCH /products/{id}`
    Patch,
    /// `DELETE /products/{id}`
    Delete,
    /// `POST /products/batch`
    Batch,
}

impl Operation {
    /// Every operation, in the order of the language.
    pub const ALL: [Self; 7] = [
        Self::List,
        Self::Create,
        Self::Read,
        Self::Update,
        Self::Patch,
        Self::Delete,
        Self::Batch,
    ];

    /// The word of the definition language.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Batch => "batch",
        }
    }

    /// The operation of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str() == word)
    }
}

/// A set of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationSet(u8);

impl OperationSet {
    /// All of them.
    pub fn all() -> Self {
        Operation::ALL.into_iter().collect()
    }

    /// All but batches: those of one record, and the list.
    pub fn one_by_one() -> Self {
        let all = Operation::ALL.into_iter();
        all.filter(|operation| *operation != Operation::Batch)
            .collect()
    }

    /// Whether `operation` is in it.
    pub fn contains(self, operation: Operation) -> bool {
        self.0 & (1 << operation as u8) != 0
    }

    /// Those in it, in the order of the language.
    pub fn iter(self) -> impl Iterator<Item = Operation> {
        Operation::ALL
            .into_iter()
            .filter(move |operation| self.contains(*operation))
    }
}

impl FromIterator<Operation> for OperationSet {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        Self(
            operations
                .into_iter()
                .fold(0, |set, operation| set | 1 << operation as u8),
        )
    }
}

/// A relation to records of one resource.
#[derive(Clone, Debug)]
pub struct Relation {
    /// The include name: `category`, `dataSources`.
    pub name: String,
    /// The resource it leads to.
    pub target: ResourceIndex,
    /// Which way the reference points.
    pub kind: RelationKind,
    /// Whether the version that sees it does not have it.
    pub hidden: bool,
}

/// Which way the reference points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationKind {
    /// A reference field of this resource.
    ToOne {
        /// The reference.
        field: FieldIndex,
    },
    /// A reference field of the target.
    ToMany {
        /// The target's reference to this resource.
        by: FieldIndex,
    },
    /// Many to many, by records of a link resource, which are unique in the pair of both
    /// references.
    Through {
        /// The link resource.
        link: ResourceIndex,
        /// The link's reference to this resource.
        by: FieldIndex,
        /// The link's reference to the target.
        to: FieldIndex,
    },
}

impl RelationKind {
    /// Whether it leads to a list of records.
    pub fn is_many(self) -> bool {
        !matches!(self, Self::ToOne { .. })
    }
}

/// A unique constraint. Rows in which a member is null are not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unique {
    /// `<table>__<columns>`, hashed to fit 63 bytes.
    pub name: String,
    /// Its members; a caseless one is unique on its companion.
    pub fields: Vec<FieldIndex>,
}

/// A b-tree index. The tenant comes first by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// `<table>__<columns>__index`, hashed to fit 63 bytes.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<IndexColumn>,
}

/// A column of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexColumn {
    /// Which field; a caseless one by its companion.
    pub field: FieldIndex,
    /// Whether it runs from large to small.
    pub descending: bool,
}

/// What `search=` looks in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// `<table>__search`, hashed to fit 63 bytes: the index over all of them.
    pub index: String,
    /// The fields in the order of the declaration.
    pub fields: Vec<FieldIndex>,
    /// Whether likeness is searched too, for which the index holds more.
    pub fuzzy: bool,
    /// How words are made of texts.
    pub analysis: Analysis,
    /// How much a match in each of `fields` counts for the order, 1 to 100; of at most four
    /// different sizes.
    pub weights: Vec<u8>,
}

impl Search {
    /// Whether every field counts the same.
    pub fn is_even(&self) -> bool {
        self.weights
            .windows(2)
            .all(|two| matches!(two, [one, other] if one == other))
    }
}

/// Where the standard fields of a stored resource stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standard {
    /// `version`
    pub version: FieldIndex,
    /// `createdAt`
    pub created_at: FieldIndex,
    /// `updatedAt`
    pub updated_at: FieldIndex,
    /// `createdBy`
    pub created_by: FieldIndex,
    /// `updatedBy`
    pub updated_by: FieldIndex,
    /// `deletedAt` and `deletedBy`, where deletions are soft.
    pub deleted: Option<Deleted>,
}

/// Where the fields of a soft deletion stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// `deletedAt`; null for a record that is there.
    pub at: FieldIndex,
    /// `deletedBy`
    pub by: FieldIndex,
}
