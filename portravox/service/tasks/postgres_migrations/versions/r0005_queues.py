"""A queue for each engine that draws, so that work comes to machines which have it.

Tasks that the engine "embedded" draws keep the queue that workers of an earlier version look at.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

_STATEMENTS = (
    # Servers of an earlier version write no engine.
    "ALTER TABLE tasks ADD COLUMN engine text COLLATE \"C\" NOT NULL DEFAULT 'embedded'",
    """
    UPDATE tasks SET engine = 'neural'
    WHERE state IN ('PENDING', 'RUNNING') AND strpos(parameters, '"engine": "neural"') > 0
    """,
    "CREATE INDEX tasks_waiting_for ON tasks (engine, key_id, seq) WHERE state = 'PENDING'",
    """
    CREATE FUNCTION portravox_queue(engine text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE WHEN engine = 'embedded' THEN 'tasks' ELSE 'tasks.' || engine END
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION portravox_call_a_worker() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM procrastinate_defer_jobs_v1(ARRAY[
            ROW(portravox_queue(new.engine), 'portravox.do_one_task', 0, NULL, NULL, '{}'::jsonb,
                NULL)
        ]::procrastinate_job_to_defer_v1[]);
        RETURN NULL;
    END $$
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        # A statement of this driver, in which % is %.
        op.get_bind().exec_driver_sql(statement)
