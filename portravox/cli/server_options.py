"""Options that name a server's data and settings, shared by the commands beside it.

Flow      cli.server_options -> cli.serve, cli.link, cli.keys, cli.backup
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file with settings by their names."),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="FOLDER",
        help="Tasks, videos, uploads and keys.",
        show_default="~/.local/share/portravox",
    ),
]
