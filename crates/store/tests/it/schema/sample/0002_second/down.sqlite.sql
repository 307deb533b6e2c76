-- Migration 0002_second on SQLite, back. Runs in one transaction.
-- It may be edited until it is applied; afterwards it must stay as it is.

-- rename table products to items
alter table "products" rename to "items";

-- rebuild table items: rename column name to title; change column price; drop column name_key; drop column status
-- DATA LOSS: numbers of `items.price` with more than 2 digits after the point are rounded.
-- DATA LOSS: the values of `items.status` are dropped.
create table "carnet_new_items" (
    "tenant" integer not null,
    "id" blob not null,
    "title" text not null,
    "price" integer,
    "unit_id" blob,
    "created_at" integer not null,
    "updated_at" integer not null,
    "created_by_kind" text,
    "created_by_id" blob,
    "updated_by_kind" text,
    "updated_by_id" blob,
    "version" integer not null,
    constraint "items__unit_id" foreign key ("unit_id") references "units" ("id")
) strict;
insert into "carnet_new_items" (rowid, "tenant", "id", "title", "price", "unit_id", "created_at", "updated_at", "created_by_kind", "created_by_id", "updated_by_kind", "updated_by_id", "version")
select rowid, "tenant", "id", "name", case when "price" >= 0 then ("price" + 50) / 100 else ("price" - 50) / 100 end, "unit_id", "created_at", "updated_at", "created_by_kind", "created_by_id", "updated_by_kind", "updated_by_id", "version"
from "items";
drop table "items";
alter table "carnet_new_items" rename to "items";
create unique index "items__id" on "items" ("tenant", "id");
create index "items__unit_id__index" on "items" ("tenant", "unit_id", "id");

-- rebuild table units: drop column symbol
-- DATA LOSS: the values of `units.symbol` are dropped.
create table "carnet_new_units" (
    "id" blob not null,
    "code" text not null,
    "created_at" integer not null,
    "updated_at" integer not null,
    "created_by_kind" text,
    "created_by_id" blob,
    "updated_by_kind" text,
    "updated_by_id" blob,
    "version" integer not null
) strict;
insert into "carnet_new_units" (rowid, "id", "code", "created_at", "updated_at", "created_by_kind", "created_by_id", "updated_by_kind", "updated_by_id", "version")
select rowid, "id", "code", "created_at", "updated_at", "created_by_kind", "created_by_id", "updated_by_kind", "updated_by_id", "version"
from "units";
drop table "units";
alter table "carnet_new_units" rename to "units";
create unique index "units__id" on "units" ("id");
create unique index "units__code" on "units" ("code");

-- drop table parts
-- DATA LOSS: the records of `parts` are dropped.
drop table "parts";
