-- Migration 0002_second on PostgreSQL, back. Runs in one transaction.
-- It may be edited until it is applied; afterwards it must stay as it is.
-- It runs in every placement, with the placement's schema on the search path.

-- rename table products to items
alter table "products" rename to "items";

-- rename column items.name to title
alter table "items" rename column "name" to "title";

-- rename constraint products__unit_id to items__unit_id
alter table "items" rename constraint "products__unit_id" to "items__unit_id";

-- rename index products__id to items__id
alter index "products__id" rename to "items__id";

-- rename index products__unit_id__index to items__unit_id__index
alter index "products__unit_id__index" rename to "items__unit_id__index";

-- change column items.price
-- DATA LOSS: numbers of `items.price` with more than 2 digits after the point are rounded.
alter table "items" alter column "price" type bigint using case when "price" >= 0 then ("price" + 50) / 100 else ("price" - 50) / 100 end;

-- drop column items.name_key
alter table "items" drop column "name_key";

-- drop column items.status
-- DATA LOSS: the values of `items.status` are dropped.
alter table "items" drop column "status";

-- carnet: home
-- drop column units.symbol
-- DATA LOSS: the values of `units.symbol` are dropped.
alter table "units" drop column "symbol";

-- carnet: everywhere
-- drop table parts
-- DATA LOSS: the records of `parts` are dropped.
drop table "parts";
