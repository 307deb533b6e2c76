//! What stands between tenants on PostgreSQL beside the bound tenant: policies, grants, find views,
//! and the read-only views through which a placement sees shared platform tables.

use super::layout::{Layout, Table};
use super::names::{literal, quote};
use crate::{Namespace, Wall};
use std::collections::BTreeMap;

/// The condition on the rows of a tenant, as written and as PostgreSQL shows it.
const OF_TENANT: &str = "\"tenant\" = current_setting('carnet.tenant')::bigint";
const OF_TENANT_SHOWN: &str = "(tenant = (current_setting('carnet.tenant'::text))::bigint)";

/// The condition on writes to platform tables.
const OF_PLATFORM: &str = "current_setting('carnet.tenant')::bigint = 0";
const OF_PLATFORM_SHOWN: &str = "((current_setting('carnet.tenant'::text))::bigint = 0)";

/// Every policy of ours by name.
const POLICIES: [&str; 6] = [
    "carnet_owner",
    "carnet_tenant",
    "carnet_read",
    "carnet_insert",
    "carnet_update",
    "carnet_delete",
];

/// What a placement's walls are found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WallFacts {
    /// Table to its security, grants and policies in words.
    pub(crate) tables: BTreeMap<String, String>,
    /// (Schema, view) to what it is.
    pub(crate) views: BTreeMap<(String, String), ViewFacts>,
}

/// A view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ViewFacts {
    /// Our own text of it, kept as its comment.
    pub(crate) definition: String,
    /// Whether it asks for the tenant.
    pub(crate) walled: bool,
    /// What the application may do with it.
    pub(crate) grants: String,
}

/// For whom and how walls are built.
#[derive(Clone, Debug)]
pub(crate) struct Builder<'a> {
    pub(crate) wall: Wall,
    /// The application role.
    pub(crate) role: &'a str,
    /// The placement's namespace.
    pub(crate) namespace: &'a Namespace,
    /// Home's, where platform tables are.
    pub(crate) shared: &'a Namespace,
}

/// How one table is walled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Nothing at all.
    Open,
    /// Rows of the tenant.
    Rows,
    /// Rows of the tenant, read and added only.
    Journal,
    /// Read by all, written by the platform.
    Platform,
    /// Only through its view.
    View,
}

/// The journal of a placement, walled as tables are.
pub(crate) const JOURNAL: &str = "carnet_journal_records";

/// The receipts of a placement. Behind every wall writes know the table itself: what is compared
/// there loses no index by a policy.
pub(crate) const RECEIPTS: &str = "carnet_idempotency";

/// What of the journal its view shows.
const JOURNAL_COLUMNS: &str = "sequence, tenant, resource, record, version, kind, principal_kind, \
    principal_id, correlation, causation, at, schema_version, body";

impl Builder<'_> {
    fn access(&self, table: &Table) -> Access {
        match self.wall {
            Wall::None => Access::Open,
            _ if !table.tenant => Access::Platform,
            Wall::Rls => Access::Rows,
            Wall::View => Access::View,
        }
    }

    fn journal_access(&self) -> Access {
        match self.wall {
            Wall::None => Access::Open,
            Wall::Rls | Wall::View => Access::Journal,
        }
    }

    fn receipts_access(&self) -> Access {
        match self.wall {
            Wall::None => Access::Open,
            Wall::Rls | Wall::View => Access::Rows,
        }
    }

    /// The walls that the tables of `layout` should have.
    pub(crate) fn expected(&self, layout: &Layout) -> WallFacts {
        let mut facts = WallFacts::default();
        let mut put = |name: &str, access: Access| {
            facts.tables.insert(name.to_owned(), shown(access));
        };
        put(JOURNAL, self.journal_access());
        put(RECEIPTS, self.receipts_access());
        let own = layout.tables.iter().filter(|table| self.holds(table));
        for table in own.clone() {
            put(&table.name, self.access(table));
        }
        let views = layout.tables.iter().filter_map(|table| self.view_of(table));
        facts
            .views
            .extend(self.journal_view().into_iter().chain(views));
        facts
    }

    /// Behind the view wall writes know views only.
    fn journal_view(&self) -> Option<((String, String), ViewFacts)> {
        let from = quote(self.namespace.as_str());
        let facts = ViewFacts {
            definition: format!(
                "select {JOURNAL_COLUMNS} from {from}.{JOURNAL} where {OF_TENANT} \
                 with local check option"
            ),
            walled: true,
            grants: grants(Access::Journal).to_owned(),
        };
        (self.wall == Wall::View).then(|| ((self.namespace.find(), JOURNAL.to_owned()), facts))
    }

    /// Whether this placement has the table itself.
    fn holds(&self, table: &Table) -> bool {
        table.tenant || self.namespace == self.shared
    }

    /// The view that goes with a table, if there is one.
    fn view_of(&self, table: &Table) -> Option<((String, String), ViewFacts)> {
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| quote(&column.name))
            .collect();
        let columns = columns.join(", ");
        let name = quote(&table.name);
        let select =
            |from: &Namespace| format!("select {columns} from {}.{name}", quote(from.as_str()));
        let condition = match (self.wall, table.tenant) {
            (Wall::None, _) => None,
            (_, true) => Some(OF_TENANT),
            (Wall::View, false) if self.holds(table) => Some(OF_PLATFORM),
            _ => None,
        };
        let (schema, definition, grants) = if let Some(condition) = condition {
            let text = format!("{} where {condition}", select(self.namespace));
            if self.wall == Wall::View {
                let text = format!("{text} with local check option");
                (self.namespace.find(), text, grants(Access::Rows))
            } else {
                (self.namespace.find(), text, "select")
            }
        } else if table.shared && !self.holds(table) {
            let grants = if self.wall == Wall::None {
                ""
            } else {
                "select"
            };
            let schema = self.namespace.as_str().to_owned();
            (schema, select(self.shared), grants)
        } else {
            return None;
        };
        let facts = ViewFacts {
            definition,
            walled: condition.is_some(),
            grants: grants.to_owned(),
        };
        Some(((schema, table.name.clone()), facts))
    }

    /// Whether a view is one that we made. In home's records schema we make none.
    fn is_ours(&self, schema: &str, facts: &ViewFacts) -> bool {
        let place = schema == self.namespace.find()
            || (schema == self.namespace.as_str() && self.namespace != self.shared);
        place && !facts.definition.is_empty()
    }

    /// Statements that take away every view that stands in the way of changes to tables.
    pub(crate) fn drop_views(&self, found: &WallFacts) -> Vec<String> {
        let views: Vec<String> = found
            .views
            .iter()
            .filter(|((schema, _), facts)| self.is_ours(schema, facts))
            .map(|((schema, name), _)| format!("{}.{}", quote(schema), quote(name)))
            .collect();
        if views.is_empty() {
            return Vec::new();
        }
        vec![format!("drop view {}", views.join(", "))]
    }

    /// Statements that wall the journal and the receipts off, as long as no table is there.
    pub(crate) fn build_own(&self, found: &WallFacts) -> Vec<String> {
        let own = [
            (JOURNAL, self.journal_access()),
            (RECEIPTS, self.receipts_access()),
        ];
        let mut statements = Vec::new();
        for (name, access) in own {
            let present = found.tables.get(name).map(String::as_str);
            if present != Some(shown(access).as_str()) {
                statements.extend(self.secure(name, access, present));
            }
        }
        batched(&statements)
    }

    /// Statements that build what `found` lacks. With `rebuilt` the views are gone already.
    pub(crate) fn build(&self, layout: &Layout, found: &WallFacts, rebuilt: bool) -> Vec<String> {
        let expected = self.expected(layout);
        let mut statements = Vec::new();
        for (name, want) in &expected.tables {
            let present = found.tables.get(name);
            if present != Some(want) {
                let access = match layout.table(name) {
                    Some(table) => self.access(table),
                    None if name == RECEIPTS => self.receipts_access(),
                    None => self.journal_access(),
                };
                statements.extend(self.secure(name, access, present.map(String::as_str)));
            }
        }
        if !rebuilt {
            for (key, facts) in &found.views {
                let stale = expected.views.get(key) != Some(facts);
                let (schema, name) = key;
                if stale && self.is_ours(schema, facts) {
                    statements.push(format!("drop view {}.{}", quote(schema), quote(name)));
                }
            }
        }
        for (key, want) in &expected.views {
            if rebuilt || found.views.get(key) != Some(want) {
                statements.extend(self.view(key, want));
            }
        }
        batched(&statements)
    }

    /// The same when nothing is known of the tables' walls and the views are gone.
    pub(crate) fn rebuild(&self, layout: &Layout) -> Vec<String> {
        let tables = self.expected(layout).tables.into_keys();
        let unknown = WallFacts {
            tables: tables.map(|name| (name, UNKNOWN.to_owned())).collect(),
            ..WallFacts::default()
        };
        self.build(layout, &unknown, true)
    }

    fn view(&self, (schema, name): &(String, String), facts: &ViewFacts) -> Vec<String> {
        let view = format!("{}.{}", quote(schema), quote(name));
        let mut statements = vec![
            format!("create view {view} as {}", facts.definition),
            format!("comment on view {view} is {}", literal(&facts.definition)),
        ];
        if !facts.grants.is_empty() {
            statements.push(format!(
                "grant {} on {view} to {}",
                facts.grants,
                quote(self.role)
            ));
        }
        statements
    }

    /// `present` is what was found, if the table was there.
    fn secure(&self, name: &str, access: Access, present: Option<&str>) -> Vec<String> {
        let table = format!("{}.{}", quote(self.namespace.as_str()), quote(name));
        let role = quote(self.role);
        let mut statements = Vec::new();
        if present.is_some() {
            let drop = |policy| format!("drop policy if exists {policy} on {table}");
            statements.extend(POLICIES.iter().map(drop));
        }
        let secured = matches!(access, Access::Rows | Access::Journal | Access::Platform);
        let mut policy = |name: &str, rest: String| {
            statements.push(format!("create policy {name} on {table} {rest}"));
        };
        if secured {
            policy(
                "carnet_owner",
                "to current_user using (true) with check (true)".to_owned(),
            );
        }
        match access {
            Access::Rows | Access::Journal => policy(
                "carnet_tenant",
                format!("to {role} using ({OF_TENANT}) with check ({OF_TENANT})"),
            ),
            Access::Platform => {
                policy("carnet_read", format!("for select to {role} using (true)"));
                policy(
                    "carnet_insert",
                    format!("for insert to {role} with check ({OF_PLATFORM})"),
                );
                policy(
                    "carnet_update",
                    format!(
                        "for update to {role} using ({OF_PLATFORM}) with check ({OF_PLATFORM})"
                    ),
                );
                policy(
                    "carnet_delete",
                    format!("for delete to {role} using ({OF_PLATFORM})"),
                );
            }
            Access::Open | Access::View => {}
        }
        if secured {
            statements.push(format!(
                "alter table {table} enable row level security, force row level security"
            ));
        } else if present.is_some() {
            statements.push(format!(
                "alter table {table} disable row level security, no force row level security"
            ));
        }
        if present.is_some_and(|found| access != Access::Open || is_granted(found)) {
            statements.push(format!("revoke all on {table} from {role}"));
        }
        let grants = grants(access);
        if !grants.is_empty() {
            statements.push(format!("grant {grants} on {table} to {role}"));
        }
        statements
    }
}

fn grants(access: Access) -> &'static str {
    match access {
        Access::Rows | Access::Platform => "delete,insert,select,update",
        Access::Journal => "insert,select",
        Access::Open | Access::View => "",
    }
}

/// What is found of a table of which nothing is known.
pub(crate) const UNKNOWN: &str = "unknown";

/// Whether what was found says that the application has rights.
fn is_granted(found: &str) -> bool {
    let (_, grants) = found.split_once("; grants ").unwrap_or_default();
    !grants.split("; ").next().unwrap_or_default().is_empty()
}

/// A table's walls in the words of `introspect`.
fn shown(access: Access) -> String {
    let (secured, policies) = match access {
        Access::Open | Access::View => ("open", Vec::new()),
        Access::Rows | Access::Journal => (
            "forced",
            vec![format!(
                "carnet_tenant * application {OF_TENANT_SHOWN} {OF_TENANT_SHOWN}"
            )],
        ),
        Access::Platform => (
            "forced",
            vec![
                "carnet_read r application true -".to_owned(),
                format!("carnet_insert a application - {OF_PLATFORM_SHOWN}"),
                format!("carnet_update w application {OF_PLATFORM_SHOWN} {OF_PLATFORM_SHOWN}"),
                format!("carnet_delete d application {OF_PLATFORM_SHOWN} -"),
            ],
        ),
    };
    let mut policies = policies;
    if secured == "forced" {
        policies.push("carnet_owner * owner true true".to_owned());
    }
    policies.sort();
    let mut text = format!("{secured}; grants {}", grants(access));
    for policy in policies {
        text.push_str("; ");
        text.push_str(&policy);
    }
    text
}

/// How many statements go to the server at once.
const BATCH: usize = 200;

/// Many small statements in few messages.
fn batched(statements: &[String]) -> Vec<String> {
    statements
        .chunks(BATCH)
        .map(|chunk| {
            format!(
                "do $carnet_walls$ begin\n{};\nend $carnet_walls$",
                chunk.join(";\n")
            )
        })
        .collect()
}

/// Where the walls differ, in words.
pub(crate) fn differences(expected: &WallFacts, found: &WallFacts) -> Vec<String> {
    let mut out = Vec::new();
    for (name, want) in &expected.tables {
        match found.tables.get(name) {
            Some(present) if present != want => {
                out.push(format!("the wall of `{name}` is `{present}`, not `{want}`"))
            }
            _ => {}
        }
    }
    for ((schema, name), want) in &expected.views {
        match found.views.get(&(schema.clone(), name.clone())) {
            None => out.push(format!("view `{schema}.{name}` is missing")),
            Some(present) if present != want => {
                out.push(format!("view `{schema}.{name}` was changed"));
            }
            Some(_) => {}
        }
    }
    out
}
