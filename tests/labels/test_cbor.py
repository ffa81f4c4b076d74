"""CBOR is read as the standard's examples say, and nothing that two readers could differ about."""

from __future__ import annotations

import pytest

from portravox.labels.cbor import Tagged, byte_string, decode, head


@pytest.mark.parametrize(
    ("written", "value"),
    [  # RFC 8949, appendix A
        ("00", 0),
        ("1903e8", 1000),
        ("1bffffffffffffffff", 18446744073709551615),
        ("3863", -100),
        ("f4", False),
        ("f6", None),
        ("4401020304", b"\1\2\3\4"),
        ("63e6b0b4", "水"),
        ("83010203", [1, 2, 3]),
        ("a26161016162820203", {"a": 1, "b": [2, 3]}),
        (
            "c074323031332d30332d32315432303a30343a30305a",
            Tagged(0, "2013-03-21T20:04:00Z"),
        ),
    ],
)
def test_the_standards_examples(written: str, value: object) -> None:
    assert decode(bytes.fromhex(written)) == value


@pytest.mark.parametrize(
    "written",
    [
        "",
        "0000",  # something behind it
        "1903",  # cut off
        "f90000",  # a float
        "f7",  # undefined
        "9fff",  # a list without end
        "5f42010243030405ff",  # bytes in pieces
        "a201000100",  # a key twice
        "a1f500",  # a key that is neither text nor number
        "9a7fffffff",  # more than there is
        "62c328",  # no UTF-8
        "81" * 20 + "00",  # lists in lists in lists
        "1c",
    ],
)
def test_what_is_not_exactly_that_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        decode(bytes.fromhex(written))


def test_lengths_are_written_in_as_few_bytes_as_do() -> None:
    for length in (0, 23, 24, 255, 256, 65_535, 65_536):
        written = byte_string(bytes(length))
        assert decode(written) == bytes(length)
        assert len(written) - length == 1 + (
            0 if length < 24 else 1 if length < 256 else 2 if length < 65_536 else 4
        )
    assert head(4, 4) == b"\x84"
    with pytest.raises(ValueError):
        head(0, 1 << 64)
