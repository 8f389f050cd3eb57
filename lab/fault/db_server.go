package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// tableBloated has a table of dead rows that nothing removes.
func tableBloated() Fault {
	return Fault{
		Name: "table-bloated", Group: "DB server", Cause: "C-table-bloat",
		About:      "autovacuum is switched off for the table of items, and an import has rewritten it many times",
		Truth:      one("db/vacuum#tables-are-bloated-with-dead-rows", "db/vacuum#autovacuum-is-switched-off"),
		LookAlikes: []string{"C-missing-index", "C-inefficient-query", "C-long-transaction"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			text := "SET ROLE orders; ALTER TABLE items SET (autovacuum_enabled = false);"
			text += strings.Repeat(" UPDATE items SET price = price + 1;", between(r, 6, 12))
			if err := s.SQL(ctx, "orders", text); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error {
				return s.SQL(ctx, "orders", "ALTER TABLE items RESET (autovacuum_enabled)")
			}, nil
		},
	}
}

func databaseDown() Fault {
	return Fault{
		Name: "database-down", Group: "DB server", Cause: "C-db-server-down",
		About:      "the database server is stopped, or killed, and nobody starts it",
		Truth:      one("db/server#the-database-server-is-not-running"),
		LookAlikes: []string{"C-db-misaddressed", "C-server-conn-limit"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if r.IntN(2) == 0 {
				s.Postgres.Kill()
			} else {
				s.Postgres.End(5 * time.Second)
			}
			return func(context.Context) error { return s.Postgres.Start() }, nil
		},
	}
}

func databaseMisaddressed() Fault {
	return Fault{
		Name: "database-misaddressed", Group: "DB server", Cause: "C-db-misaddressed",
		About:      "a setting sends the service to a port or a name where its database is not; it is restarted",
		Truth:      one("db/server#the-address-of-the-database-is-wrong"),
		LookAlikes: []string{"C-db-server-down", "C-bad-config"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			settings, err := s.Settings()
			if err != nil {
				return nil, err
			}
			right := settings["DATABASE_URL"]
			before, _, _ := strings.Cut(right, "@")
			wrong := before + "@" + pick(r, "127.0.0.1:6432", "127.0.0.1:5433", "orders-db-old.internal:5432") + "/orders"
			if err := s.Configure(map[string]string{"DATABASE_URL": wrong}, pool(s)...); err != nil {
				return nil, err
			}
			return func(context.Context) error { return s.Configure(map[string]string{"DATABASE_URL": right}, pool(s)...) }, nil
		},
	}
}

func databaseSaturated() Fault {
	return Fault{
		Name: "database-saturated", Group: "DB server", Cause: "C-db-server-saturated",
		About: "a report tool computes in many sessions at once, more than the server has processors",
		Truth: one("db/server#the-servers-processors-are-saturated"),
		// Which statement it is, is as good an answer.
		LookAlikes: []string{"C-under-provisioned", "C-missing-index", "C-inefficient-query"},
		Alone:      true,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if err := s.SQL(ctx, "postgres", "CREATE ROLE reports LOGIN PASSWORD 'orders-secret' IN ROLE orders"); err != nil {
				return nil, err
			}
			mine, end := context.WithCancel(ctx)
			script := pick(r,
				"SELECT item_id, count(*) FROM order_lines GROUP BY item_id ORDER BY 2 DESC LIMIT 10;\n",
				"SELECT i.category, sum(i.price * l.amount) FROM order_lines l JOIN items i ON i.id = l.item_id GROUP BY i.category;\n")
			if err := s.Bench(mine, "reports", "monthly-report", script, between(r, 8, 14)); err != nil {
				end()
				return nil, err
			}
			return func(context.Context) error { end(); return nil }, nil
		},
	}
}

// databaseDiskFull gives the lines of orders a disk that fills up.
func databaseDiskFull() Fault {
	return Fault{
		Name: "database-disk-full", Group: "DB server", Cause: "C-db-storage-full",
		About:      "the disk with the lines of orders has no space left",
		Truth:      one("db/server#the-disk-of-the-database-is-full", "startup/limits#a-disk-is-full"), // it is a disk of this machine
		LookAlikes: []string{"C-disk-full", "C-table-bloat"},
		Needs:      []string{"root"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			disk := s.Path("disk")
			if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0777", between(r, 40, 60))); err != nil {
				return nil, fmt.Errorf("mount a small disk: %w", err)
			}
			if err := os.Mkdir(disk+"/space", 0o700); err != nil {
				return nil, err
			}
			if who := s.Postgres.User; who != nil {
				if err := os.Chown(disk+"/space", int(who.Uid), int(who.Gid)); err != nil {
					return nil, err
				}
			}
			for _, text := range []string{"CREATE TABLESPACE small LOCATION '" + disk + "/space'", "ALTER TABLE order_lines SET TABLESPACE small", "ALTER INDEX lines_order SET TABLESPACE small", "ALTER INDEX order_lines_pkey SET TABLESPACE small"} {
				if err := s.SQL(ctx, "orders", text); err != nil {
					return nil, err
				}
			}
			junk := disk + "/core.1"
			f, err := os.Create(junk)
			if err != nil {
				return nil, err
			}
			defer f.Close()
			block := make([]byte, 4096)
			for {
				if _, err := f.Write(block); err != nil {
					break // that is what it is for
				}
			}
			// What room was left in the table's pages goes as well.
			_ = s.SQL(ctx, "orders", "INSERT INTO order_lines (order_id, item_id, amount) SELECT 1, 1, 1 FROM generate_series(1, 100000)")
			return func(context.Context) error { return os.Remove(junk) }, nil
		},
	}
}
