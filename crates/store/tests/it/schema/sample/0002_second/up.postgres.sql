-- Migration 0002_second on PostgreSQL, forward. Runs in one transaction.
-- It may be edited until it is applied; afterwards it must stay as it is.
-- It runs in every placement, with the placement's schema on the search path.

-- rename table items to products
alter table "items" rename to "products";

-- rename column products.title to name
alter table "products" rename column "title" to "name";

-- rename constraint items__unit_id to products__unit_id
alter table "products" rename constraint "items__unit_id" to "products__unit_id";

-- rename index items__id to products__id
alter index "items__id" rename to "products__id";

-- rename index items__unit_id__index to products__unit_id__index
alter index "items__unit_id__index" rename to "products__unit_id__index";

-- create table parts
create table "parts" (
    "tenant" bigint not null,
    "id" uuid not null,
    "product_id" uuid not null,
    "created_at" timestamp with time zone not null,
    "updated_at" timestamp with time zone not null,
    "created_by_kind" text collate "C",
    "created_by_id" uuid,
    "updated_by_kind" text collate "C",
    "updated_by_id" uuid,
    "version" bigint not null,
    constraint "parts__id" primary key ("tenant", "id")
);
create index "parts__product_id__index" on "parts" ("tenant", "product_id", "id");

-- add column products.name_key
alter table "products" add column "name_key" text collate "C";
-- carnet: fold products.name_key from products.name read items.title
alter table "products" alter column "name_key" set not null;

-- change column products.price
alter table "products" alter column "price" type bigint using "price" * 100;

-- add column products.status
alter table "products" add column "status" text collate "C" not null constraint "products__status__check" check ("status" in ('draft', 'live')) default 'draft';
alter table "products" alter column "status" drop default;
comment on constraint "products__status__check" on "products" is 'value in (''draft'', ''live'')';

-- carnet: home
-- add column units.symbol
alter table "units" add column "symbol" text collate "C" not null default '-';
alter table "units" alter column "symbol" drop default;

-- carnet: everywhere
-- add index products__name
create unique index "products__name" on "products" ("tenant", "name_key");

-- add index products__status__name__index
create index "products__status__name__index" on "products" ("tenant", "status", "name_key", "id");

-- add references of parts
alter table "parts"
    add constraint "parts__product_id" foreign key ("tenant", "product_id") references "products" ("tenant", "id");
