"""Indexes for what is asked most."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.execute("CREATE INDEX items_category ON items (category, id)")
    op.execute("CREATE INDEX orders_customer ON orders (customer_id, id)")
    op.execute("CREATE INDEX lines_order ON order_lines (order_id)")


def downgrade():
    for index in ("lines_order", "orders_customer", "items_category"):
        op.execute(f"DROP INDEX {index}")
