//! The platform's own tables: hand-written, forward-only steps, each applied once per database or
//! placement. Not the tables of declared resources.

use super::names::quote;
use super::script;
use crate::Dialect;

/// One forward-only change of the platform's own tables. A crate that owns such tables exports a
/// list of these; each step must work with the previous release's code.
///
/// `{home}` before a table name stands for the platform schema, `{records}` for the placement's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaStep {
    /// Recorded when it was applied; never changed and never used twice: `store/0001-tenants`.
    pub name: &'static str,
    /// Where it is applied.
    pub at: StepAt,
    /// The statements for SQLite, each ended by a semicolon.
    pub sqlite: &'static str,
    /// The statements for PostgreSQL.
    pub postgres: &'static str,
}

/// Where a step is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepAt {
    /// Once, in the platform schema.
    Home,
    /// In every placement.
    Placement,
}

impl SchemaStep {
    /// Its statements, with the placeholders filled in. Schemas are `None` on SQLite.
    pub(crate) fn statements(&self, dialect: Dialect, home: &str, records: &str) -> Vec<String> {
        let text = match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        };
        let (home, records) = match dialect {
            Dialect::Sqlite => (String::new(), String::new()),
            Dialect::Postgres => (format!("{}.", quote(home)), format!("{}.", quote(records))),
        };
        script::statements(dialect, text)
            .into_iter()
            .map(|text| text.replace("{home}", &home).replace("{records}", &records))
            .collect()
    }
}

/// The tables in which steps are recorded; on PostgreSQL the schemas are there already. Safe to
/// run again.
pub(crate) fn foundation(dialect: Dialect, home: &str, records: &str) -> Vec<String> {
    let steps = SchemaStep {
        name: "",
        at: StepAt::Home,
        sqlite: "create table if not exists {home}carnet_steps (
                     name text primary key,
                     at integer not null
                 ) strict, without rowid;",
        postgres: "create table if not exists {home}carnet_steps (
                       name text collate \"C\" primary key,
                       at timestamptz not null
                   );
                   create table if not exists {records}carnet_steps (
                       name text collate \"C\" primary key,
                       at timestamptz not null
                   );",
    };
    steps.statements(dialect, home, records)
}

/// The statement that records a step, before its own statements: whoever comes second fails on
/// the primary key and changes nothing.
pub(crate) fn record_step(
    dialect: Dialect,
    step: &SchemaStep,
    home: &str,
    records: &str,
) -> String {
    let schema = match step.at {
        StepAt::Home => home,
        StepAt::Placement => records,
    };
    let name = super::names::literal(step.name);
    match dialect {
        Dialect::Sqlite => format!(
            "insert into carnet_steps (name, at) values ({name}, {})",
            now(dialect)
        ),
        Dialect::Postgres => format!(
            "insert into {}.carnet_steps (name, at) values ({name}, {})",
            quote(schema),
            now(dialect)
        ),
    }
}

/// The present moment as the database knows it, in its stored shape.
pub(crate) fn now(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "cast(unixepoch('subsec') * 1000000 as integer)",
        Dialect::Postgres => "clock_timestamp()",
    }
}

/// The steps of this crate, in order.
pub(crate) const STEPS: &[SchemaStep] = &[
    SchemaStep {
        name: "store/0001-tenants",
        at: StepAt::Home,
        sqlite: "create table carnet_tenants (
                     key integer primary key,
                     id blob not null unique check (length(id) = 16),
                     name text not null unique,
                     database text,
                     namespace text
                 ) strict;
                 insert into carnet_tenants (key, id, name) values
                     (0, x'00000000000070008000000000000000', 'platform'),
                     (1, x'00000000000070008000000000000001', 'default');",
        postgres: "create table {home}carnet_tenants (
                       key bigint primary key,
                       id uuid not null unique,
                       name text collate \"C\" not null unique,
                       database text collate \"C\",
                       namespace text collate \"C\"
                   );
                   insert into {home}carnet_tenants (key, id, name) values
                       (0, '00000000-0000-7000-8000-000000000000', 'platform'),
                       (1, '00000000-0000-7000-8000-000000000001', 'default');",
    },
    SchemaStep {
        name: "store/0002-schemas",
        at: StepAt::Home,
        sqlite: "create table carnet_schemas (
                     version integer primary key,
                     hash text not null,
                     definition text not null,
                     at integer not null
                 ) strict;
                 create index carnet_schemas__hash on carnet_schemas (hash, version);
                 create table carnet_migrations (
                     name text primary key,
                     checksum text not null,
                     at integer not null
                 ) strict, without rowid;",
        postgres: "create table {home}carnet_schemas (
                       version bigint primary key,
                       hash text collate \"C\" not null,
                       definition text collate \"C\" not null,
                       at timestamptz not null
                   );
                   create index carnet_schemas__hash on {home}carnet_schemas (hash, version);
                   create table {home}carnet_migrations (
                       name text collate \"C\" primary key,
                       checksum text collate \"C\" not null,
                       at timestamptz not null
                   );",
    },
    SchemaStep {
        name: "store/0003-raise",
        at: StepAt::Home,
        sqlite: "",
        // Class `CA` is ours. The message is a code of ours, so that no text of the database is read.
        postgres: "create function {home}carnet_raise(code text, detail text) returns bigint
                   language plpgsql volatile as $$
                   begin
                       raise exception using errcode = 'CA001', message = $1, detail = $2;
                   end
                   $$;",
    },
    SchemaStep {
        name: "store/0004-journal",
        at: StepAt::Placement,
        sqlite: "create table carnet_journal_records (
                     sequence integer primary key autoincrement,
                     tenant integer not null,
                     resource text not null,
                     record blob not null,
                     version integer not null,
                     kind text not null,
                     principal_kind text,
                     principal_id blob,
                     correlation blob not null,
                     causation blob,
                     at integer not null,
                     schema_version integer not null,
                     body text
                 ) strict;
                 create index carnet_journal_records__record
                     on carnet_journal_records (tenant, resource, record, sequence);
                 create index carnet_journal_records__tenant
                     on carnet_journal_records (tenant, sequence);",
        postgres: "create table {records}carnet_journal_records (
                       sequence bigint generated always as identity primary key,
                       tenant bigint not null,
                       xid xid8 default pg_current_xact_id(),
                       resource text collate \"C\" not null,
                       record uuid not null,
                       version bigint not null,
                       kind text collate \"C\" not null,
                       principal_kind text collate \"C\",
                       principal_id uuid,
                       correlation uuid not null,
                       causation uuid,
                       at timestamptz not null,
                       schema_version bigint not null,
                       body text collate \"C\"
                   );
                   create index carnet_journal_records__record
                       on {records}carnet_journal_records (tenant, resource, record, sequence);
                   create index carnet_journal_records__tenant
                       on {records}carnet_journal_records (tenant, sequence);
                   create index carnet_journal_records__xid
                       on {records}carnet_journal_records (xid, sequence);",
    },
    SchemaStep {
        name: "store/0005-search",
        at: StepAt::Placement,
        sqlite: "",
        // Columns of words hold letters, digits and spaces, so that no quoting is needed. The
        // tenant stands in each lexeme: before `_` a word, before `-` three characters of one.
        postgres: "create function {records}carnet_search(tenant bigint, texts text[])
                   returns tsvector language sql immutable parallel safe as $$
                       select coalesce(string_agg(lexeme, ' '), '')::tsvector from (
                           select '''' || $1 || '_' || word || ''':' || least(place, 16383)
                           from unnest(string_to_array(array_to_string($2, ' '), ' '))
                               with ordinality as words(word, place)
                           where word <> ''
                           union all
                           select '''' || $1 || '-' || substr('__' || word || '_', start, 3) || ''''
                           from (select distinct word
                                 from unnest($2) as texts(content),
                                      unnest(string_to_array(left(content, 2000), ' '))
                                          as words(word)
                                 where word <> '') as each_word,
                                generate_series(1, char_length(word) + 1) as start
                       ) as lexemes(lexeme)
                   $$;
                   create function {records}carnet_similarity(texts text[], trigrams text[])
                   returns bigint language sql immutable parallel safe as $$
                       select coalesce(max(shared * 1000 / (cardinality($2) + total - shared)), 0)
                       from (select char_length(word) + 1 as total,
                                    (select count(*) from unnest($2) as trigrams(trigram)
                                     where strpos('__' || word || '_', trigram) > 0) as shared
                             from (select distinct word
                                   from unnest($1) as texts(content),
                                        unnest(string_to_array(left(content, 2000), ' '))
                                            as words(word)
                                   where word <> '') as each_word) as each_likeness
                   $$;",
    },
    SchemaStep {
        name: "store/0006-secrets",
        at: StepAt::Home,
        sqlite: "create table carnet_secrets (
                     name text primary key,
                     value text not null
                 ) strict, without rowid;",
        postgres: "create table {home}carnet_secrets (
                       name text collate \"C\" primary key,
                       value text collate \"C\" not null
                   );",
    },
    SchemaStep {
        name: "store/0007-idempotency",
        at: StepAt::Placement,
        sqlite: "create table carnet_idempotency (
                     tenant integer not null,
                     key blob not null,
                     request blob not null,
                     answer text not null,
                     at integer not null,
                     unique (tenant, key)
                 ) strict;
                 create index carnet_idempotency__at on carnet_idempotency (at);",
        postgres: "create table {records}carnet_idempotency (
                       tenant bigint not null,
                       key uuid not null,
                       request uuid not null,
                       answer text collate \"C\" not null,
                       at timestamptz not null,
                       primary key (tenant, key)
                   );
                   create index carnet_idempotency__at on {records}carnet_idempotency (at);",
    },
    SchemaStep {
        name: "store/0008-rules",
        at: StepAt::Home,
        // By which rules derived columns were made; null is the first ones.
        sqlite: "alter table carnet_schemas add column rules text;",
        postgres: "alter table {home}carnet_schemas add column rules text collate \"C\";",
    },
    SchemaStep {
        name: "store/0009-words",
        at: StepAt::Placement,
        sqlite: "",
        // Words and, where asked for, three characters of one. What begins with `_` is the stem of
        // a word; it has no parts and is like nothing.
        postgres: "create function {records}carnet_words(tenant bigint, texts text[])
                   returns tsvector language sql immutable parallel safe as $$
                       select coalesce(string_agg(
                           '''' || $1 || '_' || word || ''':' || least(place, 16383), ' '
                       ), '')::tsvector
                       from unnest(string_to_array(array_to_string($2, ' '), ' '))
                           with ordinality as words(word, place)
                       where word <> ''
                   $$;
                   create function {records}carnet_words_and_parts(tenant bigint, texts text[])
                   returns tsvector language sql immutable parallel safe as $$
                       select coalesce(string_agg(lexeme, ' '), '')::tsvector from (
                           select '''' || $1 || '_' || word || ''':' || least(place, 16383)
                           from unnest(string_to_array(array_to_string($2, ' '), ' '))
                               with ordinality as words(word, place)
                           where word <> ''
                           union all
                           select '''' || $1 || '-' || substr('__' || word || '_', start, 3) || ''''
                           from (select distinct word
                                 from unnest($2) as texts(content),
                                      unnest(string_to_array(left(content, 2000), ' '))
                                          as words(word)
                                 where word <> '' and left(word, 1) <> '_') as each_word,
                                generate_series(1, char_length(word) + 1) as start
                       ) as lexemes(lexeme)
                   $$;
                   create or replace function {records}carnet_similarity(texts text[], trigrams text[])
                   returns bigint language sql immutable parallel safe as $$
                       select coalesce(max(shared * 1000 / (cardinality($2) + total - shared)), 0)
                       from (select char_length(word) + 1 as total,
                                    (select count(*) from unnest($2) as trigrams(trigram)
                                     where strpos('__' || word || '_', trigram) > 0) as shared
                             from (select distinct word
                                   from unnest($1) as texts(content),
                                        unnest(string_to_array(left(content, 2000), ' '))
                                            as words(word)
                                   where word <> '' and left(word, 1) <> '_') as each_word)
                           as each_likeness
                   $$;",
    },
];

/// Everything of this file in order, for tests that need the tables without the rest.
#[cfg(test)]
pub(crate) fn bootstrap(
    dialect: Dialect,
    home: &str,
    records: &str,
) -> Vec<(String, Vec<crate::Param>)> {
    let mut statements = Vec::new();
    if dialect == Dialect::Postgres {
        for schema in [home, records] {
            statements.push(format!("create schema if not exists {}", quote(schema)));
        }
    }
    statements.extend(foundation(dialect, home, records));
    for step in STEPS {
        statements.push(record_step(dialect, step, home, records));
        statements.extend(step.statements(dialect, home, records));
    }
    statements
        .into_iter()
        .map(|text| (text, Vec::new()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_names_are_unique() {
        let mut names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn the_steps_run_on_sqlite() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for (statement, _) in bootstrap(Dialect::Sqlite, "", "") {
            connection.execute_batch(&statement).unwrap();
        }
        let tenants: i64 = connection
            .query_row("select count(*) from carnet_tenants", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tenants, 2);
    }
}
