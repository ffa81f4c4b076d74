"""A form with one file, read as it comes: first its fields, then the file.

Flow      routes.uploads: pieces of a body -> multipart.FileForm -> fields, a spooled file

Whoever may not send a file is told so when the fields have come, before a byte of it is kept. The
fields stand before the file in what the contract's clients send; what comes behind it is passed
over, as object storages do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from portravox.service.errors import UploadMalformed, UploadTooLarge

FILE = "file"
"""Name of the part that is the file."""

MAX_FIELDS = 32
MAX_FIELDS_BYTES = 64 * 1024
"""Of all fields together, names included; real forms have eight and 2 kB. Our choice."""

Accept = Callable[[Mapping[str, str]], int]
"""fields -> the most bytes the file may have. Raises to refuse it."""


class FileForm:
    """Takes a multipart body piece by piece. What goes wrong is raised by `write` and `finish`.

    UploadMalformed   it is no such form
    UploadTooLarge    more fields, or a larger file, than may be
    """

    def __init__(self, content_type: str, accept: Accept) -> None:
        """content_type: the request's header. Raises UploadMalformed where it names no form."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise UploadMalformed
        self.fields: dict[str, str] = {}
        self._accept = accept
        self._header = bytearray()
        self._header_name = b""
        self._name: str | None = None
        self._value = bytearray()
        self._field_bytes = 0
        self._max_bytes: int | None = None
        self._file_ended = False
        self._ended = False
        self._received_bytes = 0
        self._passed_over_bytes = 0
        self._file = bytearray()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_piece,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise UploadMalformed from error

    @property
    def has_file(self) -> bool:
        """Whether the file has begun, and was accepted."""
        return self._max_bytes is not None

    def write(self, piece: bytes) -> bytes:
        """Read the next piece of the body; gives what of the file was in it."""
        if self._file_ended:
            self._passed_over_bytes += len(piece)
            if self._passed_over_bytes > MAX_FIELDS_BYTES:
                raise UploadTooLarge("What follows the file exceeds the maximum allowed size.")
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise UploadMalformed from error
        found, self._file = self._file, bytearray()
        return bytes(found)

    def finish(self) -> Mapping[str, str]:
        """The fields, once the body is at its end, which has to be that of the form."""
        if not (self._ended and self._file_ended):
            raise UploadMalformed
        return self.fields

    def _on_part_begin(self) -> None:
        self._name = None
        self._value.clear()

    def _on_header_piece(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        if not self._header_name:
            self._header_name, self._header = bytes(self._header).lower(), bytearray()
        self._on_header_piece(data, start, end)

    def _on_header_end(self) -> None:
        if self._header_name == b"content-disposition":
            _, options = parse_options_header(self._header.decode("latin-1"))
            self._name = _text(options.get(b"name", b""))
        self._header_name, self._header = b"", bytearray()

    def _on_headers_finished(self) -> None:
        if not self._name:
            raise UploadMalformed
        if self._name == FILE and not self.has_file:
            self._max_bytes = self._accept(self.fields)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            assert self._max_bytes is not None
            self._received_bytes += end - start
            if self._received_bytes > self._max_bytes:
                raise UploadTooLarge("Your proposed upload exceeds the maximum allowed size.")
            self._file += data[start:end]
        elif not self._file_ended:
            self._field_bytes += end - start
            if self._field_bytes > MAX_FIELDS_BYTES:
                raise UploadTooLarge("The fields of the form exceed the maximum allowed size.")
            self._value += data[start:end]

    def _on_part_end(self) -> None:
        if self._is_file:
            self._file_ended = True
        elif not self._file_ended:
            assert self._name is not None
            self._field_bytes += len(self._name)
            self.fields[self._name] = _text(bytes(self._value))
            if len(self.fields) > MAX_FIELDS:
                raise UploadTooLarge("The form has more fields than allowed.")

    def _on_end(self) -> None:
        self._ended = True

    @property
    def _is_file(self) -> bool:
        return self.has_file and not self._file_ended


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise UploadMalformed from error
