"""What signs videos that are made here: flags and the environment, as one value.

Flow      cli.animate, cli.batch, cli.demo -> cli.credentials -> labels.signer
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portravox.errors import CredentialsUnusable
from portravox.system import ENVIRONMENT

if TYPE_CHECKING:
    from portravox.labels.signer import Credentials

KEY = f"{ENVIRONMENT}C2PA_KEY"
"""Environment variable: the key itself, in PEM. A flag would show it to all users of a machine."""

Certificates = Annotated[
    Path | None,
    typer.Option(
        "--c2pa-certificates",
        envvar=f"{ENVIRONMENT}C2PA_CERTIFICATES",
        metavar="FILE",
        help="Sign where the video comes from: certificates in PEM, the signer's first.",
        show_default="not signed",
    ),
]

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--c2pa-key-file",
        envvar=f"{ENVIRONMENT}C2PA_KEY_FILE",
        metavar="FILE",
        help=f"Their key in PEM; or {KEY} holds it.",
    ),
]

Command = Annotated[
    str | None,
    typer.Option(
        "--c2pa-command",
        envvar=f"{ENVIRONMENT}C2PA_COMMAND",
        metavar="COMMAND",
        help="Or a program that signs its standard input.",
    ),
]


def credentials_of(
    certificates: Path | None, key_file: Path | None, command: str | None
) -> Credentials | None:
    """What was named; None where nothing was. Raises CredentialsUnusable."""
    from portravox.labels.signer import Credentials

    if certificates is None:
        if key_file is not None or command is not None:
            raise CredentialsUnusable(
                "a key without certificates", hint="Name them with --c2pa-certificates."
            )
        return None
    return Credentials(
        certificates=certificates,
        key_file=key_file,
        key=os.environ.get(KEY) or None,
        command=command,
    )


def require_usable(credentials: Credentials) -> None:
    """Raise CredentialsUnusable now rather than with the first video of many."""
    from portravox.labels.signer import open_signer

    open_signer(credentials)
