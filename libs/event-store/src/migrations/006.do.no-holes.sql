-- Events are only ever added, so a vacuum finds nothing to clear away; but it lists the rest of every page as free space, and
-- then each event that is smaller than the rest goes to an old page of its own: 8 KB of WAL an event, and a page read from
-- the disk. With 20 M events present appends fell to 0.4 of their rate. So additions alone do not call for a vacuum.
-- Analyse, and the vacuum against wraparound, come as ever.
alter table events set (autovacuum_vacuum_insert_threshold = -1);
