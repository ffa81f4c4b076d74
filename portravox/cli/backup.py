"""portravox backup, portravox restore: a copy of a server's data, and the way back.

Flow      cli.app -> cli.backup -> service.backup -> a folder
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portravox.cli.options import Json
from portravox.cli.server_options import Config, DataDir
from portravox.cli.terminal import give, give_json, tell
from portravox.errors import SettingOutOfRange

if TYPE_CHECKING:
    from portravox.service.backup import Backup, Part


def backup_command(
    target: Annotated[
        Path, typer.Argument(metavar="BACKUP", help="A new folder.", show_default=False)
    ],
    videos: Annotated[bool, typer.Option("--videos", help="Also the videos.")] = False,
    uploads: Annotated[bool, typer.Option("--uploads", help="Also the uploads.")] = False,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Copy tasks, keys and records into a new folder, while the server runs or not.

    Settings are not in it. Keep it as you keep the keys: who has it can sign links.
    """
    from portravox.service.backup import USUAL, Part, back_up
    from portravox.service.settings import read_settings

    settings = read_settings({"data_dir": data_dir}, config=config)
    parts = [*USUAL, *[Part.VIDEOS] * videos, *[Part.UPLOADS] * uploads]
    made = back_up(settings.data_dir, target, parts)
    if as_json:
        give_json(_facts(made))
        return
    tell(_sentence(made))
    give(str(made.folder))


def restore_command(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder that `backup` made.")],
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="PART",
            help="One of its parts, such as tasks or keys; may be said again.",
            show_default="all it has",
        ),
    ] = None,
    check_only: Annotated[
        bool, typer.Option("--check", help="Only read the backup to its end.")
    ] = False,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Put a backup in place of a stopped server's data, which is kept beside.

    Every file is checked first. A server that uses the folder is left alone.
    """
    from portravox.service.backup import check, restore
    from portravox.service.settings import read_settings

    parts = None if only is None else [_part(name) for name in only]
    if check_only:
        found = check(backup)
        if as_json:
            give_json(_facts(found))
            return
        tell(f"whole: {_sentence(found)}")
        return
    settings = read_settings({"data_dir": data_dir}, config=config)
    kept, found = restore(backup, settings.data_dir, parts)
    if as_json:
        give_json({**_facts(found), "kept": str(kept)})
        return
    tell(f"restored: {_sentence(found)}")
    tell(f"what was there before is kept in {kept}")


def _part(name: str) -> Part:
    from portravox.service.backup import Part

    try:
        return Part(name)
    except ValueError as error:
        raise SettingOutOfRange("only", name, ", ".join(Part)) from error


def _facts(backup: Backup) -> dict[str, object]:
    return {
        "backup": str(backup.folder),
        "made_at": backup.made_at,
        "parts": list(backup.parts),
        "files": backup.files,
        "size_bytes": backup.size_bytes,
    }


def _sentence(backup: Backup) -> str:
    made = datetime.fromtimestamp(backup.made_at).astimezone().isoformat(" ", "seconds")
    return (
        f"{', '.join(backup.parts)} of {made}, {backup.files} files, "
        f"{backup.size_bytes / (1 << 20):.1f} MiB"
    )
