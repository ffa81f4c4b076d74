"""The table of tasks, and beside it how many of each state every key has.

Counting anew would take longer with every task that waits, and each submission asks how many do,
each claim whose turn it is. Triggers keep the tallies true whichever statement changes a task.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

_TASKS = """
CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL UNIQUE,
    key_id TEXT NOT NULL,
    key_group TEXT NOT NULL,
    request_id TEXT NOT NULL,
    idempotency_key TEXT,
    model TEXT NOT NULL,
    image_url TEXT NOT NULL,
    audio_url TEXT NOT NULL,
    parameters TEXT NOT NULL,
    resolve_oss INTEGER NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED')),
    attempt INTEGER NOT NULL DEFAULT 0,
    releases INTEGER NOT NULL DEFAULT 0,
    submitted_at REAL NOT NULL,
    scheduled_at REAL,
    ended_at REAL,
    worker TEXT,
    lease_until REAL,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    stage TEXT,
    done REAL NOT NULL DEFAULT 0.0,
    code TEXT,
    message TEXT,
    video_name TEXT,
    duration_s REAL,
    CHECK ((state = 'RUNNING') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('PENDING', 'RUNNING')) = (ended_at IS NULL)),
    CHECK ((state = 'SUCCEEDED') = (video_name IS NOT NULL)),
    CHECK ((state = 'FAILED') = (code IS NOT NULL))
)
"""

_INDEXES = (
    "CREATE INDEX tasks_waiting ON tasks (key_id, seq) WHERE state = 'PENDING'",
    "CREATE INDEX tasks_leased ON tasks (lease_until) WHERE state = 'RUNNING'",
    "CREATE INDEX tasks_ended ON tasks (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE INDEX tasks_rendered ON tasks (key_id, ended_at, duration_s) WHERE state = 'SUCCEEDED'",
    "CREATE INDEX tasks_listed ON tasks (key_group, submitted_at)",
    "CREATE UNIQUE INDEX tasks_repeated ON tasks (key_id, idempotency_key)"
    " WHERE idempotency_key IS NOT NULL",
)

_TALLIES = """
CREATE TABLE tallies (
    key_id TEXT PRIMARY KEY,
    pending INTEGER NOT NULL DEFAULT 0,
    running INTEGER NOT NULL DEFAULT 0,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    canceled INTEGER NOT NULL DEFAULT 0,
    turn INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""

_ONE_MORE = """
    UPDATE tallies SET
        pending = pending + (new.state = 'PENDING'),
        running = running + (new.state = 'RUNNING'),
        succeeded = succeeded + (new.state = 'SUCCEEDED'),
        failed = failed + (new.state = 'FAILED'),
        canceled = canceled + (new.state = 'CANCELED')
    WHERE key_id = new.key_id;
"""
_ONE_LESS = _ONE_MORE.replace("+", "-").replace("new.", "old.")

_TRIGGERS = (
    f"""
    CREATE TRIGGER task_added AFTER INSERT ON tasks BEGIN
    INSERT OR IGNORE INTO tallies (key_id) VALUES (new.key_id);
    {_ONE_MORE} END
    """,
    f"""
    CREATE TRIGGER task_moved AFTER UPDATE OF state ON tasks WHEN new.state <> old.state BEGIN
    {_ONE_LESS} {_ONE_MORE} END
    """,
    f"CREATE TRIGGER task_removed AFTER DELETE ON tasks BEGIN {_ONE_LESS} END",
)


def upgrade() -> None:
    for statement in (_TASKS, *_INDEXES, _TALLIES, *_TRIGGERS):
        op.execute(statement)
