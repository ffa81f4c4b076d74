"""portravox client: ask a server, ours or the original, to make a video.

Flow      cli.app -> cli.client -> client.api -> a server
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from portravox.cli.animate import failure, require_one_voice
from portravox.cli.examples import examples
from portravox.cli.options import Given, Json, job_options, with_job_options
from portravox.cli.paths import require_mp4
from portravox.cli.progress import LINE_EVERY, WORDS, bar
from portravox.cli.terminal import give, give_json, tell
from portravox.cli.uploadable import uploadable
from portravox.errors import ModelUnavailable, PortravoxError, SettingOutOfRange
from portravox.options import EXTENSION, as_parameters, background_kind

if TYPE_CHECKING:
    from portravox.client.api import LiveportraitClient, Report

app = typer.Typer(
    help="Ask a server, ours or the original, to make a video.",
    add_completion=False,
    rich_markup_mode=None,
)

BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="The server; else PORTRAVOX_BASE_URL, else DASHSCOPE_HTTP_BASE_URL.",
        show_default="http://127.0.0.1:8000",
    ),
]
ApiKeyFile = Annotated[
    Path | None,
    typer.Option(
        "--api-key-file",
        metavar="FILE",
        help="Has the key; else PORTRAVOX_API_KEY, else DASHSCOPE_API_KEY.",
    ),
]
TaskId = Annotated[str, typer.Argument(metavar="TASK", help="The id that `submit` printed.")]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="The MP4 to write when it is made."),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0.0,
        help="How long to wait.",
        show_default="as long as it takes",
    ),
]

STAGES = {
    **WORDS,
    "download": "fetching the files",
    "speak": "speaking the text",
    "publish": "storing the video",
}
"""The stages of a server of ours, for people."""

NOT_FIT = 1
"""Exit status of `detect` for a picture that will not do, as of `check`."""


@app.command(
    "submit",
    short_help="Have PORTRAIT say what VOICE says, or a text; prints an id.",
    epilog=examples("client submit"),
)
@with_job_options
def submit_command(
    portrait: Annotated[
        str, typer.Argument(metavar="PORTRAIT", help="A picture: a file or an address.")
    ],
    voice: Annotated[
        str | None,
        typer.Argument(metavar="VOICE", help="A recording: a file or an address; or --text."),
    ] = None,
    output: Output = None,
    *,
    given: Given,
    timeout_s: Timeout = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key",
            metavar="TEXT",
            help="A server of ours makes one task of all submissions with the same.",
            show_default="a new one",
        ),
    ] = None,
    webhook_url: Annotated[
        str | None,
        typer.Option(
            "--webhook-url", metavar="URL", help="Who is told of the end; by servers of ours."
        ),
    ] = None,
    consent: Annotated[
        str | None,
        typer.Option(
            "--consent",
            metavar="ID",
            help="Agree to the statement that `portravox client consent` shows.",
        ),
    ] = None,
    base_url: BaseUrl = None,
    api_key_file: ApiKeyFile = None,
    as_json: Json = False,
) -> None:
    """Have the person in PORTRAIT say what is heard in VOICE, or a text; prints the task's id.

    Files are uploaded first. With -o, waits for the video.
    """
    with _asking(base_url, api_key_file, as_json) as client:
        from portravox.client.api import require_writable

        require_one_voice(voice, given)
        options = job_options(given)  # refused before anything is uploaded
        parameters, behind = as_parameters(options), None
        if background_kind(options.background) == "picture":
            behind, parameters[EXTENSION] = options.background, dict(parameters[EXTENSION])
            del parameters[EXTENSION]["background"]
        if output is not None:
            require_mp4(output)
            require_writable(output)
        elif options.captions in ("srt", "vtt"):
            raise SettingOutOfRange("captions", options.captions, "-o, beside which they are put")
        with (
            uploadable(portrait, voice) as (picture, sound),
            uploadable(behind) if behind else contextlib.nullcontext((None, None)) as (wall, _),
        ):
            task_id = client.submit(
                picture,
                sound,
                parameters,
                idempotency_key=idempotency_key,
                webhook_url=webhook_url,
                background=wall,
                consent=consent,
            )
        if output is None:
            _give_task(task_id, as_json)
            return
        tell(f"task {task_id}")
        beside = options.captions in ("srt", "vtt")
        _wait(client, task_id, output, timeout_s, as_json, captions=beside)


@app.command("consent", short_help="Show the statement to agree to, and its id.")
def consent_command(
    base_url: BaseUrl = None,
    api_key_file: ApiKeyFile = None,
    as_json: Json = False,
) -> None:
    """Show the statement to agree to with each task, and its id for `submit --consent`."""
    with _asking(base_url, api_key_file, as_json) as client:
        found = client.statement()
    if as_json:
        named, said = found or (None, None)
        give_json({"id": named, "text": said})
    elif found is None:
        tell("this server asks for no statement")
    else:
        give(found[1])
        give(f"--consent {found[0]}")


@app.command("wait", short_help="Wait until a task has ended; fetch its video.")
def wait_command(
    task_id: TaskId,
    output: Output = None,
    captions: Annotated[
        bool, typer.Option("--captions", help="Fetch captions, too, where there are some.")
    ] = False,
    timeout_s: Timeout = None,
    base_url: BaseUrl = None,
    api_key_file: ApiKeyFile = None,
    as_json: Json = False,
) -> None:
    """Wait until a task has ended; fetch its video, or print the video's address."""
    with _asking(base_url, api_key_file, as_json) as client:
        from portravox.client.api import require_writable

        if output is not None:
            require_mp4(output)
            require_writable(output)
        _wait(client, task_id, output, timeout_s, as_json, captions=captions)


@app.command("cancel")
def cancel_command(
    task_id: TaskId,
    force: Annotated[
        bool, typer.Option("--force", help="Also if it runs; on servers of ours.")
    ] = False,
    base_url: BaseUrl = None,
    api_key_file: ApiKeyFile = None,
    as_json: Json = False,
) -> None:
    """Cancel a task that has not begun yet."""
    with _asking(base_url, api_key_file, as_json) as client:
        client.cancel(task_id, force=force)
        if as_json:
            give_json({"task_id": task_id, "canceled": True})
        else:
            tell(f"task {task_id} is canceled")


@app.command("list")
def list_command(
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="STATE", help="PENDING, RUNNING, SUCCEEDED, ..."),
    ] = None,
    page_no: Annotated[int, typer.Option("--page-no", min=1)] = 1,
    page_size: Annotated[int, typer.Option("--page-size", min=1, max=100)] = 10,
    base_url: BaseUrl = None,
    api_key_file: ApiKeyFile = None,
    as_json: Json = False,
) -> None:
    """Show the tasks of the last 24 hours, the newest first."""
    with _asking(base_url, api_key_file, as_json) as client:
        filters = {"page_no": str(page_no), "page_size": str(page_size)}
        if status is not None:
            filters["status"] = status.upper()
        page = client.list(filters)
        if as_json:
            give_json(page)
            return
        for row in page["data"]:
            give(f"{row.get('task_id')}  {row.get('status'):9}  {_local(row.get('gmt_create'))}")
        tell(f"page {page_no} of {page.get('total_page')}; tasks in all: {page.get('total')}")


@app.command("detect", short_help="Say whether PORTRAIT can be animated.")
def detect_command(
    portrait: Annotated[
        str, typer.Argument(metavar="PORTRAIT", help="A picture: a file or an address.")
    ],
    base_url: BaseUrl = None,
    api_key_file: ApiKeyFile = None,
    as_json: Json = False,
) -> None:
    """Say whether PORTRAIT can be animated: exit status 0 if so, 1 if not."""
    with (
        _asking(base_url, api_key_file, as_json) as client,
        uploadable(portrait) as (picture, _),
    ):
        verdict = client.detect(picture)
    if as_json:
        give_json({"pass": verdict.passed, "message": verdict.message})
    else:
        give("yes" if verdict.passed else f"no: {verdict.message}")
    if not verdict.passed:
        raise typer.Exit(NOT_FIT)


@contextlib.contextmanager
def _asking(
    base_url: str | None, api_key_file: Path | None, as_json: bool
) -> Iterator[LiveportraitClient]:
    """A client for the server that was named; errors become JSON too where that is wanted."""
    from portravox.client.access import find_access

    try:
        from portravox.client.api import LiveportraitClient
        from portravox.client.connection import Connection, Patience
    except ModuleNotFoundError as error:
        missing = ModelUnavailable(f"a library is missing: {error.name}")
        missing.hint = "Install it with pip install 'portravox[client]'."
        raise missing from error
    try:
        access = find_access(os.environ, base_url=base_url, api_key_file=api_key_file)
        with Connection(access, patience=Patience(on_retry=_tell_retry)) as connection:
            yield LiveportraitClient(connection)
    except PortravoxError as error:
        if as_json:
            give_json({"error": failure(error)})
        raise


def _tell_retry(error: PortravoxError, pause_s: float) -> None:
    tell(f"note: {error}; trying again in {pause_s:.1f} s")


def _give_task(task_id: str, as_json: bool) -> None:
    if as_json:
        give_json({"task_id": task_id})
    else:
        give(task_id)


def _wait(
    client: LiveportraitClient,
    task_id: str,
    output: Path | None,
    timeout_s: float | None,
    as_json: bool,
    *,
    captions: bool,
) -> None:
    """Wait, and fetch the video; captions go beside it, under its name."""
    from portravox.client.waiting import wait_for_end

    with _shown_reports() as on_report:
        report = wait_for_end(client, task_id, timeout_s=timeout_s, on_report=on_report)
    url = report.video_url or ""
    beside = None
    if output is not None:
        client.download(url, output)
        if captions and report.captions_url is not None:
            beside = output.with_suffix(captions_suffix(report.captions_url))
            client.download(report.captions_url, beside)
    if as_json:
        made: dict[str, object] = {
            "task_id": task_id,
            "video_url": url,
            "video_s": report.video_s,
            "path": None if output is None else str(output),
            "captions": None if beside is None else str(beside),
        }
        give_json(made)
    else:
        give(url if output is None else str(output))
        if beside is not None:
            give(str(beside))


def captions_suffix(url: str) -> str:
    """Of a file of captions, by its address: .vtt unless that says .srt."""
    return ".srt" if urlsplit(url).path.endswith(".srt") else ".vtt"


@contextlib.contextmanager
def _shown_reports() -> Iterator[Callable[[Report], None]]:
    """What to do with reports: a bar on a terminal, lines elsewhere."""
    if not sys.stderr.isatty():
        yield ProgressLines()
        return
    with bar() as show:
        yield lambda report: show(
            report.done or 0.0, in_words(report, on_bar=True), report.remaining_s
        )


class ProgressLines:
    """Tells how far a task is, whenever that has changed by enough to be worth a line."""

    def __init__(self) -> None:
        self._last: tuple[object, ...] = ()

    def __call__(self, report: Report) -> None:
        tenths = None if report.done is None else int(report.done / LINE_EVERY)
        state = (report.status, report.stage, tenths, report.queue_position)
        if state != self._last:
            self._last = state
            tell(in_words(report))


def in_words(report: Report, *, on_bar: bool = False) -> str:
    """Where a task stands, for people; less what a bar shows by itself."""
    told = report.remaining_s is not None and not on_bar
    left = f", {report.remaining_s:.0f} s left" if told else ""
    if report.status == "PENDING" and report.queue_position is not None:
        match report.queue_position:
            case 0:
                return f"waiting, next in turn{left}"
            case 1:
                return f"waiting, 1 task comes first{left}"
            case more:
                return f"waiting, {more} tasks come first{left}"
    if report.status == "RUNNING" and report.done is not None:
        stage = STAGES.get(report.stage or "", report.stage or "running")
        return stage if on_bar else f"{report.done:4.0%} {stage}{left}"
    return {
        "PENDING": "waiting",
        "RUNNING": "running",
        "SUCCEEDED": "done",
    }.get(report.status, report.status)


def _local(milliseconds: object) -> str:
    """A moment on the clock of this machine."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return "?"
    return datetime.fromtimestamp(milliseconds / 1000).astimezone().isoformat(" ", "seconds")
