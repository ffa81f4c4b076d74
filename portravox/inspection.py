"""Which labels a picture, sound or video carries: whether it says that a machine made it.

Flow      a file -> labels.carriers -> inspection -> cli.inspect, service

What is found is what the file says. Metadata can be written, changed and removed by anybody, and a
file without any label may be made by a machine all the same: every answer says so.

Sources: GB 45438-2025 (the key AIGC; in pictures as XMP of the namespace TC260); IPTC, digital
source types; C2PA 2.2.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from portravox.errors import FileUnfit
from portravox.labels.aigc import (
    COMMENT,
    LABELS,
    METADATA_KEY,
    faults_of,
    label_in_words,
    parse_aigc,
)
from portravox.labels.carriers import Carried, read_carried
from portravox.media.files import kind_in_words, read_bytes

Scheme = Literal["aigc", "c2pa", "iptc", "comment"]

MAX_BYTES = 512 * 1024 * 1024
"""Of a file that is inspected: a video of an hour. Our choice."""

MAX_MARKS = 8
MAX_FIELDS = 8
"""Told of one file, and of one mark. Our choice; a label has seven fields."""

MAX_NAME, MAX_VALUE, MAX_WORDS = 24, 80, 200
"""Characters of a field's name, of its value and of a sentence that are told. Our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One label."""

    scheme: Scheme
    """aigc: GB 45438; c2pa: a manifest of the Coalition for Content Provenance and Authenticity;
    iptc: a digital source type in XMP; comment: words"""

    says_machine_made: bool
    """Whether it says that a machine made the file, in whole or in part."""

    valid: bool | None
    """Whether it is as its standard wants it; None where that was not checked."""

    is_ours: bool
    """Whether it says that Portravox made the file."""

    words: str
    """What it says, in a sentence."""

    fields: Mapping[str, str] = field(default_factory=dict)
    """Its values, by the names that its standard has for them."""

    def as_json(self) -> dict[str, object]:
        """For JSON."""
        return {
            "scheme": self.scheme,
            "says_machine_made": self.says_machine_made,
            "valid": self.valid,
            "is_ours": self.is_ours,
            "words": self.words,
            "fields": dict(self.fields),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a file says about who made it."""

    kind: str
    """As in `Carried.kind`; in words where the kind is none that labels are looked for in."""

    is_known: bool
    """Whether labels were looked for."""

    marks: tuple[Mark, ...]

    @property
    def says_machine_made(self) -> bool:
        """Whether any label says so."""
        return any(mark.says_machine_made for mark in self.marks)

    @property
    def words(self) -> str:
        """The answer in a sentence."""
        if not self.is_known:
            return f"{self.kind}: labels are not looked for in files of this kind"
        if self.says_machine_made:
            return f"{self.kind}: it says that it was made by a machine"
        if any(mark.scheme == "c2pa" for mark in self.marks):
            return f"{self.kind}: it carries a C2PA manifest, which may say how it was made"
        return f"{self.kind}: no label found, which does not mean that a camera made it"

    def as_json(self) -> dict[str, object]:
        """For JSON."""
        return {
            "kind": self.kind,
            "says_machine_made": self.says_machine_made,
            "words": self.words,
            "marks": [mark.as_json() for mark in self.marks],
        }


def inspect_file(path: str | Path) -> Inspection:
    """Look for labels in a file. Raises FileMissing and FileUnfit.

    >>> from portravox.demo import VOICE
    >>> inspect_file(VOICE).marks
    ()
    """
    return inspect(read_bytes(Path(path), MAX_BYTES, empty=FileUnfit, too_large=FileUnfit))


def inspect(content: bytes) -> Inspection:
    """Look for labels in the bytes of a file."""
    carried = read_carried(content)
    if carried is None:
        return Inspection(kind=kind_in_words(content), is_known=False, marks=())
    marks = [*_aigc(carried), *_source_types(carried), *_comments(carried)]
    if carried.has_c2pa:
        marks.append(
            Mark(
                scheme="c2pa",
                says_machine_made=False,
                valid=None,
                is_ours=False,
                words="it carries a C2PA manifest; its signature was not checked",
            )
        )
    return Inspection(kind=carried.kind, is_known=True, marks=tuple(marks[:MAX_MARKS]))


_XMP_AIGC = re.compile(r"\bAIGC\s*(?:=\s*(?:\"([^\"]*)\"|'([^']*)')|>([^<]*)<)")
"""As an attribute or as an element; the prefix is the writer's to choose."""

_SOURCE_TYPE = re.compile(r"cv\.iptc\.org/newscodes/digitalsourcetype/([A-Za-z]{1,64})")

_MACHINE_MADE = MappingProxyType(
    {
        "trainedAlgorithmicMedia": "made by a trained model",
        "compositeWithTrainedAlgorithmicMedia": "edited with a trained model",
        "compositeSynthetic": "composed with synthetic elements",
        "algorithmicMedia": "made by a program",
        "algorithmicallyEnhanced": "enhanced by a program",
    }
)
"""IPTC NewsCodes, digital source type: those in which a machine made something."""


def _aigc(carried: Carried) -> Iterator[Mark]:
    texts = [text for name, text in carried.entries if name == METADATA_KEY]
    for packet in carried.xmp:
        for found in _XMP_AIGC.finditer(packet):
            texts.append(
                html.unescape(next(group for group in found.groups() if group is not None))
            )
    ours = any(_OURS.search(text) for _, text in carried.entries)
    for text in dict.fromkeys(texts):
        fields = parse_aigc(text)
        if fields is None:
            yield Mark(
                scheme="aigc",
                says_machine_made=False,
                valid=False,
                is_ours=False,
                words="an AIGC label that is no JSON",
            )
            continue
        faults = faults_of(fields)
        producer = _short(fields.get("ContentProducer", "")) or "nobody named"
        yield Mark(
            scheme="aigc",
            says_machine_made=fields.get("Label") in LABELS,
            valid=not faults,
            is_ours=ours,
            words=_short(
                "; ".join([f"an AIGC label: {label_in_words(fields)}, by {producer}", *faults]),
                MAX_WORDS,
            ),
            fields=_told(fields),
        )


def _source_types(carried: Carried) -> Iterator[Mark]:
    found = dict.fromkeys(
        match.group(1) for packet in carried.xmp for match in _SOURCE_TYPE.finditer(packet)
    )
    for name in found:
        if name in _MACHINE_MADE:
            yield Mark(
                scheme="iptc",
                says_machine_made=True,
                valid=True,
                is_ours=False,
                words=f"an IPTC digital source type: {_MACHINE_MADE[name]}",
                fields=_told({"digitalSourceType": name}),
            )


_OURS = re.compile(rf"^{re.escape(COMMENT)} [\w.+-]{{1,32}}$")


def _comments(carried: Carried) -> Iterator[Mark]:
    for name, text in carried.entries:
        if _OURS.search(text):
            yield Mark(
                scheme="comment",
                says_machine_made=True,
                valid=None,
                is_ours=True,
                words=f"a comment: {text}",
                fields=_told({name: text}),
            )


def _told(fields: Mapping[str, str]) -> dict[str, str]:
    """As many fields as are told, none too long."""
    first = list(fields.items())[:MAX_FIELDS]
    return {_short(name, MAX_NAME): _short(value) for name, value in first}


def _short(text: str, most: int = MAX_VALUE) -> str:
    """What can be shown of a text, at most so many characters."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:most])
    return shown if len(text) <= most else f"{shown[:-1]}…"
