"""Which labels a picture, sound or video carries: whether it says that a machine made it.

Flow      a file -> labels.carriers, media.mean_luma and labels.watermark_reading -> inspection
          -> cli.inspect, service

What is found is what the file says, and a watermark what its picture says. Metadata can be written,
changed and removed by anybody, and a file without any label may be made by a machine all the same:
every answer says so.

Sources: GB 45438-2025 (the key AIGC; in pictures as XMP of the namespace TC260); IPTC, digital
source types; C2PA 2.2.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from portravox.errors import FileUnfit
from portravox.labels import c2pa_library
from portravox.labels.aigc import (
    COMMENT,
    LABELS,
    METADATA_KEY,
    PRODUCER,
    faults_of,
    label_in_words,
    parse_aigc,
)
from portravox.labels.carriers import Carried, read_carried
from portravox.labels.origin import GENERATOR, MAX_FACTS, Ingredient, Role
from portravox.media.files import kind_in_words, read_bytes

if TYPE_CHECKING:
    from portravox.arrays import Float32, UInt8
    from portravox.labels.watermark_reading import WatermarkFound

Scheme = Literal["watermark", "aigc", "c2pa", "iptc", "comment"]

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
    """watermark: in the picture, ours; aigc: GB 45438; c2pa: a manifest of the Coalition for
    Content Provenance and Authenticity; iptc: a digital source type in XMP; comment: words"""

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
    """Whether labels or watermarks were looked for."""

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


def inspect_file(
    path: str | Path, *, anchors_pem: str = "", watermark_key: str | None = None
) -> Inspection:
    """Look for labels in a file. Raises FileMissing and FileUnfit.

    anchors_pem    certificates of authorities whose word on signers is taken
    watermark_key  whose watermarks are looked for beside those of the public key; None: that of
                   PORTRAVOX_WATERMARK_KEY, if it says one

    >>> from portravox.demo import VOICE
    >>> inspect_file(VOICE).marks
    ()
    """
    from portravox.labels.watermark_key import checked_key, key_of_environment, keys_looked_for
    from portravox.media.mean_luma import mean_luma

    key = key_of_environment() if watermark_key is None else checked_key(watermark_key)
    content = read_bytes(Path(path), MAX_BYTES, empty=FileUnfit, too_large=FileUnfit)
    luma = mean_luma(Path(path), content)
    return with_watermark(inspect(content, anchors_pem=anchors_pem), luma, keys_looked_for(key))


def with_watermark(
    found: Inspection, luma: Float32 | UInt8 | None, keys: Sequence[str]
) -> Inspection:
    """The same with what the picture says.

    luma  of a picture, or the mean of some frames; None where there is none
    keys  whose watermarks are looked for, the public one last or not at all
    """
    from portravox.labels.watermark_reading import read_watermark

    if luma is None:
        return found
    mark = read_watermark(luma, keys)
    marks = found.marks
    if mark is not None:
        marks = (*marks[: MAX_MARKS - 1], _watermark(mark, keys, marks))
    return Inspection(kind=found.kind, is_known=True, marks=marks)


def _watermark(found: WatermarkFound, keys: Sequence[str], others: Sequence[Mark]) -> Mark:
    """A watermark as a label; the producer by the name that another label or we have for it."""
    from portravox.labels.watermark import Bits
    from portravox.labels.watermark_key import PUBLIC_KEY

    bits = found.bits
    known = [PRODUCER, *(mark.fields.get("ContentProducer", "") for mark in others)]
    names = [name for name in known if name and Bits.of(name, "").producer == bits.producer]
    key = "public" if keys[found.key] == PUBLIC_KEY else "your own"
    producer = f"producer {bits.producer_hex}" + (f" ({names[0]})" if names else "")
    return Mark(
        scheme="watermark",
        says_machine_made=True,
        valid=True,
        is_ours=True,
        words=_short(
            f"a watermark of Portravox's, of the {key} key: {producer}, number {bits.number_hex}",
            MAX_WORDS,
        ),
        fields={
            "producer": bits.producer_hex,
            "number": bits.number_hex,
            "key": key,
            "score": f"{found.score:.1f}",
            "false_alarm": f"{found.false_alarm:.0e}",
        },
    )


def inspect(content: bytes, *, anchors_pem: str = "") -> Inspection:
    """Look for labels in the bytes of a file."""
    carried = read_carried(content)
    if carried is None:
        return Inspection(kind=kind_in_words(content), is_known=False, marks=())
    marks = [*_aigc(carried), *_source_types(carried), *_comments(carried)]
    if carried.has_c2pa:
        marks.insert(0, _c2pa(content, carried.kind, anchors_pem))
    return Inspection(kind=carried.kind, is_known=True, marks=tuple(marks[:MAX_MARKS]))


_XMP_AIGC = re.compile(r"\bAIGC\s{0,16}(?:=\s{0,16}([\"'])|>)")
"""What stands before a label, as an attribute or as an element; the prefix is the writer's to
choose. It matches nothing long: where it ends is looked for once, and not by trying."""

_MAX_XMP_LABELS = 64
_MAX_LABEL_CHARACTERS = 64 * 1024
"""Looked at, of one file, and of one label. Our choice."""

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
    in_xmp = (text for packet in carried.xmp for text in _xmp_labels(packet))
    looked_at = islice(in_xmp, _MAX_XMP_LABELS)
    texts += [html.unescape(text) for text in looked_at if text is not None]
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
            fields=_bounded(fields),
        )


def _xmp_labels(packet: str) -> Iterator[str | None]:
    """What stands where an XMP packet may have a label; None where that does not end."""
    for begun in _XMP_AIGC.finditer(packet):
        end = packet.find(begun[1] or "<", begun.end(), begun.end() + _MAX_LABEL_CHARACTERS)
        yield packet[begun.end() : end] if end >= 0 else None


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
                fields=_bounded({"digitalSourceType": name}),
            )


_MIME_TYPES = MappingProxyType(
    {
        "PNG": "image/png",
        "JPEG": "image/jpeg",
        "WebP": "image/webp",
        "HEIC": "image/heic",
        "AVIF": "image/avif",
        "WAV": "audio/wav",
        "MP3": "audio/mpeg",
        "MP4": "video/mp4",
        "MOV": "video/quicktime",
    }
)
"""Of the kinds that labels are looked for in."""

_MAX_FAULTS = 3
"""Faults of a manifest that are told. Our choice: they follow from each other."""


def _c2pa(content: bytes, kind: str, anchors_pem: str) -> Mark:
    """What the manifest in a file says, and whether it holds."""
    if not c2pa_library.is_installed():
        return _manifest_mark(None, "its signature was not checked: c2pa-python is not installed")
    try:
        report = c2pa_library.read_report(content, _MIME_TYPES[kind], anchors_pem=anchors_pem)
        if report is None:
            return _manifest_mark(False, "which the library does not find")
        return _mark_of(report, may_be_trusted=bool(anchors_pem))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return _manifest_mark(False, f"which cannot be read: {error}")


def _manifest_mark(valid: bool | None, words: str) -> Mark:
    return Mark(
        scheme="c2pa",
        says_machine_made=False,
        valid=valid,
        is_ours=False,
        words=_short(f"a C2PA manifest, {words}", MAX_WORDS),
    )


def _mark_of(report: Mapping[str, Any], *, may_be_trusted: bool) -> Mark:
    """A mark of what the C2PA library found."""
    state = str(report.get("validation_state", ""))
    active = report["manifests"][report["active_manifest"]]
    signed = active.get("signature_info") or {}
    signer = _short(", ".join(filter(None, map(signed.get, ("common_name", "issuer")))) or "?")
    generators = active.get("claim_generator_info") or [{}]
    generator = f"{generators[0].get('name', '')} {generators[0].get('version', '')}".strip()
    types = list(dict.fromkeys(_SOURCE_TYPE.findall(str(active.get("assertions", "")))))
    machine = [_MACHINE_MADE[name] for name in types if name in _MACHINE_MADE]
    holds = state in ("Valid", "Trusted")
    faults = [str(fault.get("code")) for fault in report.get("validation_status", [])]
    known = {
        "Trusted": f"signed by {signer}, as a trusted authority confirms",
        "Valid": f"unchanged since it was signed, by who calls himself {signer}"
        + (", which no trusted authority confirms" if may_be_trusted else ""),
    }
    words = [
        "a C2PA manifest",
        *machine[:1],
        f"by {_short(generator)}" if generator else "by nobody named",
        known.get(state) or f"not valid: {', '.join(faults[:_MAX_FAULTS])}",
    ]
    fields = {
        "state": state,
        "signer": signer,
        "generator": generator,
        "digitalSourceType": types[0] if types else "",
        "time": str(signed.get("time") or _when(active)),
    }
    return Mark(
        scheme="c2pa",
        says_machine_made=bool(machine),
        valid=holds,
        is_ours=generator.split(" ")[0] == GENERATOR,
        words=_short(", ".join(words), MAX_WORDS),
        fields=_bounded({name: value for name, value in fields.items() if value}),
    )


def _when(manifest: Mapping[str, Any]) -> str:
    """The time that the first action of a manifest names."""
    for assertion in manifest.get("assertions", []):
        if str(assertion.get("label", "")).startswith("c2pa.actions"):
            for action in assertion.get("data", {}).get("actions", []):
                return str(action.get("when", ""))
    return ""


def ingredient_of(role: Role, content: bytes) -> Ingredient:
    """What a manifest says of a file that a video is made from: what it is by its digest, and which
    labels of AI-made content it carries."""
    found = inspect(content)
    facts = []
    for mark in found.marks:
        number = mark.fields.get("ProduceID")
        facts.append(f"{mark.words}, number {number}" if number else mark.words)
    return Ingredient(
        role=role,
        sha256=hashlib.sha256(content).hexdigest(),
        mime_type=_MIME_TYPES.get(found.kind, "application/octet-stream"),
        facts=_short("; ".join(facts), MAX_FACTS),
    )


def ingredients_of(portrait: Path, voice: Path, background: Path | None) -> tuple[Ingredient, ...]:
    """The same of all files of a video, in the order of a manifest. Raises OSError."""
    files: tuple[tuple[Role, Path | None], ...] = (
        ("portrait", portrait),
        ("voice", voice),
        ("background", background),
    )
    return tuple(ingredient_of(role, file.read_bytes()) for role, file in files if file is not None)


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
                fields=_bounded({name: text}),
            )


def _bounded(fields: Mapping[str, str]) -> dict[str, str]:
    """As many fields as are told, none too long."""
    first = list(fields.items())[:MAX_FIELDS]
    return {_short(name, MAX_NAME): _short(value) for name, value in first}


def _short(text: str, most: int = MAX_VALUE) -> str:
    """What can be shown of a text, at most so many characters."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:most])
    return shown if len(text) <= most else f"{shown[:-1]}…"
