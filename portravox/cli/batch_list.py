"""The list of a batch: rows of a CSV or JSON-lines file, each checked by itself.

Flow      a path -> cli.batch_list -> Row, BadRow -> cli.batch
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from portravox.errors import (
    FileMissing,
    InputError,
    ListUnreadable,
    OutputNotWritable,
)
from portravox.options import OPTIONS, background_kind

MAX_BYTES = 64 * 1024 * 1024
"""Of the list. A hundred thousand rows have about 10 MB; our choice."""

FILES = ("portrait", "voice", "output")


@dataclass(frozen=True, slots=True)
class Row:
    """One video to make."""

    number: int
    """From 1, the heading not counted."""

    portrait: Path
    voice: Path | None
    """None where a text is spoken."""

    output: str
    """File name within the folder of the results, unique within the list."""

    settings: Mapping[str, object]
    """What this row says about itself, by the parameters' names of `animate`."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be understood."""

    number: int
    error: InputError

    output: str = ""
    """As of a good row, where it is known."""


def read_list(path: Path) -> list[Row | BadRow]:
    """All rows in order. Portraits and voices are looked for beside the list.

    Which of both kinds it is tells the first character: JSON lines begin with a brace.

    Raises FileMissing, and ListUnreadable where nothing can be made of the list as a whole.
    """
    text = _text(path)
    is_json = text.lstrip().startswith("{")
    raw = list(_json_rows(text) if is_json else _csv_rows(path.name, text))
    if not raw:
        raise ListUnreadable(f"{path.name} has no rows; wanted at least one")
    names = _Names(cells for cells in raw if not isinstance(cells, InputError))
    rows: list[Row | BadRow] = []
    for number, cells in enumerate(raw, start=1):
        try:
            if isinstance(cells, InputError):
                raise cells
            rows.append(_row(number, cells, path.parent, names))
        except InputError as error:
            rows.append(BadRow(number, error))
    return rows


class _Names:
    """Gives each row a file name of its own; names that rows ask for come first."""

    def __init__(self, rows: Iterable[Mapping[str, object]]) -> None:
        self._asked_for: set[str] = set()
        self._taken: set[str] = set()
        for cells in rows:
            with contextlib.suppress(OutputNotWritable):
                self._asked_for.add(_output_name(cells.get("output")))

    def take(self, value: object) -> str:
        """The name a row asks for. Raises OutputNotWritable where it can't have it."""
        name = _output_name(value)
        if name in self._taken:
            raise OutputNotWritable(name, "an earlier row of the list has the same name")
        self._taken.add(name)
        return name

    def invent(self, stem: str) -> str:
        """A name that no other row has or asks for."""
        name, count = f"{stem}.mp4", 1
        while name in self._taken or name in self._asked_for:
            count += 1
            name = f"{stem}-{count}.mp4"
        self._taken.add(name)
        return name


def _text(path: Path) -> str:
    if not path.is_file():
        raise FileMissing(path, "not a file" if path.exists() else "no such file")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ListUnreadable(f"{path.name} is larger than {MAX_BYTES // 2**20} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise FileMissing(path, error.strerror or str(error)) from error
    return _decoded(path, content)


def _decoded(path: Path, content: bytes) -> str:
    """The text in the encodings that Excel writes: UTF-8, UTF-16 ("Unicode text"), or the code page
    of Chinese or Western Windows ("CSV"), of which that counts whose names are files."""
    wide = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}.get(content[:2])
    if wide is None and content[1:2] == b"\0":
        wide = "utf-16-le"
    elif wide is None and content[:1] == b"\0":
        wide = "utf-16-be"
    try:
        return content.decode(wide or "utf-8-sig")  # spreadsheets put a mark before the text
    except UnicodeDecodeError as error:
        if wide is None:
            found = {code: _files_named(path.parent, content, code) for code in CODE_PAGES}
            best = max(CODE_PAGES, key=lambda code: found[code])
            if found[best] > 0 or (found[best] == 0 and best == CODE_PAGES[0]):
                return content.decode(best)
        raise _not_text(path.name, error) from error


CODE_PAGES = ("gb18030", "cp1252")
"""Tried in this order where a list is no UTF-8."""


def _files_named(folder: Path, content: bytes, code: str) -> int:
    """How many cells name files, read in this code page; -1 where it does not fit."""
    try:
        text = content.decode(code)
    except UnicodeDecodeError:
        return -1
    cells = {cell.strip(' "') for cell in re.split(r"[,;\t\r\n]", text[:100_000])}
    return sum(
        not cell.isascii() and "\0" not in cell and (folder / cell).is_file() for cell in cells
    )


def _not_text(name: str, error: UnicodeDecodeError) -> ListUnreadable:
    unreadable = ListUnreadable(f"{name} is not UTF-8 text (byte {error.start})")
    unreadable.hint = "Save it as CSV UTF-8, which spreadsheets offer beside CSV."
    return unreadable


def _json_rows(text: str) -> Iterator[Mapping[str, object] | InputError]:
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
        except ValueError as error:
            yield ListUnreadable(f"the line is not JSON: {error}")
            continue
        if isinstance(cells, dict):
            yield cells
        else:
            yield ListUnreadable(f"the line is {type(cells).__name__}; wanted a JSON object")


_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?[^\S\n]*\n', re.IGNORECASE)
"""The line with which Excel is told what parts cells."""


def _csv_rows(name: str, text: str) -> Iterator[Mapping[str, object] | InputError]:
    separator = _SEPARATOR.match(text)
    if separator is not None:
        text = text[separator.end() :]
    heading = text.split("\n", 1)[0]
    # Where the comma is the decimal sign, spreadsheets write semicolons.
    delimiter = separator[1] if separator else max(",;\t", key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [_setting_name(column) for column in next(reader, [])]
        _require_columns(name, columns)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(columns):
                yield ListUnreadable(f"the row has {len(cells)} cells; wanted {len(columns)}")
                continue
            filled = zip(columns, cells, strict=False)  # cells left out at the end are empty
            yield {column: cell.strip() for column, cell in filled}
    except csv.Error as error:
        raise ListUnreadable(f"{name}, line {reader.line_num}: {error}") from error


def _require_columns(name: str, columns: Sequence[str]) -> None:
    """Raise ListUnreadable where one is missing, or one is nobody's."""
    if "portrait" not in columns:
        raise ListUnreadable(f"{name} has no column 'portrait'; found {_listed(columns)}")
    if "voice" not in columns and "text" not in columns:
        raise ListUnreadable(
            f"{name} has neither a column 'voice' nor one 'text'; found {_listed(columns)}"
        )
    for column in columns:
        if column not in FILES and column not in OPTIONS:
            raise ListUnreadable(f"{name} has an unknown column {column!r}; {_known()}")


def _row(number: int, cells: Mapping[str, object], folder: Path, names: _Names) -> Row | BadRow:
    """A row of text or JSON values, checked; empty ones count as not there."""
    known = {_setting_name(name): value for name, value in cells.items()}
    given = {name: value for name, value in known.items() if value not in (None, "")}
    if ("voice" in given) and ("text" in given):
        raise ListUnreadable("the row has both a voice and a text; wanted one of them")
    for needed in ("portrait", *(() if "text" in given else ("voice",))):
        if not isinstance(given.get(needed), str):
            raise ListUnreadable(f"{needed} is {given.get(needed)!r}; wanted the name of a file")
    portrait = folder / str(given["portrait"])
    voice = folder / str(given["voice"]) if "voice" in given else None
    if "output" in given:
        output = names.take(given["output"])
    else:
        output = names.invent(f"{portrait.stem}-{'text' if voice is None else voice.stem}")
    try:
        settings = _settings(given, folder)
    except InputError as error:
        return BadRow(number, error, output)
    return Row(number, portrait, voice, output, settings)


def _settings(given: Mapping[str, object], folder: Path) -> dict[str, object]:
    """The options of a row; a background that is a picture lies beside the list. Raises
    InputError."""
    settings = {name: _setting(name, given[name]) for name in given if name not in FILES}
    background = settings.get("background")
    if isinstance(background, str) and background_kind(background) == "picture":
        settings["background"] = str(folder / background)
    return settings


def _setting(name: str, value: object) -> object:
    if name not in OPTIONS:
        raise ListUnreadable(f"unknown parameter {name!r}; {_known()}")
    option = OPTIONS[name]
    return option.from_text(value) if isinstance(value, str) else option.from_json(value)


def _output_name(value: object) -> str:
    """A plain file name: a list from elsewhere must not write all over the disk."""
    name = str(value)
    if Path(name).name != name or name in (".", "..") or "\0" in name:
        raise OutputNotWritable(name, "wanted a file name without folders")
    if name.startswith("."):
        raise OutputNotWritable(name, "wanted a file name that is not hidden")
    return name if name.lower().endswith(_ENDINGS) else f"{name}.mp4"


_ENDINGS = (".mp4", ".webm", ".mov")
"""The last two are for transparent backgrounds; `animate` says so."""


def _setting_name(name: str) -> str:
    return name.strip().lower().replace("-", "_")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"


def _known() -> str:
    return f"known are {', '.join((*FILES, *OPTIONS))}"
