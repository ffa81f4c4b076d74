"""Flags before environment before secret files before TOML, and nothing unsafe by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from portravox.errors import CredentialsUnusable, FileMissing, SettingOutOfRange
from portravox.labels.watermark_key import PUBLIC_KEY
from portravox.service.settings import ServiceSettings, read_settings


def test_each_source_yields_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "server.toml"
    config.write_text('port = 1\nworkers = 2\nregion = "here"\nmetrics_token = "of the file"\n')
    (tmp_path / "portravox_metrics_token").write_text("secret\n")
    monkeypatch.setenv("PORTRAVOX_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("PORTRAVOX_PORT", "3")
    monkeypatch.setenv("PORTRAVOX_WORKERS", "4")
    settings = read_settings({"port": 5, "host": None}, config=config)
    assert (settings.port, settings.workers, settings.region) == (5, 4, "here")
    assert settings.host == "127.0.0.1"
    assert settings.metrics_token is not None
    assert settings.metrics_token.get_secret_value() == "secret"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 70_000),
        ("workers", -1),
        ("requests_per_s", float("nan")),
        ("public_url", "host"),
        ("render_memory_mib", 767),  # with 512 no video is made
    ],
)
def test_what_cannot_be_is_named(name: str, value: object) -> None:
    with pytest.raises(SettingOutOfRange) as refused:
        read_settings({name: value})
    assert refused.value.name == name


def test_files_that_are_named_have_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        read_settings(config=tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("port = = 1")
    with pytest.raises(SettingOutOfRange):
        read_settings(config=tmp_path / "bad.toml")


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True),
        ("LocalHost:8000", True),
        ("127.0.0.1:8000", True),
        ("[::1]:8000", True),
        ("studio.localhost:8000", True),
        ("video.example.com", True),
        ("video.example.com:443", True),
        ("rebound.example.net:8000", False),
        ("localhost.example.net", False),
        ("notlocalhost", False),
        ("127.0.0.1.example.net", False),
        ("192.168.1.20:8000", False),
        ("[::1", False),
        ("", False),
        (":8000", False),
    ],
)
def test_names_that_mean_this_machine_are_told_from_others(host: str, own: bool) -> None:
    settings = read_settings({"no_keys": True, "public_url": "https://video.example.com/portravox"})
    assert settings.answers_to(host) is own


def test_no_keys_on_a_public_address_has_to_be_meant() -> None:
    read_settings({"host": "0.0.0.0"}).require_safe()
    read_settings({"no_keys": True, "host": "::1"}).require_safe()
    read_settings({"no_keys": True, "host": "0.0.0.0", "insecure": True}).require_safe()
    with pytest.raises(SettingOutOfRange):
        read_settings({"no_keys": True, "host": "0.0.0.0"}).require_safe()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook_url", "shop.example/word"),
        ("webhook_token", "word\r\nX: y"),
        ("webhook_token", "wörd"),
        ("webhook_format", "xml"),
        ("webhook_allow_nets", "10.0.0.1/8"),
        ("webhook_ports", "80, http"),
        ("fetch_ports", "0"),
        ("fetch_ports", "9000-8000"),
        ("fetch_ports", "65536"),
        ("fetch_ports", "-9000"),
        ("fetch_ports", "8000-8001-8002"),
        ("cors_origins", "*"),
        ("cors_origins", "null"),
        ("cors_origins", "app.example.com"),
        ("cors_origins", "https://app.example.com/"),
    ],
)
def test_webhooks_that_cannot_be_are_named_without_their_secrets(name: str, value: str) -> None:
    with pytest.raises(SettingOutOfRange) as refused:
        read_settings({name: value})
    assert refused.value.name == name
    assert "word" not in str(refused.value)


def test_the_operators_webhook_is_one_setting_and_its_form() -> None:
    assert read_settings().webhook is None
    webhook = read_settings(
        {"webhook_url": "http://10.0.0.1/", "webhook_format": "standard"}
    ).webhook
    assert webhook is not None
    assert (webhook.by_operator, str(webhook.format)) == (True, "standard")


def test_a_server_without_workers_needs_a_database_that_others_share() -> None:
    with pytest.raises(SettingOutOfRange, match="database_url"):
        ServiceSettings(workers=0).require_safe()
    ServiceSettings(workers=0, database_url="postgresql://db/x").require_safe()


def test_the_address_of_a_database_is_never_told() -> None:
    settings = ServiceSettings(database_url="postgresql://me:secret@db/x")
    assert "secret" not in repr(settings)


def test_what_signs_is_looked_at_before_the_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.credentials import new_chain

    good = new_chain(tmp_path / "good")
    files = {"c2pa_certificates": good.certificates, "c2pa_key_file": good.key_file}
    settings = read_settings({**files, "c2pa_trust": good.root})
    settings.require_safe()
    assert settings.signer is not None and settings.signer.algorithm == "ES256"
    assert settings.anchors_pem.startswith("-----BEGIN CERTIFICATE")
    expired = new_chain(tmp_path / "expired", days=(-9, -1))
    for wrong in (
        {"c2pa_certificates": expired.certificates, "c2pa_key_file": expired.key_file},
        {**files, "c2pa_key_file": expired.key_file},
        {**files, "c2pa_command": "true"},
        {"c2pa_certificates": good.certificates},
        {"c2pa_trust": good.key_file},
    ):
        with pytest.raises(CredentialsUnusable):
            read_settings(wrong).require_safe()
    with pytest.raises(SettingOutOfRange, match="c2pa_certificates"):
        read_settings({"c2pa_key_file": good.key_file}).require_safe()
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "portravox_c2pa_key").write_bytes(good.key_file.read_bytes())
    monkeypatch.setenv("PORTRAVOX_SECRETS_DIR", str(secrets))
    by_secret = read_settings({"c2pa_certificates": good.certificates})
    by_secret.require_safe()
    assert "PRIVATE" not in repr(by_secret)


def test_a_key_of_watermarks_is_long_or_off_and_never_told() -> None:
    settings = ServiceSettings(watermark_key="a secret of sixteen")
    assert settings.watermark_key_used == "a secret of sixteen"
    assert "secret" not in repr(settings)
    assert ServiceSettings(watermark_key="off").watermark_key_used == "off"
    assert ServiceSettings().watermark_key_used == PUBLIC_KEY
    with pytest.raises(ValueError, match="off, or a key of 16 to 200 characters"):
        ServiceSettings(watermark_key="short secret")
    with pytest.raises(SettingOutOfRange) as told:
        read_settings({"watermark_key": "short secret"})
    assert "short secret" not in str(told.value)


def test_a_folder_of_data_is_found_from_wherever_processes_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings({"data_dir": Path("data")}).data_dir == tmp_path / "data"
    (tmp_path / "p.toml").write_text('data_dir = "here"\n')
    assert read_settings(config=tmp_path / "p.toml").data_dir == tmp_path / "here"
