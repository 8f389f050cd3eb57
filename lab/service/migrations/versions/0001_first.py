"""The tables that the service began with."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.execute("CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL UNIQUE, password text NOT NULL)")
    op.execute(
        "CREATE TABLE items (id serial PRIMARY KEY, name text NOT NULL, category int NOT NULL, price int NOT NULL,"
        " stock int NOT NULL DEFAULT 1000000, updated_at timestamptz NOT NULL DEFAULT now())"
    )
    op.execute("CREATE TABLE orders (id serial PRIMARY KEY, customer_id int NOT NULL, state text NOT NULL, made_at timestamptz NOT NULL DEFAULT now())")
    op.execute("CREATE TABLE order_lines (id serial PRIMARY KEY, order_id int NOT NULL, item_id int NOT NULL, amount int NOT NULL)")


def downgrade():
    for table in ("order_lines", "orders", "items", "customers"):
        op.execute(f"DROP TABLE {table}")
