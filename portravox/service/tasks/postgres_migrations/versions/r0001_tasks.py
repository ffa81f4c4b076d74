"""Tasks, what every key has of them, and the notices of their ends.

As in SQLite (migrations/), with triggers that keep the tallies true and make notices due, whichever
statement ends a task. Heartbeats change no column that an index has, so that PostgreSQL writes them
beside the row and not into six indexes.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

_TASKS = """
CREATE TABLE tasks (
    seq bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    task_id text COLLATE "C" NOT NULL UNIQUE,
    key_id text COLLATE "C" NOT NULL,
    key_group text COLLATE "C" NOT NULL,
    request_id text NOT NULL,
    idempotency_key text COLLATE "C",
    model text COLLATE "C" NOT NULL,
    image_url text NOT NULL,
    audio_url text NOT NULL,
    parameters text NOT NULL,
    resolve_oss boolean NOT NULL,
    state text COLLATE "C" NOT NULL
        CHECK (state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED')),
    attempt integer NOT NULL DEFAULT 0,
    releases integer NOT NULL DEFAULT 0,
    submitted_at float8 NOT NULL,
    scheduled_at float8,
    ended_at float8,
    worker text COLLATE "C",
    lease_until float8,
    cancel_requested boolean NOT NULL DEFAULT false,
    stage text,
    done float8 NOT NULL DEFAULT 0.0,
    code text,
    message text,
    video_name text,
    duration_s float8,
    text_bytes bigint NOT NULL,
    CHECK ((state = 'RUNNING') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('PENDING', 'RUNNING')) = (ended_at IS NULL)),
    CHECK ((state = 'SUCCEEDED') = (video_name IS NOT NULL)),
    CHECK ((state = 'FAILED') = (code IS NOT NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)
"""

_INDEXES = (
    "CREATE INDEX tasks_waiting ON tasks (key_id, seq) WHERE state = 'PENDING'",
    "CREATE INDEX tasks_overdue ON tasks (submitted_at) WHERE state = 'PENDING'",
    "CREATE INDEX tasks_running ON tasks (worker) WHERE state = 'RUNNING'",
    "CREATE INDEX tasks_ended ON tasks (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE INDEX tasks_rendered ON tasks (key_id, ended_at) INCLUDE (duration_s)"
    " WHERE state = 'SUCCEEDED'",
    "CREATE INDEX tasks_listed ON tasks (key_group, submitted_at)",
    "CREATE UNIQUE INDEX tasks_repeated ON tasks (key_id, idempotency_key)"
    " WHERE idempotency_key IS NOT NULL",
)

_TALLIES = """
CREATE TABLE tallies (
    key_id text COLLATE "C" PRIMARY KEY,
    pending bigint NOT NULL DEFAULT 0,
    running bigint NOT NULL DEFAULT 0,
    succeeded bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    canceled bigint NOT NULL DEFAULT 0,
    turn bigint NOT NULL DEFAULT 0,
    text_bytes bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500)
"""
"""Rows that change with each task: most of a page is kept free for their next versions."""

_COUNT = """
CREATE FUNCTION portravox_count(a_key text, a_state text, more int, more_bytes bigint)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO tallies AS t (key_id, pending, running, succeeded, failed, canceled, text_bytes)
    VALUES (
        a_key, more * (a_state = 'PENDING')::int, more * (a_state = 'RUNNING')::int,
        more * (a_state = 'SUCCEEDED')::int, more * (a_state = 'FAILED')::int,
        more * (a_state = 'CANCELED')::int, more_bytes
    )
    ON CONFLICT (key_id) DO UPDATE SET
        pending = t.pending + excluded.pending, running = t.running + excluded.running,
        succeeded = t.succeeded + excluded.succeeded, failed = t.failed + excluded.failed,
        canceled = t.canceled + excluded.canceled, text_bytes = t.text_bytes + excluded.text_bytes
$$
"""

_TASK_CHANGED = """
CREATE FUNCTION portravox_task_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM portravox_count(new.key_id, new.state, 1, new.text_bytes);
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM portravox_count(old.key_id, old.state, -1, -old.text_bytes);
    ELSE
        UPDATE tallies SET
            pending = pending + (new.state = 'PENDING')::int - (old.state = 'PENDING')::int,
            running = running + (new.state = 'RUNNING')::int - (old.state = 'RUNNING')::int,
            succeeded = succeeded + (new.state = 'SUCCEEDED')::int
                - (old.state = 'SUCCEEDED')::int,
            failed = failed + (new.state = 'FAILED')::int - (old.state = 'FAILED')::int,
            canceled = canceled + (new.state = 'CANCELED')::int - (old.state = 'CANCELED')::int
        WHERE key_id = new.key_id;
        IF new.state IN ('SUCCEEDED', 'FAILED', 'CANCELED') THEN
            UPDATE deliveries SET state = 'DUE', next_at = new.ended_at
            WHERE task_id = new.task_id AND state = 'WAITING';
        END IF;
        PERFORM pg_notify('portravox_task', new.task_id);
    END IF;
    RETURN NULL;
END $$
"""

_TRIGGERS = (
    "CREATE TRIGGER task_counted AFTER INSERT OR DELETE ON tasks"
    " FOR EACH ROW EXECUTE FUNCTION portravox_task_changed()",
    "CREATE TRIGGER task_moved AFTER UPDATE OF state ON tasks"
    " FOR EACH ROW WHEN (new.state <> old.state) EXECUTE FUNCTION portravox_task_changed()",
)

_DELIVERIES = """
CREATE TABLE deliveries (
    seq bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    delivery_id text COLLATE "C" NOT NULL UNIQUE,
    task_id text COLLATE "C" NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
    key_id text COLLATE "C" NOT NULL,
    key_group text COLLATE "C" NOT NULL,
    url text NOT NULL,
    format text NOT NULL CHECK (format IN ('standard', 'cloudevents')),
    by_operator boolean NOT NULL,
    state text COLLATE "C" NOT NULL DEFAULT 'WAITING'
        CHECK (state IN ('WAITING', 'DUE', 'DELIVERED', 'GIVEN_UP')),
    tries integer NOT NULL DEFAULT 0,
    next_at float8,
    ended_at float8,
    CHECK ((state = 'DUE') = (next_at IS NOT NULL)),
    CHECK ((state IN ('DELIVERED', 'GIVEN_UP')) = (ended_at IS NOT NULL))
)
"""

_ATTEMPTS = """
CREATE TABLE delivery_attempts (
    delivery_id text COLLATE "C" NOT NULL REFERENCES deliveries (delivery_id) ON DELETE CASCADE,
    number integer NOT NULL,
    at float8 NOT NULL,
    status integer,
    PRIMARY KEY (delivery_id, number)
)
"""

_DELIVERY_INDEXES = (
    "CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'DUE'",
    "CREATE INDEX deliveries_of_task ON deliveries (task_id)",
    "CREATE INDEX deliveries_listed ON deliveries (key_group, seq) WHERE NOT by_operator",
)

_READERS = (
    "CREATE TABLE schema_readers (oldest text NOT NULL)",
    "INSERT INTO schema_readers VALUES ('0001')",
)


def upgrade() -> None:
    for statement in (
        _TASKS,
        *_INDEXES,
        _TALLIES,
        _COUNT,
        _DELIVERIES,
        _ATTEMPTS,
        *_DELIVERY_INDEXES,
        _TASK_CHANGED,
        *_TRIGGERS,
        *_READERS,
    ):
        # A statement of this driver, in which % is %.
        op.get_bind().exec_driver_sql(statement)
