-- Migration 0001_first on PostgreSQL, forward. Runs in one transaction.
-- It may be edited until it is applied; afterwards it must stay as it is.
-- It runs in every placement, with the placement's schema on the search path.

-- create table items
create table "items" (
    "tenant" bigint not null,
    "id" uuid not null,
    "title" text collate "C" not null,
    "price" bigint,
    "unit_id" uuid,
    "created_at" timestamp with time zone not null,
    "updated_at" timestamp with time zone not null,
    "created_by_kind" text collate "C",
    "created_by_id" uuid,
    "updated_by_kind" text collate "C",
    "updated_by_id" uuid,
    "version" bigint not null,
    constraint "items__id" primary key ("tenant", "id")
);
create index "items__unit_id__index" on "items" ("tenant", "unit_id" nulls first, "id");

-- carnet: home
-- create table units
create table "units" (
    "id" uuid not null,
    "code" text collate "C" not null,
    "created_at" timestamp with time zone not null,
    "updated_at" timestamp with time zone not null,
    "created_by_kind" text collate "C",
    "created_by_id" uuid,
    "updated_by_kind" text collate "C",
    "updated_by_id" uuid,
    "version" bigint not null,
    constraint "units__id" primary key ("id")
);
create unique index "units__code" on "units" ("code");

-- carnet: everywhere
-- add references of items
alter table "items"
    add constraint "items__unit_id" foreign key ("unit_id") references "units" ("id");
