//! The role under which requests run on PostgreSQL: making it, or saying what an administrator
//! must run.

use super::Schema;
use super::database::Login;
use super::names::quote;
use crate::{Dialect, Error, Wall};

impl Schema {
    /// What an administrator runs for a login that may not create roles or schemas; a note on
    /// SQLite, which knows no roles.
    pub async fn roles_sql(&self) -> Result<String, Error> {
        if self.store.dialect() == Dialect::Sqlite {
            return Ok("-- SQLite has no roles; there is nothing to run.\n".to_owned());
        }
        let login = self.store.login().await?;
        let home = self.store.home().namespace;
        let mut text = format!(
            "-- Run this as an administrator of the database {}.\n",
            login.database.replace('\n', " ")
        );
        for statement in role_statements(&login) {
            text.push_str(&statement);
            text.push_str(";\n");
        }
        text.push_str("-- Only where the login may not create schemas itself:\n");
        for schema in [
            self.store.home_schema(),
            home.as_str(),
            home.find().as_str(),
        ] {
            text.push_str(&format!(
                "create schema if not exists {} authorization {};\n",
                quote(schema),
                quote(&login.user)
            ));
        }
        Ok(text)
    }
}

/// The statements that are to come first in a script, so that the role is there.
///
/// Errors: `RoleMissing` when the login may not make it.
pub(super) fn ensure(wall: Wall, login: &Login) -> Result<Vec<String>, Error> {
    if wall == Wall::None || (login.role_exists && login.is_member) {
        return Ok(Vec::new());
    }
    if !login.may_create_roles {
        let reason = if login.role_exists {
            "may not be taken by this login"
        } else {
            "does not exist, and this login may not make it"
        };
        let statements = role_statements(login).join("; ");
        return Err(Error::RoleMissing(format!(
            "the role `{}` {reason}; let an administrator run what `carnet db roles --print` \
             shows: {statements}",
            login.role
        )));
    }
    let mut statements = role_statements(login);
    if login.role_exists {
        statements.remove(0);
    }
    Ok(statements)
}

fn role_statements(login: &Login) -> Vec<String> {
    let role = quote(&login.role);
    vec![
        format!(
            "create role {role} nologin nosuperuser nocreatedb nocreaterole noreplication \
             nobypassrls"
        ),
        format!("grant {role} to {}", quote(&login.user)),
    ]
}
