"""How long each key held live sessions, by the hour, on all machines together."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

_STATEMENTS = (
    """
    CREATE TABLE live_seconds (
        key_id text COLLATE "C" NOT NULL,
        hour bigint NOT NULL,
        seconds float8 NOT NULL,
        PRIMARY KEY (key_id, hour)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
