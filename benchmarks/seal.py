"""What signing the origin of a video costs: time beside rendering, and bytes in the file.

    python -m benchmarks.seal [--rounds 5]

Certificates and key are made for the run and forgotten. Noise stands for pictures: only the size of
the file counts.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from portravox.labels.origin import Ingredient, Origin, now_in_words
from portravox.labels.seal import placeholder_for, prepare, seal
from portravox.labels.signer import Credentials, Signer, open_signer
from portravox.media.encode import VideoWriter
from portravox.media.planes import Planes
from portravox.media.waveform import Waveform

FPS = 25
SIZES = ((256, 2), (512, 10), (1024, 20))
"""px, seconds"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds: int = parser.parse_args().rounds
    print("| video | manifest | written by the limited process | checked, signed, read back |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        signer = _signer(Path(folder))
        origin = Origin(
            ingredients=(
                Ingredient(role="portrait", sha256="0" * 64),
                Ingredient(role="voice", sha256="1" * 64),
            ),
            made_at=now_in_words(),
            producer="Portravox",
        )
        for side_px, duration_s in SIZES:
            video = _noise(Path(folder) / "noise.mp4", side_px, duration_s)
            print(_row(video, origin, signer, rounds))


def _row(video: Path, origin: Origin, signer: Signer, rounds: int) -> str:
    preparing, sealing, grown = [], [], 0
    size = video.stat().st_size
    for _ in range(rounds):
        copy = video.with_name("copy.mp4")
        copy.write_bytes(video.read_bytes())
        placeholder = placeholder_for(signer)
        started = time.perf_counter()
        prepare(copy, origin, placeholder)
        prepared = time.perf_counter()
        seal(copy, origin, signer, placeholder.content)
        sealing.append(time.perf_counter() - prepared)
        preparing.append(prepared - started)
        grown = copy.stat().st_size - size
    times = (f"{1000 * statistics.median(taken):.0f} ms" for taken in (preparing, sealing))
    return f"| {size / 1e6:.1f} MB | {grown / 1e3:.1f} kB | {' | '.join(times)} |"


def _noise(path: Path, side_px: int, duration_s: int) -> Path:
    draw = np.random.default_rng(0)
    frames = [
        Planes.of(draw.integers(96, 160, (side_px, side_px, 3), dtype=np.uint8)) for _ in range(4)
    ]
    voice = Waveform(np.zeros((16_000 * duration_s, 1), np.float32), 16_000)
    with VideoWriter(
        path,
        width_px=side_px,
        height_px=side_px,
        fps=FPS,
        frames=FPS * duration_s,
        voice=voice,
    ) as writer:
        for number in range(FPS * duration_s):
            writer.write(frames[number % len(frames)])
    return path


def _signer(folder: Path) -> Signer:
    """With a chain of two, made now."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    above, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def issued(name: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool) -> bytes:
        usage = dict.fromkeys(
            ("key_encipherment", "data_encipherment", "key_agreement", "crl_sign"), False
        )
        made = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named("above"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=90))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=not is_authority,
                    content_commitment=False,
                    key_cert_sign=is_authority,
                    encipher_only=False,
                    decipher_only=False,
                    **usage,
                ),
                critical=True,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()),
                critical=False,
            )
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
            )
        )
        return made.sign(above, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    chain = folder / "chain.pem"
    chain.write_bytes(
        issued("signer", own, is_authority=False) + issued("above", above, is_authority=True)
    )
    key = own.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return open_signer(Credentials(certificates=chain, key=key.decode()))


if __name__ == "__main__":
    main()
