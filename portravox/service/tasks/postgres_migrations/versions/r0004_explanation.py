"""Why a task FAILED, beyond code and message, as JSON: file, reason, sentence."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("ALTER TABLE tasks ADD COLUMN explanation text")
