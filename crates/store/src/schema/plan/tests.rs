//! Plans of pairs of definitions, on both databases, without a database.

use super::{Action, Severity, Step, plan, reversed};
use crate::Dialect;
use crate::schema::desired::desired;
use crate::schema::facts::expected;
use crate::schema::layout::Layout;
use carnet_model::{Source, compile};

fn layout(yaml: &str) -> Layout {
    let source = Source::application("test.yaml", format!("carnet: 1\nresources:\n{yaml}"));
    desired(&compile(&[source]).unwrap().model)
}

fn steps(dialect: Dialect, old: &Layout, new: &Layout) -> Vec<Step> {
    plan(dialect, &expected(dialect, old), Some(old), new)
}

fn statements(steps: &[Step]) -> Vec<String> {
    let actions = steps.iter().flat_map(|step| &step.actions);
    actions
        .map(|action| match action {
            Action::Sql(sql) => sql.clone(),
            Action::Fold(fold) => format!("fold {}.{}", fold.table, fold.companion),
        })
        .collect()
}

const OLD: &str = "  things: { fields: { name: { type: text, max: 9 }, kind: { type: enum, values: [a] } } }\n  \
    gone: { fields: { of: { type: ref, to: things } } }\n";
const NEW: &str = "  items:\n    was: things\n    fields:\n      title: { type: text, max: 9, was: name, unique: true }\n      \
    kind: { type: enum, values: [a, b] }\n      above: { type: ref, to: items, optional: true }\n";

#[test]
fn nothing_is_done_where_nothing_differs() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        for yaml in [OLD, NEW] {
            let layout = layout(yaml);
            assert_eq!(steps(dialect, &layout, &layout), Vec::new());
        }
    }
}

#[test]
fn postgres_changes_one_thing_after_another() {
    let found = statements(&steps(Dialect::Postgres, &layout(OLD), &layout(NEW)));
    assert_eq!(
        found,
        [
            "alter table \"things\" rename to \"items\"",
            "alter table \"items\" rename column \"name\" to \"title\"",
            "alter table \"items\" drop constraint \"things__kind__check\"",
            "alter index \"things__id\" rename to \"items__id\"",
            "alter table \"items\" add column \"above_id\" uuid",
            "alter table \"items\" add constraint \"items__kind__check\" check (\"kind\" in ('a', 'b'))",
            "comment on constraint \"items__kind__check\" on \"items\" is 'value in (''a'', ''b'')'",
            "create index \"items__above_id__index\" on \"items\" (\"tenant\", \"above_id\" nulls first, \"id\")",
            "create unique index \"items__title\" on \"items\" (\"tenant\", \"title\")",
            "alter table \"items\" add constraint \"items__above_id\" foreign key (\"tenant\", \"above_id\") references \"items\" (\"tenant\", \"id\")",
            "drop table \"gone\"",
        ]
    );
}

#[test]
fn sqlite_rebuilds_once() {
    let found = statements(&steps(Dialect::Sqlite, &layout(OLD), &layout(NEW)));
    let begins: Vec<&str> = found
        .iter()
        .map(|sql| sql.split(" (").next().unwrap_or(sql))
        .collect();
    assert_eq!(
        begins,
        [
            "alter table \"things\" rename to \"items\"",
            "create table \"carnet_new_items\"",
            "insert into \"carnet_new_items\"",
            "drop table \"items\"",
            "alter table \"carnet_new_items\" rename to \"items\"",
            "create unique index \"items__id\" on \"items\"",
            "create unique index \"items__title\" on \"items\"",
            "create index \"items__above_id__index\" on \"items\"",
            "drop table \"gone\"",
        ]
    );
}

#[test]
fn the_way_back_leads_back() {
    let (old, new) = (layout(OLD), layout(NEW));
    let back = reversed(&old, &new);
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let steps = steps(dialect, &new, &back);
        assert_eq!(steps[0].title, "rename table items to things");
        let losses: Vec<&str> = steps
            .iter()
            .flat_map(|step| &step.hazards)
            .filter(|hazard| hazard.severity == Severity::Loss)
            .map(|hazard| hazard.message.as_str())
            .collect();
        assert_eq!(losses, ["the values of `things.above` are dropped"]);
        assert_eq!(expected(dialect, &back), expected(dialect, &old));
    }
}

/// A hint may stay in the definition after it was followed.
#[test]
fn stale_hints_are_passed_over() {
    let renamed = layout(NEW);
    let without = layout(
        &NEW.replace("    was: things\n", "")
            .replace(", was: name", ""),
    );
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        assert_eq!(steps(dialect, &without, &renamed), Vec::new());
        assert_eq!(steps(dialect, &renamed, &without), Vec::new());
    }
}
