"""Who may use the service, on whichever machine: API keys, one-time links, buckets of requests."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_STATEMENTS = (
    """
    CREATE TABLE api_keys (
        key_id bigint PRIMARY KEY,
        name text NOT NULL,
        key_group text COLLATE "C" NOT NULL,
        created_at float8 NOT NULL,
        revoked_at float8,
        limits text NOT NULL,
        sha256 text COLLATE "C" NOT NULL UNIQUE
    )
    """,
    """
    CREATE FUNCTION portravox_keys_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('portravox_keys', '');
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER keys_changed AFTER INSERT OR UPDATE OR DELETE ON api_keys"
    " FOR EACH STATEMENT EXECUTE FUNCTION portravox_keys_changed()",
    'CREATE TABLE login_tokens (sha256 text COLLATE "C" PRIMARY KEY, created_at float8 NOT NULL)',
    # Unlogged: a crash of the database fills all buckets, which a second does anyway.
    """
    CREATE UNLOGGED TABLE buckets (
        key_id text COLLATE "C" NOT NULL,
        call text COLLATE "C" NOT NULL,
        tokens float8 NOT NULL,
        filled_at float8 NOT NULL,
        PRIMARY KEY (key_id, call)
    ) WITH (fillfactor = 20)
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
