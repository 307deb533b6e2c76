-- Migration 0001_first on PostgreSQL, back. Runs in one transaction.
-- It may be edited until it is applied; afterwards it must stay as it is.
-- It runs in every placement, with the placement's schema on the search path.

-- drop table items
-- DATA LOSS: the records of `items` are dropped.
drop table "items";

-- carnet: home
-- drop table units
-- DATA LOSS: the records of `units` are dropped.
drop table "units";
