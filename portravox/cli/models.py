"""portravox models: files of trained networks: fetch, list, verify, path.

Flow      cli.app -> cli.models -> model_files
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from portravox.cli.options import Json
from portravox.cli.terminal import give, give_json, tell
from portravox.errors import FileMissing, SettingOutOfRange, TermsNotAccepted
from portravox.model_files.catalogue import OPTIONAL_SETS, SETS, ModelFile, ModelSet, PipPackage
from portravox.model_files.store import find, folder_to_fetch_into, missing_files, state_of
from portravox.model_files.terms import are_accepted, remember

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
        help=f"Which: {', '.join(each.name for each in (*SETS, *OPTIONAL_SETS))}; left out,"
        f" {' and '.join(each.name for each in SETS)}.",
        show_default=False,
    ),
]


@app.command("fetch", short_help="Fetch files that are missing or broken, once.")
def fetch_command(
    sets: Sets = None,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="WHERE",
            help="A wheel downloaded elsewhere, which may be repeated; for neural a folder with the"
            " files, or the address of a mirror of the hub.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Fetch also what is there already.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept-licences", help="Accept the licences that are shown.")
    ] = False,
) -> None:
    """Fetch files that are missing or broken, once: by pip, whose index and proxies hold, or, for
    neural, from a model hub, whose licences are shown and have to be accepted."""
    from portravox.model_files.fetch import fetch_missing

    wheels, elsewhere = _places(sources or [])
    chosen = _named(sets)
    for each in chosen:
        _agree(each, accept)
    fetched = fetch_missing(chosen, again=again, wheels=wheels, elsewhere=elsewhere, tell=tell)
    for file in fetched:
        give(f"{file.name}  {file.bytes / 1e6:.1f} MB")
    if not fetched:
        give("all there")


def _places(sources: list[str]) -> tuple[list[Path], str | Path | None]:
    """Wheels, and the first folder or else address of a mirror. Raises FileMissing."""
    addresses = [given for given in sources if "://" in given]
    paths = [Path(given) for given in sources if "://" not in given]
    for path in paths:
        if not path.exists():
            raise FileMissing(path)
    places: list[str | Path] = [*(path for path in paths if path.is_dir()), *addresses]
    return [path for path in paths if path.is_file()], places[0] if places else None


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """Show all files: what each is for, and whether it is there."""
    if as_json:
        known = (*SETS, *OPTIONAL_SETS)
        give_json({"files": [_as_json(each, file) for each in known for file in each.files]})
        return
    for each in (*SETS, *OPTIONAL_SETS):
        give(f"{each.name}: for {each.needed_for}")
        for file in each.files:
            size = f"{file.bytes / 1e6:.1f} MB"
            give(f"  {state_of(file):8}{file.name:40}{size:>7}  {file.purpose}")


@app.command("verify", short_help="Compare the SHA-256 of all files.")
def verify_command(sets: Sets = None) -> None:
    """Compare the SHA-256 of all files: exit status 0 if they are there and right, else 1."""
    begun = tuple(each for each in OPTIONAL_SETS if any(map(find, each.files)))
    wrong = missing_files(_named(sets) if sets else (*SETS, *begun))
    for file in wrong:
        place = find(file)
        give(f"{state_of(file)}: {place or file.name}")
    if wrong:
        tell("hint: Run `portravox models fetch`.")
        raise typer.Exit(SOMETHING_WRONG)
    give("all there, and as they should be")


@app.command("path", short_help="Print the folder that files are fetched into.")
def path_command() -> None:
    """Print the folder that files are fetched into; PORTRAVOX_MODELS_DIR names another one."""
    give(str(folder_to_fetch_into()))


def _agree(each: ModelSet, accept: bool) -> None:
    """Show the terms of a set, once, and go on where they are accepted."""
    folder = folder_to_fetch_into()
    if not each.terms or are_accepted(each, folder) or not missing_files((each,)):
        return
    for line in each.terms:
        tell(line)
    if not accept and not (sys.stdin.isatty() and typer.confirm("Accept?", err=True)):
        raise TermsNotAccepted(each.name)
    remember(each, folder)


def _named(names: list[str] | None) -> tuple[ModelSet, ...]:
    known = {each.name: each for each in (*SETS, *OPTIONAL_SETS)}
    for name in names or ():
        if name not in known:
            raise SettingOutOfRange("SET", name, f"one of {', '.join(known)}")
    return tuple(known[name] for name in names) if names else SETS


def _as_json(each: ModelSet, file: ModelFile) -> dict[str, object]:
    place = find(file)
    return {
        "set": each.name,
        "name": file.name,
        "purpose": file.purpose,
        "state": state_of(file),
        "path": str(place) if place else None,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "package": f"{file.source.name}=={file.source.version}"
        if isinstance(file.source, PipPackage)
        else f"{file.source.name}@{file.source.revision}",
        "licence": file.source.licence,
    }
