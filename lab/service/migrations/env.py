"""Migrations run with the operator's own address, under a name that shows in the database."""

import os

from alembic import context
from sqlalchemy import create_engine

url = os.environ["MIGRATIONS_URL"]
with create_engine(url, connect_args={"application_name": "alembic"}).connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
