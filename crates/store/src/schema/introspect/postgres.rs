//! The catalogue of PostgreSQL.

use super::{Row, rows};
use crate::schema::facts::{CheckFacts, ColumnFacts, Found, IndexFacts, ReferenceFacts};
use crate::schema::walls::{ViewFacts, WallFacts};
use crate::{Error, Namespace, Param, Store};
use std::collections::BTreeMap;

const COLUMNS: &str = "select c.relname::text, a.attname::text, \
    pg_catalog.format_type(a.atttypid, a.atttypmod) \
    || case when a.attcollation <> 0 and a.attcollation <> t.typcollation \
       then ' collate \"' || l.collname || '\"' else '' end, \
    a.attnotnull::int::bigint, \
    case when a.attidentity <> '' then ' generated as identity' \
         when a.attgenerated <> '' then ' generated' \
         when d.oid is not null then ' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) \
         else '' end \
    from pg_catalog.pg_class c \
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
    join pg_catalog.pg_type t on t.oid = a.atttypid \
    left join pg_catalog.pg_collation l on l.oid = a.attcollation \
    left join pg_catalog.pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum \
    where n.nspname = $1 and c.relkind in ('r', 'p')";

const CONSTRAINTS: &str = "select c.relname::text, k.conname::text, k.contype::text, \
    (select string_agg(a.attname::text, e'\\n' order by m.place) \
     from unnest(k.conkey) with ordinality as m(number, place) \
     join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = m.number), \
    coalesce(pg_catalog.obj_description(k.oid, 'pg_constraint'), \
             case when k.contype = 'c' then pg_catalog.pg_get_constraintdef(k.oid) end), \
    (select f.relname::text from pg_catalog.pg_class f where f.oid = k.confrelid), \
    (select string_agg(a.attname::text, e'\\n' order by m.place) \
     from unnest(k.confkey) with ordinality as m(number, place) \
     join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = m.number), \
    case when k.contype = 'f' and k.confdeltype not in ('a', 'r') then ' on delete ' || k.confdeltype::text else '' end \
    || case when k.contype = 'f' and k.confupdtype not in ('a', 'r') then ' on update ' || k.confupdtype::text else '' end \
    || case when k.condeferrable then ' deferrable' else '' end \
    || case when k.convalidated then '' else ' not valid' end \
    from pg_catalog.pg_constraint k \
    join pg_catalog.pg_class c on c.oid = k.conrelid \
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    where n.nspname = $1 and c.relkind in ('r', 'p') and k.contype in ('c', 'f')";

const INDEXES: &str = "select c.relname::text, x.relname::text, \
    case when i.indisprimary then 'p' when i.indisunique then 'u' else '' end, \
    (select string_agg(coalesce(a.attname::text, '(expression)'), e'\\n' order by m.place) \
     from unnest(i.indkey::int2[]) with ordinality as m(number, place) \
     left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = m.number \
     where m.place <= i.indnkeyatts), \
    (select string_agg(o.bits::text, e'\\n' order by o.place) \
     from unnest(i.indoption::int2[]) with ordinality as o(bits, place)), \
    case when m.amname <> 'btree' then ' using ' || m.amname::text \
         || coalesce(' ' || pg_catalog.obj_description(x.oid, 'pg_class'), '') else '' end \
    || case when i.indpred is null then '' else ' where ' || pg_catalog.pg_get_expr(i.indpred, i.indrelid) end \
    || case when i.indisvalid then '' else ' not valid' end \
    || case when i.indnatts > i.indnkeyatts then ' include' else '' end \
    || case when i.indnullsnotdistinct then ' nulls not distinct' else '' end \
    from pg_catalog.pg_index i \
    join pg_catalog.pg_class c on c.oid = i.indrelid \
    join pg_catalog.pg_class x on x.oid = i.indexrelid \
    join pg_catalog.pg_am m on m.oid = x.relam \
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    where n.nspname = $1 and c.relkind in ('r', 'p')";

const WALLS: &str = "select c.relname::text, c.relrowsecurity::int::bigint, \
    c.relforcerowsecurity::int::bigint, \
    (select string_agg(p.polname::text || ' ' || p.polcmd::text || ' ' || \
        coalesce((select string_agg(case when r.oid = c.relowner then 'owner' \
                                         when r.rolname = $3 then 'application' \
                                         else r.rolname::text end, ',' order by r.rolname) \
                  from pg_catalog.pg_roles r where r.oid = any(p.polroles)), 'public') \
        || ' ' || coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), '-') \
        || ' ' || coalesce(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '-'), \
        e'\\n' order by p.polname) \
     from pg_catalog.pg_policy p where p.polrelid = c.oid), \
    (select string_agg(distinct lower(g.privilege_type), ',') \
     from aclexplode(c.relacl) g join pg_catalog.pg_roles r on r.oid = g.grantee \
     where r.rolname = $3), \
    c.relkind::text, n.nspname::text, \
    coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), ''), \
    case when c.relkind = 'v' and position('current_setting(''carnet.tenant''' \
         in pg_catalog.pg_get_viewdef(c.oid)) > 0 then 1::bigint else 0::bigint end \
    from pg_catalog.pg_class c \
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    where (n.nspname = $1 and c.relkind in ('r', 'p', 'v')) \
       or (n.nspname = $2 and c.relkind = 'v')";

/// The tables of one schema.
pub(super) async fn introspect(store: &Store, schema: &str) -> Result<Found, Error> {
    let params = [Param::Text(schema.to_owned())];
    let mut found = Found::new();
    for row in rows(store, COLUMNS, &params).await? {
        let facts = ColumnFacts {
            sql_type: row.text(2)?,
            nullable: row.number(3)? == 0,
            extra: row.text(4)?,
        };
        let table = found.entry(row.text(0)?).or_default();
        table.columns.insert(row.text(1)?, facts);
    }
    for row in rows(store, CONSTRAINTS, &params).await? {
        let table = found.entry(row.text(0)?).or_default();
        let name = row.text(1)?;
        if row.text(2)? == "c" {
            let facts = CheckFacts {
                column: row.lines(3)?.into_iter().next().unwrap_or_default(),
                text: row.text(4)?,
            };
            table.checks.insert(name, facts);
        } else {
            let facts = ReferenceFacts {
                columns: row.lines(3)?,
                target: row.text(5)?,
                target_columns: row.lines(6)?,
                extra: row.text(7)?,
            };
            table.references.insert(name, facts);
        }
    }
    for row in rows(store, INDEXES, &params).await? {
        let table = found.entry(row.text(0)?).or_default();
        table.indexes.insert(row.text(1)?, index(&row)?);
    }
    Ok(found)
}

fn index(row: &Row) -> Result<IndexFacts, Error> {
    let kind = match row.text(2)?.as_str() {
        "p" => "primary key",
        "u" => "unique",
        _ => "",
    };
    // Bit 0: descending; bit 1: nulls first.
    let orders = row.lines(4)?;
    let order = |place: usize| match orders.get(place).map(String::as_str) {
        Some("1") => " desc nulls last",
        Some("2") => " nulls first",
        Some("3") => " desc",
        _ => "",
    };
    let columns = row.lines(3)?;
    let columns = columns
        .into_iter()
        .enumerate()
        .map(|(place, column)| (column, order(place)));
    Ok(IndexFacts {
        kind,
        columns: columns.collect(),
        extra: row.text(5)?,
    })
}

/// What walls the tables of one namespace off, for the application role of that name.
pub(crate) async fn walls(
    store: &Store,
    namespace: &Namespace,
    role: &str,
) -> Result<WallFacts, Error> {
    let params = [
        Param::Text(namespace.as_str().to_owned()),
        Param::Text(namespace.find()),
        Param::Text(role.to_owned()),
    ];
    let mut tables = BTreeMap::new();
    let mut views = BTreeMap::new();
    for row in rows(store, WALLS, &params).await? {
        let name = row.text(0)?;
        if row.text(5)? == "v" {
            let facts = ViewFacts {
                definition: row.text(7)?,
                walled: row.number(8)? != 0,
                grants: row.text(4)?,
            };
            views.insert((row.text(6)?, name), facts);
            continue;
        }
        let security = match (row.number(1)? != 0, row.number(2)? != 0) {
            (false, false) => "open",
            (true, false) => "secured",
            (false, true) => "forced but open",
            (true, true) => "forced",
        };
        let mut text = format!("{security}; grants {}", row.text(4)?);
        for policy in row.lines(3)? {
            text.push_str("; ");
            text.push_str(&policy);
        }
        tables.insert(name, text);
    }
    Ok(WallFacts { tables, views })
}
