"""portravox inspect: does a file say that a machine made it.

Flow      cli.app -> cli.inspect -> inspection
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from portravox.cli.options import Json
from portravox.cli.terminal import give, give_json
from portravox.system import ENVIRONMENT

NOTHING_FOUND = 1
"""Exit status where no label says so; a file that can't be read gives 2."""

_EVERYWHERE = "0.0.0.0/0,::/0"
"""Who sits at the machine may have fetched what the machine reaches."""


def inspect_command(
    file: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="A picture, sound or video, or its address.")
    ],
    trust: Annotated[
        Path | None,
        typer.Option(
            "--trust",
            envvar=f"{ENVIRONMENT}C2PA_TRUST",
            metavar="FILE",
            help="Authorities in PEM whose word on who signed is taken.",
            show_default="none",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say which labels of AI-made content FILE carries: exit status 0 if one says so, 1 if not.

    AIGC (China, GB 45438), IPTC digital source types, C2PA manifests, and our own.
    """
    from portravox.inspection import inspect_file
    from portravox.labels.signer import read_anchors

    anchors = "" if trust is None else read_anchors(trust)
    if file.startswith(("http://", "https://")):
        with tempfile.TemporaryDirectory(prefix="portravox-") as folder:
            found = inspect_file(_fetched(file, Path(folder)), anchors_pem=anchors)
    else:
        found = inspect_file(file, anchors_pem=anchors)
    if as_json:
        give_json(found.as_json())
    else:
        give(found.words)
        for mark in found.marks:
            give(f"  {mark.words}")
            for name, value in mark.fields.items():
                if value and value not in mark.words:
                    give(f"    {name}: {value}")
    if not found.says_machine_made:
        raise typer.Exit(NOTHING_FOUND)


def _fetched(url: str, folder: Path) -> Path:
    from portravox.inspection import MAX_BYTES
    from portravox.service.fetch.addresses import AddressPolicy
    from portravox.service.fetch.download import download

    target = folder / "file"
    policy = AddressPolicy.allowing(_EVERYWHERE, ports="1-65535")
    download(url, target, max_bytes=MAX_BYTES, policy=policy)
    return target
