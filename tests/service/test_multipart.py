"""Forms: fields first, judged before the file, whatever pieces the body comes in."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from portravox.service.errors import UploadForbidden, UploadMalformed, UploadTooLarge
from portravox.service.multipart import MAX_FIELDS, MAX_FIELDS_BYTES, FileForm

KIND = "multipart/form-data; boundary=b"
CONTENT = bytes(range(256)) * 40


def part(name: str, value: bytes, *, more: str = "") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--b--\r\n"


FILE = part("file", CONTENT, more='; filename="a.wav"\r\nContent-Type: audio/wav')


def read(
    whole: bytes, *, size: int = 1 << 20, max_bytes: int = 1 << 20
) -> tuple[Mapping[str, str], bytes]:
    form = FileForm(KIND, lambda fields: max_bytes)
    file = b"".join(form.write(whole[at : at + size]) for at in range(0, len(whole), size))
    return form.finish(), file


@pytest.mark.parametrize("size", [1, 2, 7, 100, 4096, 1 << 20])
def test_pieces_make_no_difference(size: int) -> None:
    whole = body(part("key", b"d/a.wav"), part("policy", "né".encode()), FILE)
    fields, file = read(whole, size=size)
    assert fields == {"key": "d/a.wav", "policy": "né"}
    assert file == CONTENT


def test_the_fields_are_judged_before_the_file_is_kept() -> None:
    judged: list[Mapping[str, str]] = []

    def refuse(fields: Mapping[str, str]) -> int:
        judged.append(dict(fields))
        raise UploadForbidden("no")

    form = FileForm(KIND, refuse)
    assert form.write(part("key", b"k")) == b""
    assert not form.has_file
    with pytest.raises(UploadForbidden):
        form.write(FILE)
    assert judged == [{"key": "k"}]


def test_what_follows_the_file_is_passed_over() -> None:
    second = part("file", b"another")
    fields, file = read(body(part("key", b"k"), FILE, part("key", b"other"), second))
    assert (fields, file) == ({"key": "k"}, CONTENT)
    with pytest.raises(UploadTooLarge):
        read(body(FILE, part("x", b"x" * 2 * MAX_FIELDS_BYTES)), size=1000)


def test_a_file_is_as_large_as_it_may_be_and_no_larger() -> None:
    assert read(body(FILE), max_bytes=len(CONTENT))[1] == CONTENT
    with pytest.raises(UploadTooLarge):
        read(body(FILE), max_bytes=len(CONTENT) - 1)


@pytest.mark.parametrize(
    "parts",
    [
        [part("a", b"x" * (MAX_FIELDS_BYTES + 1))],
        [part(str(number), b"") for number in range(MAX_FIELDS + 1)],
    ],
)
def test_fields_are_no_way_in_for_files(parts: list[bytes]) -> None:
    with pytest.raises(UploadTooLarge):
        read(body(*parts, FILE))


@pytest.mark.parametrize(
    "whole",
    [
        b"",
        b"{}",
        body(part("key", b"k")),
        body(part("key", b"\xff"), FILE),
        body(b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n", FILE),
        body(FILE)[:-10],
        part("file", b"no end")[:-4],
    ],
)
def test_what_is_no_such_form_is_told_so(whole: bytes) -> None:
    with pytest.raises(UploadMalformed):
        read(whole)


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/mixed; boundary=b",
        f"multipart/form-data; boundary={'b' * 300}",
    ],
)
def test_other_kinds_of_bodies_are_refused_unread(kind: str) -> None:
    with pytest.raises(UploadMalformed):
        FileForm(kind, lambda fields: 1)
