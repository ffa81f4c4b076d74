"""The operator's certificates and key, checked before the first video, and what they sign.

Flow      settings, command line -> Credentials -> open_signer -> Signer -> labels.seal

The only place that imports `cryptography`. The key is a file, a text (of the environment or of a
file of secrets), somebody else's program that is given what is to be signed and answers with a
signature (a token's, a cloud's), or a function of the caller's.

Sources: C2PA 2.2, X.509 certificates and signature algorithms; RFC 9053 (signatures in COSE).
"""

from __future__ import annotations

import itertools
import logging
import secrets
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portravox.errors import CredentialsUnusable
from portravox.labels.c2pa_library import PURPOSES, fault_of, require_installed

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

Sign = Callable[[bytes], bytes]
"""What is to be signed -> its signature."""

MIN_RSA_BITS = 2048
MAX_CHAIN = 8
MAX_FILE_BYTES = 64 * 1024
"""Certificates in a chain, and bytes of their file or of a key's. Our choice."""

MAX_ANCHORS_BYTES = 512 * 1024
"""Of a file of authorities; C2PA's own list has some 100 kB. Our choice."""

COMMAND_TIME_S = 20.0
MAX_SIGNATURE_BYTES = 4096
"""Of a program that signs. Our choice."""

WARNING_DAYS = 30
"""So long before the certificate ends the log says so. Our choice."""

_CURVES = {"secp256r1": ("ES256", 32), "secp384r1": ("ES384", 48), "secp521r1": ("ES512", 66)}
"""C2PA's name of the algorithm, and bytes of each half of a signature."""

_HASHES = {"ES256": "SHA256", "ES384": "SHA384", "ES512": "SHA512", "PS256": "SHA256"}

_log = logging.getLogger("portravox.credentials")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What signs the origin of videos. One of `key_file`, `key`, `command` and `sign`."""

    certificates: Path
    """PEM: the signer's certificate first, then those between it and the root."""

    key_file: Path | None = None
    """PEM, without a password."""

    key: str | None = field(default=None, repr=False)
    """The PEM itself."""

    command: str | None = None
    """A program, with its arguments: what is to be signed on its standard input, the signature on
    its standard output. No shell reads it."""

    sign: Sign | None = None
    """A function that does the same."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signer:
    """Checked credentials. Several threads may share it."""

    algorithm: str
    """C2PA's name: ES256, ES384, ES512, PS256 or ED25519."""

    chain: tuple[bytes, ...]
    """DER, the signer's certificate first."""

    chain_pem: str
    signature_bytes: int
    subject: str
    """Whom the certificate names, for the log."""

    ends_at: datetime
    """When the first certificate of the chain expires."""

    _sign: Sign = field(repr=False)
    _public_key: Any = field(repr=False)

    @property
    def has_expired(self) -> bool:
        """Whether a certificate of the chain has, since it was checked."""
        return datetime.now(UTC) >= self.ends_at

    def sign(self, message: bytes) -> bytes:
        """A signature in COSE's shape. Raises CredentialsUnusable where the certificate has
        expired meanwhile, or what signs does not, or signs with another key."""
        if self.has_expired:
            raise _expired(self.subject, self.ends_at)
        signature = self._in_shape(self._sign(message))
        self._require_ours(message, signature)
        return signature

    def _in_shape(self, signature: bytes) -> bytes:
        """ECDSA's two numbers side by side; programs mostly write them as DER."""
        if self.algorithm.startswith("ES") and len(signature) != self.signature_bytes:
            from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

            half = self.signature_bytes // 2
            try:
                r, s = decode_dss_signature(signature)
                return r.to_bytes(half, "big") + s.to_bytes(half, "big")
            except (ValueError, OverflowError):
                pass  # told below
        return signature

    def _require_ours(self, message: bytes, signature: bytes) -> None:
        from cryptography.exceptions import InvalidSignature

        try:
            if len(signature) != self.signature_bytes:
                raise InvalidSignature
            _verify(self._public_key, self.algorithm, message, signature)
        except InvalidSignature as error:
            raise CredentialsUnusable(
                f"the key does not belong to the certificate of {self.subject}",
                hint="Name the key that the certificate was made for. A program has to sign with"
                f" {self.algorithm}.",
            ) from error


def open_signer(credentials: Credentials, *, now: datetime | None = None) -> Signer:
    """Check certificates and key, with a signature to try it. Raises CredentialsUnusable."""
    require_installed()
    chosen = (credentials.key_file, credentials.key, credentials.command, credentials.sign)
    if sum(one is not None for one in chosen) != 1:
        raise CredentialsUnusable(
            "certificates without a key, or with several",
            hint="Name one of a key file, a key in the environment and a command.",
        )
    pem = _read(credentials.certificates)
    certificates = _certificates(pem, credentials.certificates)
    ends_at = _require_chain(certificates, now or datetime.now(UTC))
    algorithm, signature_bytes = _algorithm(certificates[0])
    signer = Signer(
        algorithm=algorithm,
        chain=tuple(map(_der, certificates)),
        chain_pem="".join(map(_pem, certificates)),
        signature_bytes=signature_bytes,
        subject=_name(certificates[0]),
        ends_at=ends_at,
        _sign=_sign_with(credentials, algorithm),
        _public_key=certificates[0].public_key(),
    )
    trial = secrets.token_bytes(64)
    signer._require_ours(trial, signer._in_shape(signer._sign(trial)))
    fault = fault_of(signer.chain_pem, algorithm, lambda message: signer.sign(message))
    if fault:
        raise CredentialsUnusable(
            f"readers would refuse what {signer.subject} signs: {fault}",
            hint="Have the certificate issued by C2PA's profile (docs/labels.md).",
        )
    if ends_at - (now or datetime.now(UTC)) < timedelta(days=WARNING_DAYS):
        _log.warning("the certificate of %s expires on %s", signer.subject, f"{ends_at:%Y-%m-%d}")
    return signer


def read_anchors(file: Path) -> str:
    """Certificates of authorities whose word on signers is taken, in PEM. Raises
    CredentialsUnusable."""
    from cryptography import x509

    require_installed()
    pem = _read(file, MAX_ANCHORS_BYTES)
    try:
        return "".join(map(_pem, x509.load_pem_x509_certificates(pem)))
    except ValueError as error:
        raise CredentialsUnusable(f"{file} holds no certificates in PEM") from error


def _read(file: Path, most: int = MAX_FILE_BYTES) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as error:
        raise CredentialsUnusable(
            f"cannot read {file}: {error.strerror}",
            hint="Name a file in PEM that this user may read.",
        ) from error
    if len(content) > most:
        raise CredentialsUnusable(f"{file} has more than {most} bytes")
    return content


def _certificates(pem: bytes, file: Path) -> list[Certificate]:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise CredentialsUnusable(
            f"{file} holds no certificates in PEM",
            hint="Put the signer's certificate first, then those between it and the root.",
        ) from error
    if len(found) > MAX_CHAIN:
        raise CredentialsUnusable(
            f"{len(found)} certificates in {file}; wanted {MAX_CHAIN} or less"
        )
    return found


def _require_chain(chain: list[Certificate], now: datetime) -> datetime:
    """Hold the certificates against C2PA's profile. Returns when the first of them expires."""
    from cryptography.exceptions import InvalidSignature

    signer = chain[0]
    for certificate in chain:
        if now < certificate.not_valid_before_utc:
            raise CredentialsUnusable(
                f"the certificate of {_name(certificate)} is not valid before"
                f" {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
                hint="Check the machine's clock, or take a certificate that is valid now.",
            )
        if now >= certificate.not_valid_after_utc:
            raise _expired(_name(certificate), certificate.not_valid_after_utc)
        _require_strong(certificate)
    _require_profile(signer)
    for lower, upper in itertools.pairwise(chain):
        try:
            lower.verify_directly_issued_by(upper)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise CredentialsUnusable(
                f"the certificate of {_name(lower)} was not issued by {_name(upper)}, which follows"
                " it",
                hint="Put the signer's certificate first, then the one that issued it, and so on.",
            ) from error
    return min(certificate.not_valid_after_utc for certificate in chain)


def _require_strong(certificate: Certificate) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        used = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        used = None
    if used is not None and used.name in ("md5", "sha1"):
        raise CredentialsUnusable(
            f"the certificate of {_name(certificate)} is itself signed with {used.name}",
            hint="Have it issued with SHA-256 or better.",
        )


def _require_profile(signer: Certificate) -> None:
    """C2PA 2.2, certificate profile: what a certificate needs to sign claims."""
    from cryptography import x509

    def told(what: str, hint: str) -> CredentialsUnusable:
        return CredentialsUnusable(f"the certificate of {_name(signer)} {what}", hint=hint)

    if signer.subject == signer.issuer:
        raise told("is its own issuer", "Take one that an authority, or one of your own, issued.")
    try:
        if signer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            raise told("is an authority's", "Put the signer's own certificate first.")
    except x509.ExtensionNotFound:
        pass
    try:
        signer.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except x509.ExtensionNotFound as error:
        raise told(
            "does not name its issuer's key", "Have it issued with an authority key identifier."
        ) from error
    try:
        usage = signer.extensions.get_extension_for_class(x509.KeyUsage).value
        may_sign = usage.digital_signature
    except x509.ExtensionNotFound:
        may_sign = False
    if not may_sign:
        raise told("is not for digital signatures", "Have it issued with that key usage.")
    try:
        purposes = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        named = {purpose.dotted_string for purpose in purposes}
    except x509.ExtensionNotFound:
        named = set()
    if not named & set(PURPOSES):
        raise told(
            "is not for signing C2PA claims",
            f"Have it issued with the extended key usage {PURPOSES[0]} (C2PA) or {PURPOSES[1]}"
            " (mail).",
        )


def _algorithm(signer: Certificate) -> tuple[str, int]:
    """C2PA's name of what the key signs with, and bytes of a signature."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        key = signer.public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        name, half = _CURVES[key.curve.name]
        return name, 2 * half
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return "PS256", (key.key_size + 7) // 8
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ED25519", 64
    raise CredentialsUnusable(
        f"the key of {_name(signer)} is of a kind that C2PA does not take, or too short",
        hint=f"Take ECDSA with P-256, P-384 or P-521, Ed25519, or RSA of {MIN_RSA_BITS} bits or"
        " more.",
    )


def _sign_with(credentials: Credentials, algorithm: str) -> Sign:
    if credentials.sign is not None:
        return credentials.sign
    if credentials.command is not None:
        return _Program(shlex.split(credentials.command))
    if credentials.key_file is not None:
        pem, named = _read(credentials.key_file), str(credentials.key_file)
    else:
        pem, named = (credentials.key or "").encode(), "the key in the environment"
    return _with_private_key(pem, named, algorithm)


def _with_private_key(pem: bytes, named: str, algorithm: str) -> Sign:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    hint = "`openssl pkey -in KEY -out NEW` writes one that is read here."
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise CredentialsUnusable(f"{named} is locked with a password", hint=hint) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CredentialsUnusable(f"{named} is no private key in PEM", hint=hint) from error

    def sign(message: bytes) -> bytes:
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return key.sign(message)
        chosen = getattr(hashes, _HASHES.get(algorithm, "SHA256"))()
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(message, ec.ECDSA(chosen))
        if isinstance(key, rsa.RSAPrivateKey):
            salted = padding.PSS(padding.MGF1(chosen), chosen.digest_size)
            return key.sign(message, salted, chosen)
        raise CredentialsUnusable(f"{named} is of a kind that C2PA does not take", hint=hint)

    return sign


class _Program:
    """Somebody else's program that signs."""

    def __init__(self, command: list[str]) -> None:
        if not command:
            raise CredentialsUnusable("the command that signs is empty")
        self._command = command

    def __call__(self, message: bytes) -> bytes:
        name = Path(self._command[0]).name
        hint = "It is given what is to be signed on its standard input and answers on the other."
        try:
            done = subprocess.run(
                self._command,
                input=message,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=COMMAND_TIME_S,
                check=False,
            )
        except OSError as error:
            raise CredentialsUnusable(f"cannot run {name}: {error.strerror}", hint=hint) from error
        except subprocess.TimeoutExpired as error:
            raise CredentialsUnusable(
                f"{name} did not sign within {COMMAND_TIME_S:g} s", hint=hint
            ) from error
        if done.returncode != 0:
            raise CredentialsUnusable(f"{name} ended with status {done.returncode}", hint=hint)
        return done.stdout[: MAX_SIGNATURE_BYTES + 1]


def _verify(key: Any, algorithm: str, message: bytes, signature: bytes) -> None:
    """Raises InvalidSignature."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if algorithm == "ED25519":
        key.verify(signature, message)
        return
    chosen = getattr(hashes, _HASHES[algorithm])()
    if algorithm.startswith("PS"):
        salted = padding.PSS(padding.MGF1(chosen), chosen.digest_size)
        key.verify(signature, message, salted, chosen)
        return
    half = len(signature) // 2
    numbers = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    key.verify(encode_dss_signature(*numbers), message, ec.ECDSA(chosen))


def _expired(name: str, at: datetime) -> CredentialsUnusable:
    return CredentialsUnusable(
        f"the certificate of {name} expired on {at:%Y-%m-%d %H:%M} UTC",
        hint="Put a new one in its place and start again.",
    )


def _name(certificate: Certificate) -> str:
    shown = certificate.subject.rfc4514_string() or "nobody named"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown[:200])


def _der(certificate: Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


def _pem(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode("ascii")
