//! Text and bound values of a statement in the making. Placeholders are numbered in the order in
//! which they first appear, so that binding by number and by first appearance are the same.

use super::Frame;
use crate::shape::Call;
use crate::{Deleted, Param, Statement, Wall};
use carnet_model::{Resource, Storage};

/// A relation's name within a statement: `t0`, `t1`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alias(u16);

/// A placeholder that was written already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placeholder(usize);

/// A point of a statement in the making.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    sql: usize,
    params: usize,
}

pub(super) struct Writer<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) sql: String,
    params: Vec<Param>,
    tenant: Option<Placeholder>,
    aliases: u16,
    views: bool,
    calls: Vec<Call>,
    /// Whether more of it than the parameter of the tenant is the tenant's.
    of_one_tenant: bool,
}

impl<'a> Writer<'a> {
    /// An empty statement. `leaky`: it will hold a predicate that row-level security keeps from
    /// every index; then all its relations are find views, because one walled table among them
    /// loses the index again.
    pub(super) fn new(frame: Frame<'a>, leaky: bool) -> Self {
        Self {
            frame,
            sql: String::with_capacity(512),
            params: Vec::with_capacity(8),
            tenant: None,
            aliases: 0,
            calls: Vec::new(),
            views: reads_views(frame, leaky),
            of_one_tenant: false,
        }
    }

    /// Says whether the level that follows is leaky, whatever the levels round it are; answers what
    /// to turn back to. Only for a level whose rows reach others as a list.
    pub(super) fn turn(&mut self, leaky: bool) -> bool {
        std::mem::replace(&mut self.views, reads_views(self.frame, leaky))
    }

    pub(super) fn turn_back(&mut self, views: bool) {
        self.views = views;
    }

    /// Begins a call of one of our functions with its number; [`Writer::set_call`] says later what
    /// it writes.
    pub(super) fn begin_call(&mut self, function: &str) -> usize {
        let number = self.calls.len();
        self.calls.push(Call::Joined(0));
        self.text(function);
        self.text("(");
        self.number(number as i64);
        number
    }

    /// Ends a call.
    pub(super) fn set_call(&mut self, number: usize, call: Call) {
        self.calls[number] = call;
        self.text(")");
    }

    /// What the calls so far write, by their numbers.
    pub(super) fn take_calls(&mut self) -> Vec<Call> {
        std::mem::take(&mut self.calls)
    }

    pub(super) fn finish(self) -> Statement {
        Statement {
            sql: self.sql.into(),
            params: self.params,
            tenant: self.tenant.map(|tenant| tenant.0 - 1),
        }
    }

    /// The number of the tenant, for a value that holds more than it.
    pub(super) fn tenant_number(&mut self) -> i64 {
        self.of_one_tenant = true;
        self.frame.tenant.0
    }

    /// Whether the statement serves every tenant, once its parameter is set.
    pub(super) fn serves_all(&self) -> bool {
        !self.of_one_tenant
    }

    /// A point to come back to.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            sql: self.sql.len(),
            params: self.params.len(),
        }
    }

    /// Forgets what was written and bound since.
    pub(super) fn back_to(&mut self, mark: Mark) {
        self.sql.truncate(mark.sql);
        self.params.truncate(mark.params);
        if self.tenant.is_some_and(|tenant| tenant.0 > mark.params) {
            self.tenant = None;
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.sql.push_str(text);
    }

    pub(super) fn number(&mut self, number: i64) {
        crate::shape::write_integer(number, &mut self.sql);
    }

    /// Binds a value where the text stands now.
    pub(super) fn bind(&mut self, param: Param) -> Placeholder {
        self.params.push(param);
        let placeholder = Placeholder(self.params.len());
        self.again(placeholder);
        placeholder
    }

    /// Writes a placeholder that is bound already.
    pub(super) fn again(&mut self, placeholder: Placeholder) {
        self.sql.push('$');
        self.number(placeholder.0 as i64);
    }

    /// Binds a number of rows after `LIMIT`.
    pub(super) fn bind_limit(&mut self, rows: i64) -> Placeholder {
        let (before, after) = self.frame.dialect.bound_limit();
        self.text(before);
        let placeholder = self.bind(Param::Integer(rows));
        self.text(after);
        placeholder
    }

    /// Writes a number of rows that is bound already.
    pub(super) fn limit_again(&mut self, placeholder: Placeholder) {
        let (before, after) = self.frame.dialect.bound_limit();
        self.text(before);
        self.again(placeholder);
        self.text(after);
    }

    /// A name that no other relation of the statement has.
    pub(super) fn alias(&mut self) -> Alias {
        self.aliases += 1;
        Alias(self.aliases - 1)
    }

    pub(super) fn name(&mut self, alias: Alias) {
        self.sql.push('t');
        self.number(i64::from(alias.0));
    }

    /// `t0."name"`
    pub(super) fn column(&mut self, alias: Alias, column: &str) {
        self.column_part(alias, column, "");
    }

    /// `t0."stem_suffix"`, for the two columns of a principal.
    pub(super) fn column_part(&mut self, alias: Alias, stem: &str, suffix: &str) {
        self.name(alias);
        self.sql.push('.');
        self.frame.dialect.quote(&[stem, suffix], &mut self.sql);
    }

    /// `"app"."products" t0`: the table, or its find view.
    pub(super) fn relation(&mut self, resource: &Resource, alias: Alias) {
        let frame = self.frame;
        if frame.dialect == crate::Dialect::Postgres {
            let namespace = &frame.placement.namespace;
            // Only walled tables of the schema sync's own making have a view.
            if self.views && resource.is_tenant() && resource.storage == Storage::Table {
                frame.dialect.quote(&[&namespace.find()], &mut self.sql);
            } else {
                frame.dialect.quote(&[namespace.as_str()], &mut self.sql);
            }
            self.sql.push('.');
        }
        frame.dialect.quote(&[&resource.table], &mut self.sql);
        self.sql.push(' ');
        self.name(alias);
    }

    /// `joint` and the test that rows of a level are shown, if deletions of `resource` are soft.
    /// Tells whether it wrote something. The one place where deleted records are hidden.
    pub(super) fn shown(
        &mut self,
        joint: &str,
        resource: &Resource,
        alias: Alias,
        deleted: Deleted,
    ) -> bool {
        let test = match deleted {
            Deleted::Hidden => " IS NULL",
            Deleted::With => return false,
            Deleted::Only => " IS NOT NULL",
        };
        let Some(fields) = resource.deleted() else {
            return false;
        };
        self.text(joint);
        self.column(alias, &resource.field(fields.at).column);
        self.text(test);
        true
    }

    /// `t0."tenant" = $1`, if rows of `resource` carry a tenant. Tells whether it wrote something.
    pub(super) fn tenant(&mut self, resource: &Resource, alias: Alias) -> bool {
        if !resource.is_tenant() {
            return false;
        }
        self.column(alias, "tenant");
        self.text(" = ");
        match self.tenant {
            Some(placeholder) => self.again(placeholder),
            None => self.tenant = Some(self.bind(Param::Integer(self.frame.tenant.0))),
        }
        true
    }
}

/// Whether a level reads find views.
fn reads_views(frame: Frame<'_>, leaky: bool) -> bool {
    let views = match frame.wall {
        Wall::Rls => leaky,
        Wall::View => true,
        Wall::None => false,
    };
    views && frame.dialect == crate::Dialect::Postgres
}
