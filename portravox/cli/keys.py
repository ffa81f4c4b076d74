"""portravox keys: who may use the service. Works while the server runs.

Flow      cli.app -> cli.keys -> service.accounts -> keys.json in the data folder, or the database
          that machines share
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portravox.cli.options import Json
from portravox.cli.server_options import Config, DataDir
from portravox.cli.terminal import give, give_json, tell

if TYPE_CHECKING:
    from portravox.service.keys import ApiKey, Keys

app = typer.Typer(
    help="API keys of the service: create, list, revoke, webhook-secret.",
    add_completion=False,
    rich_markup_mode=None,
)


@app.command("create")
def create_command(
    name: Annotated[str, typer.Option("--name", help="Whose key it is.")] = "key",
    group: Annotated[
        str, typer.Option("--group", help="Keys of one group see the same tasks.")
    ] = "default",
    requests_per_s: Annotated[
        float | None,
        typer.Option(
            "--requests-per-s", help="Submissions, and detections, in a second.", show_default="any"
        ),
    ] = None,
    max_pending: Annotated[
        int | None, typer.Option("--max-pending", help="Tasks that wait.", show_default="any")
    ] = None,
    max_running: Annotated[
        int | None, typer.Option("--max-running", help="Videos at a time.", show_default="any")
    ] = None,
    video_s_per_day: Annotated[
        float | None,
        typer.Option("--video-s-per-day", help="Seconds of video in 24 hours.", show_default="any"),
    ] = None,
    spoken_characters_per_day: Annotated[
        int | None,
        typer.Option(
            "--spoken-characters-per-day",
            help="Characters of texts to be spoken in 24 hours.",
            show_default="any",
        ),
    ] = None,
    live_sessions: Annotated[
        int | None,
        typer.Option("--live-sessions", help="Live sessions at a time.", show_default="a share"),
    ] = None,
    live_s_per_day: Annotated[
        float | None,
        typer.Option(
            "--live-s-per-day", help="Seconds of live sessions in 24 hours.", show_default="any"
        ),
    ] = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Make a key and print it; it is never shown again."""
    from portravox.service.limits import Limits

    limits = Limits(
        requests_per_s=requests_per_s,
        max_pending=max_pending,
        max_running=max_running,
        video_s_per_day=video_s_per_day,
        spoken_characters_per_day=spoken_characters_per_day,
        live_sessions=live_sessions,
        live_s_per_day=live_s_per_day,
    )
    key, secret = _keys(data_dir, config).create(name, group=group, limits=limits)
    tell(f"key {key.key_id} of group {key.group}, shown this once:")
    give(secret)


@app.command("list")
def list_command(data_dir: DataDir = None, config: Config = None, as_json: Json = False) -> None:
    """Show all keys; the keys themselves are not known."""
    keys = _keys(data_dir, config).all()
    if as_json:
        give_json({"keys": [_as_json(key) for key in keys]})
        return
    for key in keys:
        state = "revoked" if key.revoked_at is not None else "valid"
        created = datetime.fromtimestamp(key.created_at).astimezone().isoformat(" ", "minutes")
        give(f"{key.key_id:>4}  {state:8}{created}  {key.group}  {key.name}")


@app.command("revoke")
def revoke_command(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The number that `list` shows.")],
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Refuse a key from now on; its tasks go on."""
    key = _keys(data_dir, config).revoke(key_id)
    tell(f"key {key.key_id} ({key.name}) is revoked")


@app.command("webhook-secret", short_help="Show what notices of ended tasks are signed with.")
def webhook_secret_command(
    key_id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="A key's; without it, the operator's own."),
    ] = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Show what notices of ended tasks are signed with, the newest first."""
    from portravox.service.accounts import keys_of
    from portravox.service.errors import KeyUnknown
    from portravox.service.settings import read_settings
    from portravox.service.storage.signing import open_signing_keys
    from portravox.service.tasks.outbox import OPERATOR_TENANT
    from portravox.service.webhooks.sign import webhook_secrets

    settings = read_settings({"data_dir": data_dir}, config=config)
    if key_id is not None and keys_of(settings).by_id(key_id) is None:
        raise KeyUnknown(key_id)
    signing = open_signing_keys(settings.signing_keys_file)
    for secret in webhook_secrets(signing, key_id or OPERATOR_TENANT):
        give(secret)


def _keys(data_dir: Path | None, config: Path | None) -> Keys:
    from portravox.service.accounts import keys_of
    from portravox.service.settings import read_settings

    return keys_of(read_settings({"data_dir": data_dir}, config=config))


def _as_json(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.key_id,
        "name": key.name,
        "group": key.group,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
