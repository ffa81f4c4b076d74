"""How much clients wrote into each task, and the sum of it for every key.

The cap on it keeps the file bounded, whether tasks wait, run or have ended; the tallies have it so
that no submission adds it up anew.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_TEXT_BYTES = (
    "length(CAST(model AS BLOB)) + length(CAST(image_url AS BLOB))"
    " + length(CAST(audio_url AS BLOB)) + length(CAST(parameters AS BLOB))"
)

_ONE_MORE = """
    UPDATE tallies SET
        pending = pending + (new.state = 'PENDING'),
        running = running + (new.state = 'RUNNING'),
        succeeded = succeeded + (new.state = 'SUCCEEDED'),
        failed = failed + (new.state = 'FAILED'),
        canceled = canceled + (new.state = 'CANCELED'),
        text_bytes = text_bytes + new.text_bytes
    WHERE key_id = new.key_id;
"""
_ONE_LESS = _ONE_MORE.replace("+", "-").replace("new.", "old.")

_STATEMENTS = (
    "ALTER TABLE tasks ADD COLUMN text_bytes INTEGER NOT NULL DEFAULT 0",
    f"UPDATE tasks SET text_bytes = {_TEXT_BYTES}",
    "ALTER TABLE tallies ADD COLUMN text_bytes INTEGER NOT NULL DEFAULT 0",
    """
    UPDATE tallies SET text_bytes =
        (SELECT coalesce(sum(text_bytes), 0) FROM tasks WHERE tasks.key_id = tallies.key_id)
    """,
    "DROP TRIGGER task_added",
    f"""
    CREATE TRIGGER task_added AFTER INSERT ON tasks BEGIN
    INSERT OR IGNORE INTO tallies (key_id) VALUES (new.key_id);
    {_ONE_MORE} END
    """,
    "DROP TRIGGER task_removed",
    f"CREATE TRIGGER task_removed AFTER DELETE ON tasks BEGIN {_ONE_LESS} END",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
