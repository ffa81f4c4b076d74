"""Credentials that will not do are refused at the start, with what is wrong and the way out."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portravox.errors import CredentialsUnusable
from portravox.labels.signer import Credentials, open_signer, read_anchors
from tests.credentials import CLAIMS, MAIL, new_chain, new_key, own_issuer, private_pem


@pytest.mark.parametrize(
    ("kind", "algorithm", "length"),
    [
        ("P-256", "ES256", 64),
        ("P-384", "ES384", 96),
        ("P-521", "ES512", 132),
        ("RSA-2048", "PS256", 256),
        ("Ed25519", "ED25519", 64),
    ],
)
def test_each_kind_of_key_signs_by_its_algorithm(tmp_path: Path, kind, algorithm, length) -> None:
    signer = open_signer(new_chain(tmp_path, kind=kind).credentials)
    assert (signer.algorithm, len(signer.sign(b"claim"))) == (algorithm, length)
    assert signer.subject == "CN=Signer,O=Tests" and len(signer.chain) == 2


def test_a_key_may_come_from_the_environment_a_function_or_a_program(tmp_path: Path) -> None:
    chain = new_chain(tmp_path)
    from_text = Credentials(certificates=chain.certificates, key=chain.key_file.read_text())
    assert "PRIVATE" not in repr(from_text)
    by_file = open_signer(chain.credentials)
    by_function = Credentials(certificates=chain.certificates, sign=by_file.sign)
    for credentials in (from_text, by_function):
        assert len(open_signer(credentials).sign(b"claim")) == 64


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_program_signs_without_our_having_the_key(tmp_path: Path) -> None:
    chain = new_chain(tmp_path)
    command = f"openssl dgst -sha256 -sign {chain.key_file}"
    signer = open_signer(Credentials(certificates=chain.certificates, command=command))
    assert len(signer.sign(b"claim")) == 64  # it wrote DER


def test_what_cannot_sign_says_why_and_what_would_help(tmp_path: Path) -> None:
    good = new_chain(tmp_path / "good")
    other = new_chain(tmp_path / "other")
    missing = replace(good.credentials, certificates=tmp_path / "none.pem")
    no_pem = tmp_path / "no.pem"
    no_pem.write_text("hello")
    locked = tmp_path / "locked.pem"
    locked.write_bytes(private_pem(new_key(), b"secret"))
    swapped = tmp_path / "swapped.pem"
    swapped.write_bytes(
        b"-----BEGIN".join(
            [b"", *reversed(good.certificates.read_bytes().split(b"-----BEGIN")[1:])]
        )
    )
    strangers = tmp_path / "strangers.pem"
    strangers.write_text(
        good.certificates.read_text().split("-----END CERTIFICATE-----\n")[0]
        + "-----END CERTIFICATE-----\n"
        + other.root.read_text()
    )
    alone = Credentials(certificates=good.certificates)
    cases = {
        "cannot read .*none.pem": missing,
        "no.pem holds no certificates": replace(good.credentials, certificates=no_pem),
        "expired on": new_chain(tmp_path / "a", days=(-9, -1)).credentials,
        "is not valid before": new_chain(tmp_path / "b", days=(1, 9)).credentials,
        "not for signing C2PA claims": new_chain(tmp_path / "c", purposes=()).credentials,
        "for signing C2PA": new_chain(tmp_path / "d", purposes=("1.3.6.1.5.5.7.3.1",)).credentials,
        "is an authority's": new_chain(tmp_path / "e", is_authority=True).credentials,
        "not for digital signatures": new_chain(tmp_path / "f", may_sign=False).credentials,
        "name its issuer's key": new_chain(tmp_path / "j", names_issuer=False).credentials,
        "readers would refuse": new_chain(
            tmp_path / "k", purposes=(CLAIMS, "1.3.6.1.5.5.7.3.8")
        ).credentials,
        "is its own issuer": own_issuer(tmp_path / "g").credentials,
        "a kind that C2PA does not take": new_chain(tmp_path / "h", kind="K-256").credentials,
        "or too short": new_chain(tmp_path / "i", kind="RSA-1024").credentials,
        "does not belong to the certificate": replace(good.credentials, key_file=other.key_file),
        "is locked with a password": replace(good.credentials, key_file=locked),
        "no private key in PEM": replace(good.credentials, key_file=no_pem),
        "was not issued by CN=Root": replace(good.credentials, certificates=strangers),
        "CN=Between,O=Tests is an authority's": replace(good.credentials, certificates=swapped),
        "without a key, or with several": alone,
        "or with several": replace(good.credentials, key="x"),
        "cannot run none": replace(alone, command="/none"),
        "ended with status 1": replace(alone, command="false"),
    }
    for said, credentials in cases.items():
        with pytest.raises(CredentialsUnusable, match=said) as caught:
            open_signer(credentials)
        assert caught.value.code == "credentials_unusable"
        assert caught.value.hint, said


def test_certificates_for_claims_or_mail_will_do(tmp_path: Path) -> None:
    for purpose in (CLAIMS, MAIL):
        assert open_signer(new_chain(tmp_path, purposes=(purpose,)).credentials)


def test_one_that_ends_soon_is_told_and_one_that_has_ended_signs_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        signer = open_signer(new_chain(tmp_path, days=(-1, 9)).credentials)
    assert "CN=Signer,O=Tests expires on" in caplog.text
    ended = replace(signer, ends_at=datetime.now(UTC) - timedelta(seconds=1))
    assert ended.has_expired
    with pytest.raises(CredentialsUnusable, match="expired"):
        ended.sign(b"claim")


def test_authorities_are_certificates(tmp_path: Path) -> None:
    chain = new_chain(tmp_path)
    assert read_anchors(chain.root).startswith("-----BEGIN CERTIFICATE-----")
    with pytest.raises(CredentialsUnusable, match="holds no certificates"):
        read_anchors(chain.key_file)
