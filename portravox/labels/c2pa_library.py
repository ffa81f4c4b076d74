"""The C2PA library: puts a manifest into a video, and reads what others put into files.

Flow      labels.seal -> put_manifest -> an MP4 with a manifest that is not signed yet
          inspection -> read_report -> what a file's manifest says, as JSON

The only place that imports `c2pa` (extra `c2pa`). It parses what it is given, so on a server it
runs in the limited process. It never sees a private key: the manifest gets a placeholder where its
signature will stand. It calls nobody: manifests elsewhere, lists of revoked certificates and time
stamps are neither asked for nor allowed.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from portravox.errors import CredentialsUnusable
from portravox.labels.origin import ACTIONS, CREATED, SOURCE_TYPE, generator

MAX_REPORT_CHARS = 4_000_000
"""Of what is read about a file. Our choice."""

PURPOSES = ("1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36")
"""Extended key usages by which a certificate may sign: C2PA claims, mail, documents (C2PA 2.2,
certificate profile). The library by itself takes mail alone."""

_QUIET: dict[str, Any] = {
    "verify": {
        "remote_manifest_fetch": False,
        "ocsp_fetch": False,
        "verify_trust": False,
        "verify_after_sign": False,
    },
    "core": {"allowed_network_hosts": [], "allow_redirects": False},
    "builder": {"thumbnail": {"enabled": False}},
    "trust": {"trust_config": "".join(f"{purpose}\n" for purpose in PURPOSES)},
}


def is_installed() -> bool:
    """Whether the extra `c2pa` is."""
    return importlib.util.find_spec("c2pa") is not None


def require_installed() -> None:
    """Raise CredentialsUnusable where the extra `c2pa` is not installed."""
    if not is_installed():
        raise CredentialsUnusable(
            "signing needs the package c2pa-python, which is not installed",
            hint="Run `pip install 'portravox[c2pa]'`.",
        )


@cache
def _library() -> Any:
    """Load it. It looks for its shared library in the current folder first, where anybody may have
    put one: so it is told the very file."""
    require_installed()
    spec = importlib.util.find_spec("c2pa")
    assert spec is not None and spec.origin is not None
    libraries = sorted(Path(spec.origin).parent.glob("libs/*c2pa_c.*"))
    shared = [file for file in libraries if file.suffix in (".so", ".dylib", ".dll")]
    variable = "C2PA_LIBRARY_NAME"
    before = os.environ.get(variable)
    if shared:
        os.environ[variable] = str(shared[0].absolute())
    try:
        import c2pa
    finally:
        if before is None:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = before
    return c2pa


def put_manifest(
    source: Path,
    target: Path,
    manifest: Mapping[str, Any],
    *,
    chain_pem: str,
    algorithm: str,
    placeholder: bytes,
) -> None:
    """Write a video anew, with a manifest whose signature is a placeholder.

    manifest    as `origin.definition` makes it
    chain_pem   certificates, the signer's first
    algorithm   C2PA's name of it: ES256, PS256, ED25519, ...

    Raises ValueError where the library refuses.
    """
    c2pa = _library()
    signer = c2pa.Signer.from_callback(
        lambda _: placeholder, getattr(c2pa.C2paSigningAlg, algorithm), chain_pem
    )
    with signer, c2pa.Context.from_dict(_QUIET) as context:
        try:
            builder = c2pa.Builder(dict(manifest), context)
            with source.open("rb") as unsigned, target.open("w+b") as signed:
                builder.sign(signer, "video/mp4", unsigned, signed)
        except c2pa.C2paError as error:
            raise ValueError(str(error)) from error


def fault_of(chain_pem: str, algorithm: str, sign: Callable[[bytes], bytes]) -> str:
    """What readers would find wrong with a signature by these certificates; empty: nothing.

    A picture of one point is signed and read back, so that no certificate is refused only when
    there is a video.
    """
    c2pa = _library()
    signed = io.BytesIO()
    signer = c2pa.Signer.from_callback(sign, getattr(c2pa.C2paSigningAlg, algorithm), chain_pem)
    trial = {"claim_generator_info": [generator()], "assertions": [_TRIAL]}
    with signer, c2pa.Context.from_dict(_QUIET) as context:
        try:
            c2pa.Builder(trial, context).sign(signer, "image/png", io.BytesIO(_POINT), signed)
        except c2pa.C2paError as error:
            return str(error)
    report = read_report(signed.getvalue(), "image/png") or {}
    if report.get("validation_state") == "Valid":
        return ""
    faults = report.get("validation_status") or [{}]
    return str(faults[0].get("explanation") or faults[0].get("code") or "no reason given")


_TRIAL = {
    "label": ACTIONS,
    "data": {"actions": [{"action": CREATED, "digitalSourceType": SOURCE_TYPE}]},
}

_POINT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c6360"
    "00000002000148afa4710000000049454e44ae426082"
)
"""A PNG."""


def read_report(content: bytes, mime_type: str, *, anchors_pem: str = "") -> dict[str, Any] | None:
    """What the manifest in a file says, and whether it holds, as the library's JSON has it.

    anchors_pem  certificates of those whose word is trusted; empty: nobody's, and nothing is said
                 about who the signer is

    None where there is no manifest. Raises ValueError where there is one that cannot be read.
    """
    c2pa = _library()
    settings = dict(_QUIET)
    if anchors_pem:
        settings["verify"] = {**_QUIET["verify"], "verify_trust": True}
        settings["trust"] = {**_QUIET["trust"], "trust_anchors": anchors_pem}
    with c2pa.Context.from_dict(settings) as context:
        try:
            reader = c2pa.Reader(mime_type, io.BytesIO(content), context=context)
        except c2pa.C2paError.ManifestNotFound:
            return None
        except c2pa.C2paError as error:
            raise ValueError(str(error)) from error
        with reader:
            text = reader.json()
    if len(text) > MAX_REPORT_CHARS:
        raise ValueError("a manifest that says too much")
    report = json.loads(text)
    if not isinstance(report, dict):
        raise ValueError("a report that is none")
    return report
