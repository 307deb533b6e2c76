-- Migration 0001_first on SQLite, forward. Runs in one transaction.
-- It may be edited until it is applied; afterwards it must stay as it is.

-- create table items
create table "items" (
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
create unique index "items__id" on "items" ("tenant", "id");
create index "items__unit_id__index" on "items" ("tenant", "unit_id", "id");

-- create table units
create table "units" (
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
create unique index "units__id" on "units" ("id");
create unique index "units__code" on "units" ("code");
