"""Migrations.  This folder must never hold an __init__.py: it would hide the installed package `alembic`."""

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

import surveys.tables  # noqa: F401  (fills the metadata)


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection = context.config.attributes["connection"]
run(given)
