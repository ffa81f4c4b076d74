"""Notices of ended tasks, and each attempt to deliver them.

Triggers tie them to their task: what ends it, whichever statement that is, makes them due in the
same transaction, and what forgets it forgets them.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_DELIVERIES = """
CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY,
    delivery_id TEXT NOT NULL UNIQUE,
    task_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    key_group TEXT NOT NULL,
    url TEXT NOT NULL,
    format TEXT NOT NULL CHECK (format IN ('standard', 'cloudevents')),
    by_operator INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'WAITING'
        CHECK (state IN ('WAITING', 'DUE', 'DELIVERED', 'GIVEN_UP')),
    tries INTEGER NOT NULL DEFAULT 0,
    next_at REAL,
    ended_at REAL,
    CHECK ((state = 'DUE') = (next_at IS NOT NULL)),
    CHECK ((state IN ('DELIVERED', 'GIVEN_UP')) = (ended_at IS NOT NULL))
)
"""

_ATTEMPTS = """
CREATE TABLE delivery_attempts (
    delivery_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    status INTEGER,
    PRIMARY KEY (delivery_id, number)
) WITHOUT ROWID
"""

_INDEXES = (
    "CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'DUE'",
    "CREATE INDEX deliveries_of_task ON deliveries (task_id)",
    "CREATE INDEX deliveries_listed ON deliveries (key_group, seq) WHERE NOT by_operator",
)

_TRIGGERS = (
    """
    CREATE TRIGGER task_ended AFTER UPDATE OF state ON tasks
    WHEN new.state IN ('SUCCEEDED', 'FAILED', 'CANCELED') BEGIN
        UPDATE deliveries SET state = 'DUE', next_at = new.ended_at
        WHERE task_id = new.task_id AND state = 'WAITING';
    END
    """,
    """
    CREATE TRIGGER task_forgotten AFTER DELETE ON tasks BEGIN
        DELETE FROM delivery_attempts WHERE delivery_id IN
            (SELECT delivery_id FROM deliveries WHERE task_id = old.task_id);
        DELETE FROM deliveries WHERE task_id = old.task_id;
    END
    """,
)


def upgrade() -> None:
    for statement in (_DELIVERIES, _ATTEMPTS, *_INDEXES, *_TRIGGERS):
        op.execute(statement)
