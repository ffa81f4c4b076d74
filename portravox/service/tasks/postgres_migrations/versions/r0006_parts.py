"""Parts of long videos, which several workers make at the same time.

Their jobs have queues of their own, which workers of an earlier version do not look at.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

_STATEMENTS = (
    """
    CREATE TABLE parts (
        task_id text COLLATE "C" NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
        number integer NOT NULL,
        plan text COLLATE "C" NOT NULL,
        recipe text COLLATE "C" NOT NULL,
        engine text COLLATE "C" NOT NULL,
        first integer NOT NULL,
        stop integer NOT NULL,
        state text COLLATE "C" NOT NULL DEFAULT 'WAITING'
            CHECK (state IN ('WAITING', 'RUNNING', 'DONE', 'FAILED')),
        tries integer NOT NULL DEFAULT 0,
        releases integer NOT NULL DEFAULT 0,
        worker text COLLATE "C",
        lease_until float8,
        done float8 NOT NULL DEFAULT 0,
        code text,
        message text,
        explanation text,
        PRIMARY KEY (task_id, number),
        CHECK ((state = 'RUNNING') = (lease_until IS NOT NULL)),
        CHECK ((state = 'FAILED') = (code IS NOT NULL))
    )
    """,
    """
    CREATE FUNCTION portravox_parts_queue(engine text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE WHEN engine = 'embedded' THEN 'parts' ELSE 'parts.' || engine END
    $$
    """,
    # Below tasks: who has nothing else to do makes parts.
    """
    CREATE FUNCTION portravox_call_for_parts(engine text, calls bigint) RETURNS void
    LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM procrastinate_defer_jobs_v1(ARRAY[
            ROW(portravox_parts_queue(engine), 'portravox.do_one_part', -1, NULL, NULL,
                '{}'::jsonb, NULL)
        ]::procrastinate_job_to_defer_v1[])
        FROM generate_series(1, calls);
    END $$
    """,
    """
    CREATE FUNCTION portravox_part_waits() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM portravox_call_for_parts(new.engine, 1);
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER part_waits_again AFTER UPDATE OF state ON parts"
    " FOR EACH ROW WHEN (new.state = 'WAITING' AND old.state = 'RUNNING')"
    " EXECUTE FUNCTION portravox_part_waits()",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        # A statement of this driver, in which % is %.
        op.get_bind().exec_driver_sql(statement)
