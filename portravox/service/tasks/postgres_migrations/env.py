"""What alembic runs to get at the database: the connection that tasks.migrate hands it."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
