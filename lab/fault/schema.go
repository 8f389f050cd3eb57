package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// column is a release with a migration: the code asks for a column that the
// migration adds.
func column(name string) []stack.Edit {
	return []stack.Edit{
		{File: "migrations/versions/0003_" + name + ".py", New: fmt.Sprintf(`"""Items have a %[1]s."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.execute("ALTER TABLE items ADD COLUMN %[1]s text NOT NULL DEFAULT ''")


def downgrade():
    op.execute("ALTER TABLE items DROP COLUMN %[1]s")
`, name)},
		{File: "orders/catalogue.py", Old: "SELECT id, name, price FROM items WHERE category", New: "SELECT id, name, price, " + name + " FROM items WHERE category"},
	}
}

// schemaBehind releases code whose migration nobody has run.
func schemaBehind() Fault {
	return Fault{
		Name: "schema-behind", Group: "Deploy", Cause: "C-schema-behind",
		About:      "a release asks for a column that its migration adds, and the migration was not run",
		Truth:      one("db/schema#the-schema-is-behind-the-code", "app/release#the-schema-does-not-fit-the-code"),
		LookAlikes: []string{"C-bad-deploy", "C-broken-migration"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			name := pick(r, "colour", "weight", "brand")
			if err := s.Release(ctx, "Items have a "+name, column(name), s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Migrate(ctx, "upgrade", "head") }, nil
		},
	}
}

// brokenMigration runs a migration that takes away what the code still reads.
func brokenMigration() Fault {
	return Fault{
		Name: "broken-migration", Group: "Deploy", Cause: "C-broken-migration",
		About:      "a migration was run that renames or drops a column which the running code still reads",
		Truth:      one("db/schema#the-schema-is-ahead-of-the-code", "app/release#the-schema-does-not-fit-the-code"),
		LookAlikes: []string{"C-schema-behind", "C-bad-deploy"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			up, down := "ALTER TABLE items RENAME COLUMN price TO price_cents", "ALTER TABLE items RENAME COLUMN price_cents TO price"
			if r.IntN(2) == 0 {
				up, down = "ALTER TABLE orders RENAME COLUMN state TO status", "ALTER TABLE orders RENAME COLUMN status TO state"
			}
			migration := stack.Edit{File: "migrations/versions/0003_names.py", New: fmt.Sprintf(`"""Better names."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.execute("%s")


def downgrade():
    op.execute("%s")
`, up, down)}
			// The migration is released and run; no process is restarted.
			if err := s.Release(ctx, "Better names", []stack.Edit{migration}); err != nil {
				return nil, err
			}
			if err := s.Migrate(ctx, "upgrade", "head"); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Migrate(ctx, "downgrade", "-1") }, nil
		},
	}
}
