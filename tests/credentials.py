"""Certificates and keys for tests, made when they are needed and kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("c2pa", reason="c2pa-python is not installed")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID, ObjectIdentifier
from PIL import Image

from portravox.labels.aigc import AiLabel
from portravox.labels.origin import Ingredient, Origin
from portravox.labels.seal import placeholder_for, prepare, seal
from portravox.labels.signer import Credentials, open_signer
from portravox.media.encode import VideoWriter
from portravox.media.planes import Planes
from portravox.media.waveform import Waveform

CLAIMS, MAIL = "1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.4"

ORIGIN = Origin(
    ingredients=(
        Ingredient(role="portrait", sha256="ab" * 32, mime_type="image/png"),
        Ingredient(role="voice", sha256="cd" * 32, mime_type="audio/wav", facts="a label: 生成"),
    ),
    made_at="2026-11-29T07:00:00Z",
    producer="某公司",
    task_id="3b1f",
)


def new_key(kind: str = "P-256") -> Any:
    makers = {
        "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "K-256": lambda: ec.generate_private_key(ec.SECP256K1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate,
        "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
        "RSA-1024": lambda: rsa.generate_private_key(65537, 1024),
    }
    return makers[kind]()


@dataclass(frozen=True)
class Chain:
    """A chain of two certificates below a root, in a folder."""

    certificates: Path
    key_file: Path
    root: Path

    @property
    def credentials(self) -> Credentials:
        return Credentials(certificates=self.certificates, key_file=self.key_file)


def new_chain(
    folder: Path,
    *,
    kind: str = "P-256",
    days: tuple[float, float] = (-1, 90),
    purposes: tuple[str, ...] = (CLAIMS, MAIL),
    is_authority: bool = False,
    may_sign: bool = True,
    name: str = "Signer",
    asked_at: str | None = None,
    names_issuer: bool = True,
) -> Chain:
    """Make one.

    days      from when and until when it is valid, from now
    asked_at  where the issuer says whether it was revoked
    """
    folder.mkdir(exist_ok=True)
    top, middle, own = new_key(), new_key(), new_key(kind)
    root = _certificate("Root", "Root", top, top, is_authority=True)
    between = _certificate("Between", "Root", middle, top, is_authority=True)
    signer = _certificate(
        name,
        "Between",
        own,
        middle,
        days=days,
        purposes=purposes,
        is_authority=is_authority,
        may_sign=may_sign,
        asked_at=asked_at,
        names_issuer=names_issuer,
    )
    chain = Chain(folder / "chain.pem", folder / "key.pem", folder / "root.pem")
    chain.certificates.write_bytes(_pem(signer) + _pem(between))
    chain.root.write_bytes(_pem(root))
    chain.key_file.write_bytes(private_pem(own))
    return chain


def private_pem(key: Any, password: bytes | None = None) -> bytes:
    locked = (
        serialization.NoEncryption()
        if password is None
        else serialization.BestAvailableEncryption(password)
    )
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked
    )
    return pem


def own_issuer(folder: Path) -> Chain:
    """A certificate that nobody else answers for."""
    folder.mkdir(exist_ok=True)
    key = new_key()
    chain = Chain(folder / "own.pem", folder / "own-key.pem", folder / "own.pem")
    chain.certificates.write_bytes(_pem(_certificate("Own", "Own", key, key, purposes=(CLAIMS,))))
    chain.key_file.write_bytes(private_pem(key))
    return chain


def _certificate(
    subject: str,
    issuer: str,
    key: Any,
    issuer_key: Any,
    *,
    days: tuple[float, float] = (-1, 90),
    purposes: tuple[str, ...] = (),
    is_authority: bool = False,
    may_sign: bool = True,
    asked_at: str | None = None,
    names_issuer: bool = True,
) -> Any:
    def named(name: str) -> x509.Name:
        organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests")
        return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, name)])

    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=may_sign and not is_authority,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    if names_issuer:
        issuers = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        made = made.add_extension(issuers, critical=False)
    if purposes:
        wanted = [ObjectIdentifier(purpose) for purpose in purposes]
        made = made.add_extension(x509.ExtendedKeyUsage(wanted), critical=False)
    if asked_at is not None:
        place = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(asked_at)
        )
        made = made.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
    return made.sign(issuer_key, hashes.SHA256())


def _pem(certificate: Any) -> bytes:
    pem: bytes = certificate.public_bytes(serialization.Encoding.PEM)
    return pem


def small_video(path: Path, **more: Any) -> Path:
    """Half a second, 64 px."""
    with VideoWriter(
        path,
        width_px=64,
        height_px=64,
        fps=24,
        frames=12,
        voice=Waveform(np.zeros((8000, 1), np.float32), 16_000),
        label=AiLabel(producer="某公司", content_id="0123"),
        **more,
    ) as writer:
        for frame in range(12):
            writer.write(Planes.of(np.full((64, 64, 3), 20 * frame, np.uint8)))
    return path


def sealed_video(path: Path, chain: Chain) -> Path:
    """A small one with a signed manifest."""
    small_video(path)
    signer = open_signer(chain.credentials)
    placeholder = placeholder_for(signer)
    prepare(path, ORIGIN, placeholder)
    seal(path, ORIGIN, signer, placeholder.content)
    return path


def of_a_camera(path: Path, chain: Chain, *, elsewhere: str | None = None) -> Path:
    """A picture with a manifest of somebody else's.

    elsewhere  an address where the manifest lies, instead of in the picture
    """
    import c2pa

    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path.with_suffix(".plain.png"))
    taken = {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
    }
    manifest = {
        "claim_generator_info": [{"name": "Camera", "version": "1"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [taken]}}],
    }
    signer = c2pa.Signer.from_callback(
        open_signer(chain.credentials).sign,
        c2pa.C2paSigningAlg.ES256,
        chain.certificates.read_text(),
    )
    with signer, c2pa.Context.from_dict({"verify": {"verify_after_sign": False}}) as context:
        builder = c2pa.Builder(manifest, context)
        if elsewhere is not None:
            builder.set_no_embed()
            builder.set_remote_url(elsewhere)
        with path.with_suffix(".plain.png").open("rb") as source, path.open("w+b") as target:
            builder.sign(signer, "image/png", source, target)
    return path
