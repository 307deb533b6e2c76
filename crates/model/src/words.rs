//! The words of the definition language: keys, types, options, and those that come later. The
//! compiler and the JSON schema both read these tables, so they cannot disagree.

/// The version of the language.
pub(crate) const LANGUAGE: &str = "1";

/// A word with what it means.
pub(crate) type Word = (&'static str, &'static str);

/// Keys of a file.
pub(crate) const FILE: &[Word] = &[
    (
        "carnet",
        "The version of the definition language; always 1.",
    ),
    (
        "service",
        "The named group that the file's resources belong to, in camelCase.",
    ),
    (
        "use",
        "Shipped sets of resources to take; in the root file only.",
    ),
    (
        "extend",
        "Additions to shipped resources that are taken by `use`.",
    ),
    (
        "versions",
        "The versions of the API that are served side by side, `v1` and so on; in the root file only.",
    ),
    (
        "resources",
        "The resources by their plural camelCase names.",
    ),
];

/// Keys of a version.
pub(crate) const VERSION: &[Word] = &[
    (
        "deprecated",
        "The day from which clients should use a newer version.",
    ),
    (
        "sunset",
        "The day from which the version may no longer be served.",
    ),
    ("link", "A page about its end."),
];

/// Keys of what a version says of a resource.
pub(crate) const OVERLAY: &[Word] = &[
    (
        "rename",
        "Fields and relations by the names that the version has for them.",
    ),
    (
        "hide",
        "Fields and relations that the version does not have; `true` for the whole resource.",
    ),
    ("default", "What an absent field becomes in the version."),
];

/// Keys of a file that a later release brings.
pub(crate) const FILE_LATER: &[&str] = &["policies", "pipelines", "jobs", "events", "actions"];

/// Keys of an entry of `extend`.
pub(crate) const EXTEND: &[Word] = &[
    ("fields", "Further fields."),
    ("many", "Further to-many relations."),
    ("unique", "Further unique constraints."),
    ("indexes", "Further indexes."),
    ("search", "Further fields that `search=` looks in."),
];

/// Keys of a resource.
pub(crate) const RESOURCE: &[Word] = &[
    ("title", "A title for people, singular."),
    ("description", "A description for people."),
    (
        "tenancy",
        "Whose records they are: each tenant's own, or one set for the whole deployment.",
    ),
    (
        "shared",
        "Whether tenant resources may refer to this platform resource.",
    ),
    (
        "storage",
        "Where the records are kept: in a table, or nowhere, so that logic alone says what there is.",
    ),
    ("id", "How ids look and whether clients may choose them."),
    ("was", "The name before a rename, so that no data is lost."),
    (
        "concurrency",
        "Whether a write must state the version it is based on (`If-Match`).",
    ),
    (
        "delete",
        "Whether a deletion removes a record or marks it, so that it can be restored.",
    ),
    ("operations", "What the API offers; everything by default."),
    ("fields", "The fields by their camelCase names."),
    ("many", "To-many relations by their include names."),
    (
        "unique",
        "Unique constraints: lists of field names, within the tenant.",
    ),
    (
        "indexes",
        "B-tree indexes: lists of field names; `-` before a name runs from large to small.",
    ),
    (
        "search",
        "The fields that `search=` looks in: texts, emails and addresses; in the long form how.",
    ),
    ("journal", "What the journal keeps of a change."),
    (
        "actions",
        "Operations of the application's own by their camelCase names; logic says what they do.",
    ),
    (
        "lock",
        "A reference: logic that writes here first locks the record it names, so that writes of one parent wait for one another.",
    ),
    (
        "versions",
        "How older versions of the API differ in what they show of it.",
    ),
];

/// Keys of an action.
pub(crate) const ACTION: &[Word] = &[
    ("title", "A title for people."),
    ("description", "A description for people."),
    (
        "on",
        "What it is for: one record (`/products/{id}/feature`) or all (`/products/feature`).",
    ),
    ("method", "The method of its address."),
    ("input", "The fields of its body."),
    (
        "output",
        "What it answers: nothing, a record or records of its resource, or an object of these fields.",
    ),
];

/// Names that no action may have: addresses and operations of every resource use them.
pub(crate) const RESERVED_ACTIONS: &[&str] = &[
    "list",
    "create",
    "read",
    "update",
    "patch",
    "delete",
    "batch",
    "query",
    "journal",
    "transactions",
    "events",
    "restore",
    "link",
    "unlink",
    "patchMatching",
    "deleteMatching",
];

/// Keys of a field that mean nothing in an action: nothing is stored there.
pub(crate) const STORED_FIELD: &[&str] = &["unique", "was", "onDelete", "caseless"];

/// Keys of `search`.
pub(crate) const SEARCH: &[Word] = &[
    ("fields", "The fields it looks in."),
    (
        "fuzzy",
        "Whether `search[fuzzy]=` finds words by likeness; it makes writes dearer.",
    ),
    (
        "language",
        "The language of the texts, by which forms of a word find each other; none by default.",
    ),
    (
        "accents",
        "Whether accents are removed, so that they do not matter, or kept.",
    ),
    (
        "weights",
        "How much a match in a field counts for the order, from 1 to 100; 1 by default.",
    ),
];

/// Keys of `search` that an extension may have.
pub(crate) const EXTEND_SEARCH: &[&str] = &["fields", "weights"];

/// Keys of a resource that a later release brings.
pub(crate) const RESOURCE_LATER: &[&str] = &["checks", "policies", "history", "messages", "rules"];

/// Keys of a field of any type.
pub(crate) const FIELD: &[Word] = &[
    ("type", "The type."),
    ("title", "A title for people."),
    ("description", "A description for people."),
    ("optional", "Whether it may be null and may be left out."),
    ("default", "What an absent field becomes."),
    (
        "unique",
        "Whether no two records (of a tenant) may have the same value.",
    ),
    ("was", "The name before a rename, so that no data is lost."),
    ("example", "An example in the API's shape."),
];

/// Keys of a field that a later release brings.
pub(crate) const FIELD_LATER: &[&str] = &[
    "read",
    "write",
    "directory",
    "computed",
    "personal",
    "classified",
    "search",
    "check",
    "secret",
];

/// A type with its options.
pub(crate) struct TypeWord {
    pub(crate) word: &'static str,
    pub(crate) description: &'static str,
    pub(crate) options: &'static [Word],
    /// Whether a list may hold it.
    pub(crate) in_list: bool,
}

/// The types of application fields.
pub(crate) const TYPES: &[TypeWord] = &[
    TypeWord {
        word: "text",
        description: "Text; lengths count code points.",
        options: &[
            ("min", "Fewest code points."),
            ("max", "Most code points."),
            (
                "pattern",
                "A regular expression that the whole value must match.",
            ),
            (
                "caseless",
                "Whether it compares and sorts without regard to case.",
            ),
        ],
        in_list: true,
    },
    TypeWord {
        word: "integer",
        description: "A whole number within ±(2^53 − 1).",
        options: &[("min", "Smallest value."), ("max", "Largest value.")],
        in_list: true,
    },
    TypeWord {
        word: "decimal",
        description: "An exact decimal, a JSON string in the API.",
        options: &[
            ("precision", "Most digits, up to 18."),
            ("scale", "Digits after the point."),
            ("min", "Smallest value."),
            ("max", "Largest value."),
        ],
        in_list: true,
    },
    TypeWord {
        word: "float",
        description: "A double; prefer `decimal` for amounts.",
        options: &[("min", "Smallest value."), ("max", "Largest value.")],
        in_list: true,
    },
    plain("boolean", "True or false."),
    plain("date", "A day: `2026-11-21`."),
    plain("dateTime", "A moment: `2026-11-21T05:32:00Z`."),
    plain("time", "A time of day: `05:32:00`."),
    plain("duration", "A length of time: `P1DT2H`."),
    TypeWord {
        word: "enum",
        description: "One of a closed set of words.",
        options: &[("values", "The words.")],
        in_list: true,
    },
    TypeWord {
        word: "json",
        description: "Any JSON.",
        options: &[("schema", "A JSON schema (2020-12) that values must meet.")],
        in_list: true,
    },
    TypeWord {
        word: "ref",
        description: "A reference: the API field `<name>Id`, the include `<name>`.",
        options: &[
            ("to", "The resource it refers to."),
            (
                "onDelete",
                "What the deletion of the record it refers to does here.",
            ),
        ],
        in_list: false,
    },
    TypeWord {
        word: "email",
        description: "An e-mail address; caseless.",
        options: &[("max", "Most code points; 254 by default.")],
        in_list: true,
    },
    TypeWord {
        word: "url",
        description: "An absolute URL.",
        options: &[("max", "Most code points; 2048 by default.")],
        in_list: true,
    },
    plain("uuid", "A UUID."),
    plain("ulid", "A ULID."),
    TypeWord {
        word: "i18n",
        description: "An object of language tag to text.",
        options: &[
            ("min", "Fewest code points of each text."),
            ("max", "Most code points of each text."),
        ],
        in_list: true,
    },
    TypeWord {
        word: "list",
        description: "A list of values of one type.",
        options: &[
            ("of", "The type of the members."),
            ("min", "Fewest members."),
            ("max", "Most members."),
            ("distinct", "Whether no two members may be equal."),
        ],
        in_list: false,
    },
];

const fn plain(word: &'static str, description: &'static str) -> TypeWord {
    TypeWord {
        word,
        description,
        options: &[],
        in_list: true,
    }
}

/// Types that a later release brings.
pub(crate) const TYPES_LATER: &[&str] = &["file", "money", "geo", "vector", "embedded"];

/// Words that other systems use for a type, with ours.
pub(crate) const TYPE_SYNONYMS: &[(&str, &str)] = &[
    ("string", "text"),
    ("varchar", "text"),
    ("str", "text"),
    ("int", "integer"),
    ("bigint", "integer"),
    ("long", "integer"),
    ("number", "decimal"),
    ("numeric", "decimal"),
    ("double", "float"),
    ("real", "float"),
    ("bool", "boolean"),
    ("timestamp", "dateTime"),
    ("datetime", "dateTime"),
    ("timestamptz", "dateTime"),
    ("interval", "duration"),
    ("jsonb", "json"),
    ("object", "json"),
    ("reference", "ref"),
    ("relation", "ref"),
    ("belongsTo", "ref"),
    ("array", "list"),
    ("uri", "url"),
    ("mail", "email"),
    ("guid", "uuid"),
];

/// Keys of a to-many relation.
pub(crate) const MANY: &[Word] = &[
    ("of", "The resource whose records it leads to."),
    (
        "by",
        "The reference field to this resource: of `of`, or of `through`.",
    ),
    (
        "through",
        "The link resource of a many-to-many relation: its records refer to both sides.",
    ),
    (
        "to",
        "The reference of the link resource to `of`, where it has several.",
    ),
];

/// Keys of a to-many relation that a later release brings.
pub(crate) const MANY_LATER: &[&str] = &["where", "sort"];

/// Keys of an index in its long form.
pub(crate) const INDEX: &[Word] = &[
    (
        "on",
        "The fields in order; `-` before a name runs from large to small.",
    ),
    ("using", "The kind of index."),
];

/// Kinds of index that a later release brings.
pub(crate) const INDEX_LATER: &[&str] = &["trigram", "fulltext", "hash", "gin", "gist", "brin"];

/// Keys of `id` in its long form.
pub(crate) const ID: &[Word] = &[
    ("type", "The text form."),
    ("client", "Whether clients may send an id."),
];

/// Sets that a later release ships.
pub(crate) const SETS_LATER: &[&str] = &[
    "identity",
    "files",
    "audit",
    "tenancy",
    "gateway",
    "control",
    "billing",
    "analytics",
    "jobs",
    "events",
    "pipelines",
    "notify",
];

/// Names that no resource may have: they stand in addresses.
pub(crate) const RESERVED_RESOURCES: &[&str] =
    &["batch", "query", "journal", "transactions", "events"];

/// Names that no field may have: every record has them.
pub(crate) const RESERVED_FIELDS: &[&str] = &[
    "id",
    "version",
    "createdAt",
    "updatedAt",
    "createdBy",
    "updatedBy",
    "tenant",
];

/// Names that neither a field nor a relation may have: filters join conditions with them.
pub(crate) const FILTER_WORDS: &[&str] = &["and", "or", "not"];

/// Columns that no field may have: a database gives them a meaning of its own.
pub(crate) const RESERVED_COLUMNS: &[&str] = &[
    "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid", "rowid",
];

/// The words alone.
pub(crate) fn names(words: &'static [Word]) -> impl Iterator<Item = &'static str> + Clone {
    words.iter().map(|(word, _)| *word)
}
