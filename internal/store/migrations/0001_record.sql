-- One text for SQLite and Postgres. Times are microseconds since 1970, UTC.
-- BYTEA means nothing to SQLite, which keeps bytes as bytes under any name.

CREATE TABLE incidents (
    num       BIGINT PRIMARY KEY, -- 7 of INC-7
    opened_at BIGINT NOT NULL,
    title     TEXT   NOT NULL,
    services  TEXT   NOT NULL     -- a JSON list
);

CREATE TABLE events (
    incident BIGINT NOT NULL REFERENCES incidents (num),
    seq      BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    actor    TEXT   NOT NULL,
    step     TEXT   NOT NULL,
    data     BYTEA,               -- JSON, byte for byte as it was given
    PRIMARY KEY (incident, seq)
);

CREATE TABLE audit (
    n        BIGINT PRIMARY KEY,
    at       BIGINT NOT NULL,
    incident BIGINT NOT NULL,     -- 0: a value was set
    seq      BIGINT NOT NULL,     -- 0: the incident was opened
    kind     TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    actor    TEXT   NOT NULL,
    why      TEXT   NOT NULL,
    digest   TEXT   NOT NULL,
    prev     TEXT   NOT NULL,
    hash     TEXT   NOT NULL,
    token    TEXT   NOT NULL      -- of the transaction; tells a writer that lost its connection whether it was written
);

-- The one row that every writer of the record locks first.
CREATE TABLE head (
    one       BIGINT PRIMARY KEY CHECK (one = 1),
    n         BIGINT NOT NULL,    -- last entry of audit, and its hash
    hash      TEXT   NOT NULL,
    incidents BIGINT NOT NULL,    -- last number given to an incident
    locked    BIGINT NOT NULL     -- how often: each lock is a change that has to be written
);
INSERT INTO head (one, n, hash, incidents, locked) VALUES (1, 0, '', 0, 0);

CREATE TABLE leases (
    key      TEXT PRIMARY KEY,
    owner    TEXT   NOT NULL,     -- empty: given back with work in it
    era      TEXT   NOT NULL,     -- what the clock of until_us counts from; a lease of another era has passed
    until_us BIGINT NOT NULL,     -- 0: passed
    work     TEXT   NOT NULL
);

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
