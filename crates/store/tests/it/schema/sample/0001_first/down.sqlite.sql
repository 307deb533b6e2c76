-- Migration 0001_first on SQLite, back. Runs in one transaction.
-- It may be edited until it is applied; afterwards it must stay as it is.

-- drop table items
-- DATA LOSS: the records of `items` are dropped.
drop table "items";

-- drop table units
-- DATA LOSS: the records of `units` are dropped.
drop table "units";
