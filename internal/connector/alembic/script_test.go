package alembic_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector/alembic"
)

func TestSQLIsSplitAsPostgresReadsIt(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][]string{
		"":                                     nil,
		" ; ;\n-- nothing;\n/* a; /* b; */ */": nil,
		"SELECT 1;  SELECT\n\t2":               {"SELECT 1", "SELECT 2"},
		"SELECT ';', 'it''s;', E'\\';', \"a;b\"; X":              {"SELECT ';', 'it''s;', E'\\';', \"a;b\"", "X"},
		"CREATE FUNCTION f() AS $x$ a; $$ b; $$ $x$; SELECT $1;": {"CREATE FUNCTION f() AS $x$ a; $$ b; $$ $x$", "SELECT $1"},
		"SELECT a$b$c; SELECT 1":                                 {"SELECT a$b$c", "SELECT 1"},
		"SELECT 'never closed; x":                                {"SELECT 'never closed; x"},
		"SELECT 1 /* never closed; x":                            {"SELECT 1"},
		"SELECT E'a''; b'; SELECT 2":                             {"SELECT E'a''; b'", "SELECT 2"},
	} {
		require.Equal(t, want, alembic.Statements(sql), sql)
	}
}

func FuzzStatements(f *testing.F) {
	f.Add("SELECT ';', E'\\'', $x$;$x$ /* ; */ -- ;\n; SELECT 2")
	f.Fuzz(func(t *testing.T, sql string) {
		all := alembic.Statements(sql)
		if again := alembic.Statements(strings.Join(all, ";\n")); strings.Join(again, "\x00") != strings.Join(all, "\x00") && !strings.ContainsAny(sql, `'"$/`) {
			t.Fatalf("%q becomes %q, which becomes %q", sql, all, again)
		}
		alembic.Hazards("BEGIN;\n-- Running upgrade a -> b\n" + sql)
	})
}

func TestWhatAMigrationHoldsUp(t *testing.T) {
	t.Parallel()
	for sql, says := range map[string]string{
		"CREATE INDEX i ON orders (a)":                   "b2 builds an index on orders without CONCURRENTLY",
		"CREATE UNIQUE INDEX i ON public.\"Orders\" (a)": "on public.\"Orders\" without CONCURRENTLY",
		"DROP INDEX i": "drops index i without CONCURRENTLY",
		"CREATE INDEX CONCURRENTLY i ON orders (a)":                                                              "b2 will fail",
		"ALTER TABLE orders ADD COLUMN a int NOT NULL":                                                           "it fails where the table has rows",
		"ALTER TABLE orders ADD COLUMN a int DEFAULT 0 NOT NULL":                                                 "for a moment",
		"ALTER TABLE orders ADD COLUMN a timestamptz DEFAULT now()":                                              "for a moment",
		"ALTER TABLE orders ADD COLUMN a uuid DEFAULT gen_random_uuid() NOT NULL":                                "a default that differs by row",
		"ALTER TABLE orders ADD COLUMN a BIGSERIAL NOT NULL":                                                     "values are made for each row",
		"ALTER TABLE orders ALTER COLUMN a SET NOT NULL":                                                         "reads all of orders",
		"ALTER TABLE orders ALTER COLUMN a TYPE bigint USING a::bigint":                                          "changes the type of a column of orders",
		"ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY(a) REFERENCES t (id)":                                   "adds a foreign key to orders and checks all rows",
		"ALTER TABLE orders ADD CONSTRAINT c CHECK (a > 0) NOT VALID":                                            "for a moment",
		"ALTER TABLE orders ADD CONSTRAINT c CHECK (a > 0)":                                                      "adds a check to orders",
		"ALTER TABLE ONLY orders ADD CONSTRAINT c UNIQUE (a)":                                                    "builds the index of a constraint on orders",
		"ALTER TABLE orders ADD CONSTRAINT c UNIQUE USING INDEX i":                                               "for a moment",
		"ALTER TABLE orders RENAME COLUMN a TO b":                                                                "renames something of orders",
		"UPDATE orders SET a = 0":                                                                                "changes rows of orders",
		"LOCK TABLE orders":                                                                                      "locks orders",
		"CREATE TABLE fresh (id int); CREATE INDEX i ON fresh (id); ALTER TABLE fresh ADD COLUMN a int NOT NULL": "",
		"CREATE TYPE state AS ENUM ('a')":                                                                        "",
	} {
		notes, destroys := alembic.Hazards("BEGIN;\n\n-- Running upgrade a1 -> b2\n\n" + sql + ";\n\nUPDATE alembic_version SET version_num='b2';\n\nCOMMIT;")
		require.Empty(t, destroys, sql)
		if says == "" {
			require.Empty(t, notes, sql)
			continue
		}
		require.Len(t, notes, 1, "%s: %v", sql, notes)
		require.Contains(t, notes[0], says)
	}
	for _, sql := range []string{
		"DROP TABLE orders", "ALTER TABLE orders DROP COLUMN a", "TRUNCATE orders", "DELETE FROM orders WHERE old", "DROP SCHEMA IF EXISTS x CASCADE",
		"CREATE TABLE t (id int); DROP TABLE t",
	} {
		_, destroys := alembic.Hazards("BEGIN;\n-- Running downgrade b2 -> a1\n" + sql + ";\nCOMMIT;")
		require.Len(t, destroys, 1, sql)
	}
}
