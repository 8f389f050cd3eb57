package postgres_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector/postgres"
)

func TestAnIndexStatementIsPutTogetherAnew(t *testing.T) {
	t.Parallel()
	for ddl, sent := range map[string]string{
		"CREATE INDEX CONCURRENTLY ON public.orders (customer_id)":                              `CREATE INDEX CONCURRENTLY "orders_customer_id_idx" ON "public"."orders" (customer_id)`,
		"create unique index concurrently if not exists Once on Public.Orders (a, b desc) ;; ":  `CREATE UNIQUE INDEX CONCURRENTLY "once" ON "public"."orders" (a, b desc)`,
		`CREATE INDEX CONCURRENTLY "on" ON "S;x"."T" USING gin (note jsonb_path_ops) -- ; DROP`: `CREATE INDEX CONCURRENTLY "on" ON "S;x"."T" USING gin (note jsonb_path_ops)`,
		"CREATE INDEX CONCURRENTLY ON s.t (lower(name)) WHERE state = 'open;' /* all */":        `CREATE INDEX CONCURRENTLY "t_lower_name_idx" ON "s"."t" (lower(name)) WHERE state = 'open;'`,
	} {
		got, err := postgres.IndexStatement(ddl)
		require.NoError(t, err, ddl)
		require.Equal(t, sent, got)
		again, err := postgres.IndexStatement(got)
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	got, err := postgres.IndexStatement("CREATE INDEX CONCURRENTLY ON s." + strings.Repeat("t", 60) + " (" + strings.Repeat("c", 60) + ")")
	require.NoError(t, err)
	require.Len(t, strings.Split(got, `"`)[1], 63, "longer names are cut by the server, and would be looked for in vain")
}

func TestStatementsThatAreNotOneIndexAreRefused(t *testing.T) {
	t.Parallel()
	for ddl, says := range map[string]string{
		"": "does not begin with CREATE", "DROP TABLE t": "does not begin with CREATE",
		"CREATE TABLE t (id int)":                                                 "makes no index",
		"CREATE UNIQUE TABLE t":                                                   "makes no index",
		"CREATE INDEX ON s.t (a)":                                                 "does not say CONCURRENTLY",
		"CREATE INDEX i ON s.t (a)":                                               "does not say CONCURRENTLY",
		"CREATE INDEX CONCURRENTLY i ON t (a)":                                    "with its schema",
		"CREATE INDEX CONCURRENTLY i ON db.s.t (a)":                               "with its schema",
		"CREATE INDEX CONCURRENTLY i ON ONLY s.t (a)":                             "with its schema",
		"CREATE INDEX CONCURRENTLY s.i ON s.t (a)":                                "ON and the table",
		"CREATE INDEX CONCURRENTLY i":                                             "ON and the table",
		"CREATE INDEX CONCURRENTLY i ON s.t":                                      "columns are missing",
		"CREATE INDEX CONCURRENTLY i ON s.t WHERE a":                              "columns are missing",
		"CREATE INDEX CONCURRENTLY i ON s.t (a); DROP TABLE s.t":                  "one statement",
		"CREATE INDEX CONCURRENTLY i ON s.t (a) WHERE b = $1":                     "there is $1",
		"CREATE INDEX CONCURRENTLY i ON s.t (a) WHERE b = 'x":                     "never closed",
		"CREATE INDEX CONCURRENTLY i ON s.t (a) /* ":                              "never closed",
		`CREATE INDEX CONCURRENTLY U&"\0061" ON s.t (a)`:                          "not read here",
		"CREATE INDEX CONCURRENTLY i ON s.t (a) WHERE b = E'\\';DROP TABLE t;--'": "",
	} {
		_, err := postgres.IndexStatement(ddl)
		if says == "" {
			require.NoError(t, err, ddl) // the quote is escaped: all of it is one constant
			continue
		}
		actiontest.Refuses(t, err, says)
	}
}

func FuzzIndexStatement(f *testing.F) {
	f.Add("CREATE UNIQUE INDEX CONCURRENTLY \"a b\" ON s.\"T\" USING btree (lower(a), b DESC) INCLUDE (c) WHERE d = 'x;' AND e > 1.5")
	f.Add("create index concurrently on s.t (a); -- b")
	f.Add("CREATE INDEX CONCURRENTLY ON s.t USING")
	f.Fuzz(func(t *testing.T, ddl string) {
		sent, err := postgres.IndexStatement(ddl)
		if err != nil {
			return
		}
		again, err := postgres.IndexStatement(sent)
		if err != nil || again != sent {
			t.Fatalf("%q becomes %q, which becomes %q (%v)", ddl, sent, again, err)
		}
	})
}
