"""The engine that brings work to the workers, and what calls it: Procrastinate's own tables, and
triggers that give it a job for each task that waits and take back the job of one that is canceled.

Whichever statement lets a task wait, its job is there in the same transaction.
"""

from __future__ import annotations

from alembic import op

from portravox.service.tasks.migrate import make_engine

revision = "0002"
down_revision = "0001"

_CALL = """
CREATE FUNCTION portravox_call_a_worker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[
        ROW('tasks', 'portravox.do_one_task', 0, NULL, NULL, '{}'::jsonb, NULL)
    ]::procrastinate_job_to_defer_v1[]);
    RETURN NULL;
END $$
"""

_ABORT = """
CREATE FUNCTION portravox_abort() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM procrastinate_cancel_job_v1(substr(new.worker, 5)::bigint, true, false);
    RETURN NULL;
END $$
"""

_TRIGGERS = (
    "CREATE TRIGGER task_waits_anew AFTER INSERT ON tasks"
    " FOR EACH ROW EXECUTE FUNCTION portravox_call_a_worker()",
    "CREATE TRIGGER task_waits_again AFTER UPDATE OF state ON tasks"
    " FOR EACH ROW WHEN (new.state = 'PENDING' AND old.state = 'RUNNING')"
    " EXECUTE FUNCTION portravox_call_a_worker()",
    "CREATE TRIGGER task_aborted AFTER UPDATE OF cancel_requested ON tasks"
    " FOR EACH ROW WHEN (new.cancel_requested AND new.worker ~ '^job [0-9]{1,18}$')"
    " EXECUTE FUNCTION portravox_abort()",
)

_LOOKS = (
    "CREATE TABLE upkeep (only_one boolean PRIMARY KEY CHECK (only_one), since float8, at float8)"
)


def upgrade() -> None:
    make_engine(op.get_bind())
    for statement in (_CALL, _ABORT, *_TRIGGERS, _LOOKS):
        op.get_bind().exec_driver_sql(statement)
