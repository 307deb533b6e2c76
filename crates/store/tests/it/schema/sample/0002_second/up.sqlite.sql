-- Migration 0002_second on SQLite, forward. Runs in one transaction.
-- It may be edited until it is applied; afterwards it must stay as it is.

-- rename table items to products
alter table "items" rename to "products";

-- rebuild table products: rename column title to name; add column name_key; change column price; add column status; add index products__name; add index products__status__name__index
create table "carnet_new_products" (
    "tenant" integer not null,
    "id" blob not null,
    "name" text not null,
    "name_key" text not null,
    "price" integer,
    "unit_id" blob,
    "status" text not null constraint "products__status__check" check ("status" in ('draft', 'live')),
    "created_at" integer not null,
    "updated_at" integer not null,
    "created_by_kind" text,
    "created_by_id" blob,
    "updated_by_kind" text,
    "updated_by_id" blob,
    "version" integer not null,
    constraint "products__unit_id" foreign key ("unit_id") references "units" ("id")
) strict;
insert into "carnet_new_products" (rowid, "tenant", "id", "name", "name_key", "price", "unit_id", "status", "created_at", "updated_at", "created_by_kind", "created_by_id", "updated_by_kind", "updated_by_id", "version")
select rowid, "tenant", "id", "title", carnet_fold("title"), "price" * 100, "unit_id", 'draft', "created_at", "updated_at", "created_by_kind", "created_by_id", "updated_by_kind", "updated_by_id", "version"
from "products";
drop table "products";
alter table "carnet_new_products" rename to "products";
create unique index "products__id" on "products" ("tenant", "id");
create unique index "products__name" on "products" ("tenant", "name_key");
create index "products__status__name__index" on "products" ("tenant", "status", "name_key", "id");
create index "products__unit_id__index" on "products" ("tenant", "unit_id", "id");

-- rebuild table units: add column symbol
create table "carnet_new_units" (
    "id" blob not null,
    "code" text not null,
    "symbol" text not null,
    "created_at" integer not null,
    "updated_at" integer not null,
    "created_by_kind" text,
    "created_by_id" blob,
    "updated_by_kind" text,
    "updated_by_id" blob,
    "version" integer not null
) strict;
insert into "carnet_new_units" (rowid, "id", "code", "symbol", "created_at", "updated_at", "created_by_kind", "created_by_id", "updated_by_kind", "updated_by_id", "version")
select rowid, "id", "code", '-', "created_at", "updated_at", "created_by_kind", "created_by_id", "updated_by_kind", "updated_by_id", "version"
from "units";
drop table "units";
alter table "carnet_new_units" rename to "units";
create unique index "units__id" on "units" ("id");
create unique index "units__code" on "units" ("code");

-- create table parts
create table "parts" (
    "tenant" integer not null,
    "id" blob not null,
    "product_id" blob not null,
    "created_at" integer not null,
    "updated_at" integer not null,
    "created_by_kind" text,
    "created_by_id" blob,
    "updated_by_kind" text,
    "updated_by_id" blob,
    "version" integer not null,
    constraint "parts__product_id" foreign key ("tenant", "product_id") references "products" ("tenant", "id")
) strict;
create unique index "parts__id" on "parts" ("tenant", "id");
create index "parts__product_id__index" on "parts" ("tenant", "product_id", "id");
