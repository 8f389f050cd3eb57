-- Looking back over all incidents: the changes of the last hour, what became
-- of a type of action.
CREATE INDEX events_by_kind ON events (kind, at);
