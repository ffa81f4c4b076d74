"""Where keys and one-time links are kept: in the data folder, or in the database of all machines.

Flow      cli.keys, cli.link, app -> accounts -> keys, logins | cluster.keys
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from portravox.errors import EngineUnavailable
from portravox.service.keys import ApiKeys, Keys
from portravox.service.logins import Logins, LoginTokens
from portravox.service.settings import ServiceSettings

if TYPE_CHECKING:
    from portravox.service.database.database import Database


def shared_database(settings: ServiceSettings) -> Database | None:
    """The database that machines share, with its tables; None where this one is alone.

    Raises QueueUnavailable, SettingOutOfRange, and EngineUnavailable where the extra `cluster` is
    not installed.
    """
    if settings.database_url is None:
        return None
    try:
        from portravox.service.database.database import Database
        from portravox.service.tasks.migrate import migrate_postgres
    except ImportError as error:
        lacks = "database_url needs what `pip install portravox[cluster]` brings"
        raise EngineUnavailable(lacks) from error
    database = Database(settings.database_url.get_secret_value())
    migrate_postgres(database)
    return database


def keys_of(settings: ServiceSettings) -> Keys:
    """The API keys, for commands."""
    database = shared_database(settings)
    if database is None:
        return ApiKeys(settings.keys_file)
    from portravox.service.cluster.keys import SharedKeys

    return SharedKeys(database)


def logins_of(settings: ServiceSettings) -> Logins:
    """Tokens of one-time links, for commands."""
    database = shared_database(settings)
    if database is None:
        return LoginTokens(settings.logins_dir)
    from portravox.service.cluster.keys import SharedLogins

    return SharedLogins(database)
