"""A range gives the bytes it names, and nothing that is no range does any harm."""

from __future__ import annotations

import itertools
import time

import pytest

from portravox.service.ranges import Part, part_asked_for

CONTENT = bytes(range(100))
ETAG = '"5-64"'


def part(header: str | None, size_bytes: int = 100, if_range: str | None = None) -> Part:
    return part_asked_for(header, size_bytes=size_bytes, etag=ETAG, if_range=if_range)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-0", CONTENT[:1]),
        ("bytes=0-99", CONTENT),
        ("bytes=10-19", CONTENT[10:20]),
        ("bytes=10-", CONTENT[10:]),
        ("bytes=99-", CONTENT[99:]),
        ("bytes=-1", CONTENT[-1:]),
        ("bytes=-100", CONTENT),
        ("bytes=-5000", CONTENT),
        ("bytes=50-5000", CONTENT[50:]),
        ("bytes=0-9223372036854775807", CONTENT),
        ("bytes=0-18446744073709551615", CONTENT),
        ("Bytes=1-2", CONTENT[1:3]),
        ("bytes= 1-2 ", CONTENT[1:3]),
    ],
)
def test_a_range_gives_the_bytes_it_names(header, wanted):
    found = part(header)
    assert found.status == 206
    assert CONTENT[found.first : found.first + found.length] == wanted
    assert found.headers["Content-Length"] == str(len(wanted))
    assert found.headers["Content-Range"] == f"bytes {wanted[0]}-{wanted[-1]}/100"


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=7000-7001"])
def test_behind_the_end_there_is_nothing(header):
    found = part(header)
    assert (found.status, found.length) == (416, 0)
    assert found.headers["Content-Range"] == "bytes */100"


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_an_empty_file_has_no_part(header):
    assert part(header, size_bytes=0).status == 416
    assert part(None, size_bytes=0).status == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-2",
        "bytes=--5",
        "bytes=-5-",
        "bytes=1-2-3",
        "bytes=+1-2",
        "bytes=1.0-2",
        "bytes=0x1-0x2",
        "bytes=1_0-20",
        "bytes=١-٢",
        "bytes=1-2\n",
        "bytes = 1-2",
        "items=1-2",
        "bytes=0-1,5-6",
        "bytes=" + "0-," * 5000,
        "bytes=" + "9" * 100_000 + "-",
        "bytes=0-" + "9" * 100_000,
    ],
)
def test_what_is_no_single_range_gets_the_whole_file(header):
    found = part(header)
    assert (found.status, found.first, found.length) == (200, 0, 100)
    assert found.headers == {"Accept-Ranges": "bytes", "ETag": ETAG, "Content-Length": "100"}


def test_a_range_counts_only_while_the_file_is_the_one_it_was():
    assert part("bytes=1-2", if_range=ETAG).status == 206
    for changed in ('"other"', f"W/{ETAG}", "Wed, 21 Oct 2015 07:28:00 GMT", ""):
        assert part("bytes=1-2", if_range=changed).status == 200
        assert part("bytes=500-", if_range=changed).status == 200


def test_a_long_header_costs_no_time():
    started = time.perf_counter()
    for header in ("bytes=" + " " * 60_000, "bytes=" + "1" * 60_000, "bytes=1-2" + "\t" * 60_000):
        part(header + "x")
    assert time.perf_counter() - started < 0.1


def test_every_range_of_every_small_file_is_what_the_rfc_says():
    numbers = ["", *map(str, range(8))]
    for size_bytes, first, last in itertools.product(range(7), numbers, numbers):
        found = part(f"bytes={first}-{last}", size_bytes=size_bytes)
        sent = range(size_bytes)[found.first : found.first + found.length]
        if first == last == "" or (first and last and int(last) < int(first)):
            assert (found.status, len(sent)) == (200, size_bytes)
        elif first:
            wanted = [n for n in range(size_bytes) if int(first) <= n <= int(last or size_bytes)]
            assert (found.status, list(sent)) == (206 if wanted else 416, wanted)
        else:
            wanted = [n for n in range(size_bytes) if n >= size_bytes - int(last)]
            assert (found.status, list(sent)) == (206 if wanted else 416, wanted)
        assert len(sent) == found.length
