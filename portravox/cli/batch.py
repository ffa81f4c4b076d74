"""portravox batch: many videos from one list; a row that fails never stops the others.

Flow      cli.app -> cli.batch_list, cli.batch_ledger -> cli.batch -> pipeline
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from portravox.cli.animate import described, failure
from portravox.cli.batch_ledger import NAME, Ledger, job_key
from portravox.cli.batch_list import BadRow, Row, read_list
from portravox.cli.credentials import (
    Certificates,
    Command,
    KeyFile,
    credentials_of,
    require_usable,
)
from portravox.cli.options import (
    CaptionsFont,
    Given,
    Json,
    Producer,
    job_options,
    with_job_options,
)
from portravox.cli.progress import shown_progress
from portravox.cli.terminal import give_json, in_one_line, tell
from portravox.errors import Cancelled, InputError, PortravoxError
from portravox.labels.aigc import PRODUCER
from portravox.options import JobOptions, background_kind, chosen

if TYPE_CHECKING:
    from portravox.engines.base import Avatar, Engine
    from portravox.labels.signer import Credentials
    from portravox.media.picture import Picture

OURS_FAILED, INPUTS_FAILED = 1, 2
"""Exit statuses when rows failed: at least one by our own fault, or all by their inputs."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row."""

    row: int
    output: str
    status: Literal["done", "skipped", "failed"]
    wall_s: float = 0.0
    code: str = ""
    message: str = ""
    caller_can_mend: bool = False


@with_job_options
def batch_command(
    jobs: Annotated[
        Path,
        typer.Argument(
            metavar="LIST",
            help="CSV with a heading, or JSON lines: portrait, voice or text, output (a file name,"
            " may be left out) and any option below by its name, as in template_id; of --voice"
            " that is voice_name.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the videos.")],
    force: Annotated[bool, typer.Option("--force", help="Make finished videos again.")] = False,
    *,
    given: Given,
    captions_font: CaptionsFont = None,
    producer: Producer = PRODUCER,
    c2pa_certificates: Certificates = None,
    c2pa_key_file: KeyFile = None,
    c2pa_command: Command = None,
    as_json: Json = False,
) -> None:
    """Make every video in LIST; what is finished already is not made again.

    Files are looked for beside LIST. Results are recorded in results.jsonl in the folder. Exit
    status: 0 all there, 2 rows failed and all for bad input, 1 otherwise.
    """
    job_options(given)  # what is wrong for every row is said before any is made
    credentials = credentials_of(c2pa_certificates, c2pa_key_file, c2pa_command)
    if credentials is not None:
        require_usable(credentials)
    rows = read_list(jobs)
    ledger = Ledger(output)
    engines: dict[str, Engine] = {}
    outcomes: list[Outcome] = []
    try:
        for place, row in enumerate(rows, start=1):
            outcome = _outcome(
                row,
                f"[{place}/{len(rows)}] ",
                output,
                given,
                ledger,
                engines,
                producer,
                force,
                captions_font,
                credentials,
            )
            outcomes.append(outcome)
            _tell_outcome(outcome, f"[{place}/{len(rows)}] ")
    except KeyboardInterrupt:
        tell(f"{len(outcomes)} of {len(rows)} rows handled; the same command goes on from there")
        raise
    if as_json:
        give_json(_summary(outcomes))
    else:
        _show_table(outcomes, output)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed:
        mendable = all(outcome.caller_can_mend for outcome in failed)
        raise typer.Exit(INPUTS_FAILED if mendable else OURS_FAILED)


class LastAvatar:
    """An engine that keeps the person it prepared last: lists tend to go by portrait."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known = b""
        self._avatar: Avatar | None = None
        self.name = engine.name

    def register(self, portrait: Picture, *, face: str | None = None) -> Avatar:
        """As the engine's own. Raises FaceError, SettingOutOfRange."""
        said = f"{portrait.pixels.shape}{portrait.notices}{face}{portrait.see_through}".encode()
        content = said + portrait.pixels.tobytes()
        digest = hashlib.sha256(content).digest()
        if self._avatar is None or digest != self._known:
            self._avatar = None  # both at once would double the memory
            self._avatar = self._engine.register(portrait, face=face)
            self._known = digest
        return self._avatar


def _outcome(
    row: Row | BadRow,
    title: str,
    folder: Path,
    given: Given,
    ledger: Ledger,
    engines: dict[str, Engine],
    producer: str,
    force: bool,
    captions_font: Path | None,
    credentials: Credentials | None,
) -> Outcome:
    """Make one row's video, unless it is there; nothing but a wish to stop is raised."""
    if isinstance(row, BadRow):
        if row.output:
            ledger.record_failed(row.output, "", failure(row.error))
        return _failed(row.number, row.output, row.error, 0.0)
    started = time.perf_counter()
    key = ""
    try:
        options = job_options(given, **row.settings)
        key = _key(row, options, is_signed=credentials is not None)
        if not force and ledger.is_finished(row.output, key):
            return Outcome(row.number, row.output, "skipped")
        result = _make(
            row,
            title,
            folder / row.output,
            options,
            engines,
            producer,
            captions_font,
            credentials,
        )
        ledger.record_done(row.output, key, result)
        return Outcome(row.number, row.output, "done", time.perf_counter() - started)
    except Cancelled:
        raise
    except PortravoxError as error:
        ledger.record_failed(row.output, key, failure(error))
        return _failed(row.number, row.output, error, time.perf_counter() - started)
    except Exception as error:
        # Nobody foresaw it, but the rows that follow have nothing to do with it.
        unexpected = PortravoxError(f"unexpected: {in_one_line(error)}")
        ledger.record_failed(row.output, key, failure(unexpected))
        return _failed(row.number, row.output, unexpected, time.perf_counter() - started)


def _key(row: Row, options: JobOptions, *, is_signed: bool) -> str:
    """Of all that the video depends on: with a text, on who speaks it, too."""
    settings = chosen(options)
    if is_signed:
        settings["signed"] = True
    behind = None
    if background_kind(options.background) == "picture":
        behind = Path(settings.pop("background"))
    if row.voice is None:
        from portravox.synthesis.settings import speech_of_environment

        settings["speech"] = speech_of_environment().identity
    return job_key((row.portrait, row.voice, behind), settings)


def _make(
    row: Row,
    title: str,
    path: Path,
    options: JobOptions,
    engines: dict[str, Engine],
    producer: str,
    captions_font: Path | None,
    credentials: Credentials | None,
) -> dict[str, object]:
    from portravox.engines.registry import open_engine
    from portravox.pipeline import animate

    name = options.engine
    if name not in engines:
        engines[name] = LastAvatar(open_engine(name))
    with shown_progress(title, lines=False) as on_progress:
        made = animate(
            row.portrait,
            row.voice,
            path,
            producer=producer,
            credentials=credentials,
            captions_font=captions_font,
            on_progress=on_progress,
            **{**asdict(options), "engine": engines[name]},
        )
    for notice in made.notices:
        tell(f"{title}note: {notice}")
    return described(made)


def _failed(number: int, output: str, error: PortravoxError, wall_s: float) -> Outcome:
    mendable = isinstance(error, InputError)
    return Outcome(number, output, "failed", wall_s, error.code, str(error), mendable)


def _tell_outcome(outcome: Outcome, title: str) -> None:
    if outcome.status == "failed":
        tell(f"{title}failed: {outcome.message}")
    else:
        tell(f"{title}{outcome.status}: {outcome.output}")


def _summary(outcomes: list[Outcome]) -> dict[str, object]:
    counts = {
        status: sum(outcome.status == status for outcome in outcomes)
        for status in ("done", "skipped", "failed")
    }
    rows = [
        {
            "row": outcome.row,
            "output": outcome.output,
            "status": outcome.status,
            "wall_s": round(outcome.wall_s, 3),
            **({"code": outcome.code, "message": outcome.message} if outcome.code else {}),
        }
        for outcome in outcomes
    ]
    return {"rows_in_all": len(outcomes), **counts, "rows": rows}


def _show_table(outcomes: list[Outcome], folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("row", "video", "outcome", "seconds")
    for outcome in outcomes:
        words = outcome.message if outcome.status == "failed" else outcome.status
        wall = f"{outcome.wall_s:.1f}" if outcome.wall_s else ""
        table.add_row(str(outcome.row), Text(outcome.output), Text(words), wall)
    console = Console()
    if console.is_terminal:  # elsewhere each row has had its line
        console.print(table)
    counts = _summary(outcomes)
    console.print(
        f"{counts['done']} made, {counts['skipped']} finished before, {counts['failed']} failed;"
        f" see {folder / NAME}",
        markup=False,
        highlight=False,
    )
