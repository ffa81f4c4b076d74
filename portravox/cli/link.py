"""portravox link: a link that signs a browser in at the page, once.

Flow      cli.app -> cli.link -> service.logins -> the terminal -> a browser
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from portravox.cli.server_options import Config, DataDir
from portravox.cli.terminal import give, tell

if TYPE_CHECKING:
    from portravox.service.settings import ServiceSettings


def link_command(
    data_dir: DataDir = None,
    config: Config = None,
    public_url: Annotated[
        str | None,
        typer.Option("--public-url", metavar="URL", help="Where the browser reaches the server."),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Of the server.", show_default="8000")
    ] = None,
) -> None:
    """Print a link that signs a browser in at the studio, once, within ten minutes."""
    from portravox.service.settings import read_settings

    flags = {"data_dir": data_dir, "public_url": public_url, "port": port}
    settings = read_settings(flags, config=config)
    url = settings.public_url or f"http://127.0.0.1:{settings.port}"
    tell("opens the studio; works once, within ten minutes")
    give(login_link(settings, url))


def login_link(settings: ServiceSettings, url: str) -> str:
    """The studio's address with a fresh token.

    Behind the #, which browsers send to no server and into no log.
    """
    from portravox.service.accounts import logins_of

    return f"{url}/#login={logins_of(settings).create()}"
