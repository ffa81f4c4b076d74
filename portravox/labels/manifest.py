"""A manifest that is not signed yet, compared word for word with what it is to say.

Flow      an MP4 of the limited process -> manifest: located, bound, unsigned -> labels.seal

Whoever signs answers for every word. The process that put the manifest together has opened files
of strangers, so its manifest is taken apart here, by lengths, and each part has to be what
`origin` says; only then are the bytes that are to be signed put together.

Sources: ISO 19566-5 (JUMBF); C2PA 2.2: claims, assertions, hash of BMFF files; RFC 9052 (COSE) 4.4.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from portravox.labels import cbor
from portravox.labels.origin import (
    ACTIONS,
    BINDING,
    INGREDIENT,
    TITLE,
    Ingredient,
    Origin,
    action,
    generator,
)

Content = mmap.mmap | memoryview | bytes

MAX_MANIFEST_BYTES = 128 * 1024
"""Ours have some 14 kB, most of them room for the signature. Our choice."""

MAX_BOXES = 1000
"""At the top of a video; ours have five. Our choice."""

C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_BOX_START = C2PA_BOX + b"\0\0\0\0" + b"manifest\0" + bytes(8)
"""What comes before a manifest in its box: identifier, version, purpose, no place of hash trees."""

_NOT_BOUND = (b"ftyp", b"mfra", b"free", b"skip")
_EXCLUSIONS: list[dict[str, Any]] = [
    {"xpath": "/uuid", "data": [{"offset": 8, "value": C2PA_BOX}]},
    {"xpath": "/ftyp"},
    {"xpath": "/mfra"},
    {"xpath": "/free"},
    {"xpath": "/skip"},
]
"""Boxes that the hash leaves out, in C2PA's words: no picture and no sound lies in them."""

_SUPERBOX, _DESCRIPTION, _SALT, _CBOR = b"jumb", b"jumd", b"c2sh", b"cbor"
_JUMBF_TAIL = bytes.fromhex("00110010800000aa00389b71")
_STORE, _MANIFEST, _ASSERTIONS, _CLAIM, _SIGNATURE, _CBOR_KIND = (
    name + _JUMBF_TAIL for name in (b"c2pa", b"c2ma", b"c2as", b"c2cl", b"c2cs", b"cbor")
)
_NAMED, _SALTED = 3, 19
"""Toggles of a description: it may be asked for and has a label; and it has a private box."""

_SIGN1 = 18
_ALGORITHM, _CHAIN = 1, 33
"""COSE's tag and parameters."""

ALGORITHM_IDS = {
    "ES256": -7,
    "ES384": -35,
    "ES512": -36,
    "PS256": -37,
    "PS384": -38,
    "PS512": -39,
    "ED25519": -8,
}
"""C2PA's names, and COSE's numbers (RFC 9053)."""

_URN = re.compile(r"urn:c2pa:[0-9a-f-]{36}")
_INSTANCE = re.compile(r"xmp[.:]iid:[0-9a-f-]{36}")
_LIBRARY = "org.contentauth.c2pa_rs"


class ManifestRefused(ValueError):
    """It is not what it was to be."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A manifest that says what it is to say."""

    to_sign: bytes
    signature_at: int
    """Where the placeholder begins, from the beginning of the file."""

    ends_at: int
    """Of the manifest, in the file."""


def unsigned_manifest(
    video: Content,
    origin: Origin,
    *,
    chain: Sequence[bytes],
    algorithm: str,
    placeholder: bytes,
) -> Unsigned:
    """Find the manifest of a video and hold it against what it is to say.

    origin       of its ingredients, roles and digests count: what kind of file each is, and what
                 it says of itself, was found where it was opened
    chain        certificates as DER, the signer's first
    placeholder  what stands where the signature will

    Raises ManifestRefused.
    """
    try:
        start, end = located(video)
        manifest = bytes(video[start:end])
        to_sign = _to_sign(manifest, bound(video), origin, chain, algorithm, placeholder)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        if isinstance(error, ManifestRefused):
            raise
        raise ManifestRefused(f"it cannot be taken apart: {error}") from error
    _require(manifest.count(placeholder) == 1, "the placeholder stands there once")
    return Unsigned(to_sign, start + manifest.index(placeholder), end)


def located(video: Content) -> tuple[int, int]:
    """(first, last + 1) byte of the manifest, in the second box of the file and nowhere else."""
    boxes = list(_boxes(video))
    found = [
        number
        for number, (kind, start, _) in enumerate(boxes)
        if kind == b"uuid" and bytes(video[start + 8 : start + 24]) == C2PA_BOX
    ]
    _require([kind for kind, _, _ in boxes[:1]] == [b"ftyp"], "the file begins with ftyp")
    _require(found == [1], "one manifest lies behind it")
    _, start, end = boxes[1]
    first = start + 8 + len(_BOX_START)
    _require(bytes(video[start + 8 : first]) == _BOX_START, "its box holds a manifest")
    _require(0 < end - first <= MAX_MANIFEST_BYTES, "the manifest is no longer than ours")
    return first, end


def bound(video: Content) -> bytes:
    """SHA-256 over all of a video that its manifest answers for: each box after its offset."""
    digest = hashlib.sha256()
    view = memoryview(video)
    try:
        for kind, start, end in _boxes(video):
            if kind in _NOT_BOUND or (kind == b"uuid" and view[start + 8 : start + 24] == C2PA_BOX):
                continue
            digest.update(start.to_bytes(8, "big"))
            digest.update(view[start:end])
    finally:
        view.release()
    return digest.digest()


def _boxes(video: Content) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, end) of the boxes at the top of a file, which they fill."""
    at, size = 0, len(video)
    for _ in range(MAX_BOXES):
        if at == size:
            return
        length = int.from_bytes(video[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(video[at + 8 : at + 16], "big")
        _require(8 <= length <= size - at, "boxes fill the file")
        yield bytes(video[at + 4 : at + 8]), at, at + length
        at += length
    raise ManifestRefused(f"more than {MAX_BOXES} boxes")


def _to_sign(
    manifest: bytes,
    digest: bytes,
    origin: Origin,
    chain: Sequence[bytes],
    algorithm: str,
    placeholder: bytes,
) -> bytes:
    [(kind, whole)] = _parts(manifest)
    _require(kind == _SUPERBOX, "a manifest store is a superbox")
    _, [(kind, content)] = _superbox(whole, _STORE, "c2pa")
    _require(kind == _SUPERBOX, "it holds one manifest")
    name, parts = _superbox(content, _MANIFEST, None)
    _require(bool(_URN.fullmatch(name)), "the manifest has a name as C2PA has it")
    _require([kind for kind, _ in parts] == [_SUPERBOX] * 3, "it has three parts")
    assertions, claim, signature = (content for _, content in parts)
    _, listed = _superbox(assertions, _ASSERTIONS, "c2pa.assertions")
    digests = _require_assertions(listed, digest, origin)
    _, [(kind, claimed)] = _superbox(claim, _CLAIM, "c2pa.claim.v2")
    _require(kind == _CBOR, "the claim is CBOR")
    _require_claim(cbor.decode(claimed), name, digests)
    _, [(kind, sealed)] = _superbox(signature, _SIGNATURE, "c2pa.signature")
    _require(kind == _CBOR, "the signature is CBOR")
    protected = _protected(cbor.decode(sealed), chain, algorithm, placeholder)
    # RFC 9052, 4.4: Sig_structure
    return b"".join(
        (
            cbor.head(4, 4),
            cbor.head(3, 10) + b"Signature1",
            cbor.byte_string(protected),
            cbor.byte_string(b""),
            cbor.byte_string(claimed),
        )
    )


def _parts(content: bytes) -> list[tuple[bytes, bytes]]:
    """(type, content) of boxes that fill these bytes."""
    found, at = [], 0
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        _require(8 <= length <= len(content) - at, "boxes fill the manifest")
        found.append((content[at + 4 : at + 8], content[at + 8 : at + length]))
        at += length
    return found


def _superbox(
    content: bytes, kind: bytes, label: str | None
) -> tuple[str, list[tuple[bytes, bytes]]]:
    """The label of a superbox and the boxes behind its description."""
    (first, described), *parts = _parts(content)
    name, end, rest = described[17:].partition(b"\0")
    _require(first == _DESCRIPTION and described[:16] == kind and bool(end), "a box is described")
    if described[16] == _SALTED:
        [(private, _)] = _parts(rest)
        _require(private == _SALT, "a description holds salt")
    else:
        _require(described[16] == _NAMED and not rest, "a description holds a name")
    found = name.decode("ascii")
    _require(label is None or found == label, f"{label} stands in its place")
    return found, parts


def _require_assertions(
    listed: list[tuple[bytes, bytes]], digest: bytes, origin: Origin
) -> dict[str, bytes]:
    """Hold assertions against the origin. Returns their digests, by label."""
    digests: dict[str, bytes] = {}
    values: dict[str, Any] = {}
    for kind, content in listed:
        _require(kind == _SUPERBOX, "an assertion is a superbox")
        label, [(inner, value)] = _superbox(content, _CBOR_KIND, None)
        _require(inner == _CBOR and label not in values, "each assertion is there once, as CBOR")
        digests[label] = hashlib.sha256(content).digest()
        values[label] = cbor.decode(value)
    labels = [
        f"{INGREDIENT}__{number}" if number else INGREDIENT
        for number in range(len(origin.ingredients))
    ]
    _require(set(values) == {ACTIONS, BINDING, *labels}, "no assertion lacks and none is added")
    for label, ingredient in zip(labels, origin.ingredients, strict=True):
        _require_ingredient(values[label], ingredient)
    _require_binding(values[BINDING], digest)
    wanted = action(origin)
    wanted["when"] = cbor.Tagged(0, origin.made_at)
    wanted["parameters"] = {
        "ingredients": [_reference(label, digests) for label in labels],
        **wanted["parameters"],
    }
    _require(values[ACTIONS] == {"actions": [wanted]}, "the action is the one that was done")
    return digests


def _require_ingredient(found: Any, wanted: Ingredient) -> None:
    told = Ingredient(  # raises ValueError for what no ingredient may say
        role=wanted.role,
        sha256=wanted.sha256,
        mime_type=found["dc:format"],
        facts=found.get("description", ""),
    )
    whole = {
        "relationship": "inputTo",
        "dc:title": wanted.role,
        "dc:format": told.mime_type,
        "instanceID": wanted.instance_id,
        **({"description": told.facts} if told.facts else {}),
    }
    _require(found == whole, f"the {wanted.role} is the one that was used")


def _require_binding(found: Any, digest: bytes) -> None:
    wanted = {"exclusions": _EXCLUSIONS, "alg": "sha256", "hash": digest, "name": found["name"]}
    _require(found == wanted and len(found["name"]) < 100, "the manifest is bound to this video")


def _require_claim(found: Any, name: str, digests: dict[str, bytes]) -> None:
    said = found["claim_generator_info"]
    listed = [*found["created_assertions"], *found.get("gathered_assertions", [])]
    whole = {
        "instanceID": found["instanceID"],
        "claim_generator_info": {**generator(), _LIBRARY: said[_LIBRARY]},
        "signature": f"self#jumbf=/c2pa/{name}/c2pa.signature",
        "created_assertions": found["created_assertions"],
        "dc:title": TITLE,
        "alg": "sha256",
    }
    if "gathered_assertions" in found:
        whole["gathered_assertions"] = found["gathered_assertions"]
    _require(found == whole, "the claim is ours")
    _require(bool(_INSTANCE.fullmatch(found["instanceID"])), "the claim has a number")
    _require(bool(re.fullmatch(r"[0-9.]{1,20}", said[_LIBRARY])), "the library has a version")
    wanted = [_reference(label, digests) for label in sorted(digests)]
    told = sorted(listed, key=lambda reference: str(reference["url"]))
    _require(told == wanted, "the claim names each assertion once, by its digest")


def _reference(label: str, digests: dict[str, bytes]) -> dict[str, Any]:
    return {"url": f"self#jumbf=c2pa.assertions/{label}", "hash": digests[label]}


def _protected(found: Any, chain: Sequence[bytes], algorithm: str, placeholder: bytes) -> bytes:
    """The protected headers of a signature, which name our algorithm and our certificates."""
    _require(isinstance(found, cbor.Tagged) and found.tag == _SIGN1, "it is a COSE_Sign1")
    protected, unprotected, payload, signature = found.value
    certificates: Any = chain[0] if len(chain) == 1 else list(chain)
    wanted = {_ALGORITHM: ALGORITHM_IDS[algorithm], _CHAIN: certificates}
    _require(cbor.decode(protected) == wanted, "the signature names our certificates")
    padding = set(unprotected) <= {"pad", "pad2"} and not any(map(any, unprotected.values()))
    _require(padding and payload is None, "nothing stands beside the signature")
    _require(signature == placeholder, "the placeholder stands in its place")
    return bytes(protected)


def _require(holds: bool, wanted: str) -> None:
    if not holds:
        raise ManifestRefused(f"it is not so that {wanted}")
