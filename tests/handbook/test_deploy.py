"""Files for deployment, held against settings, commands, routes and numbers of this version."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from handbook.metrics import families
from portravox.service.settings import ServiceSettings, read_settings
from portravox.system import ENVIRONMENT
from tests.handbook.examples import take

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VARIABLES = {f"{ENVIRONMENT}{name.upper()}" for name in ServiceSettings.model_fields} | {
    f"{ENVIRONMENT}SECRETS_DIR",
    f"{ENVIRONMENT}CONFIG",
}


def _text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def test_the_settings_are_settings():
    settings = read_settings(config=DEPLOY / "portravox.toml")
    assert (settings.host, settings.public_url) == ("127.0.0.1", "https://talk.example.com")


@pytest.mark.parametrize("name", ["portravox.service", "compose.yaml", "Containerfile"])
def test_variables_are_ones_that_are_read(name):
    named = set(re.findall(rf"{ENVIRONMENT}[A-Z_]+", _text(name)))
    assert named
    assert named <= VARIABLES


def test_the_unit_starts_a_command_and_waits_for_the_drain():
    unit = _text("portravox.service")
    start = re.search(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    assert start
    words = start[1].split()
    assert words[0].endswith("/portravox")
    take(["portravox", *words[1:]])
    stop_s = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert stop_s
    assert int(stop_s[1]) > ServiceSettings.model_fields["drain_s"].default


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_takes_the_unit(tmp_path):
    # The program is not where it will be, and systemd looks.
    unit = _text("portravox.service").replace("/opt/portravox/.venv/bin/portravox", "/bin/true")
    path = tmp_path / "portravox.service"
    path.write_text(unit)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True
    )
    complaints = [line for line in verified.stderr.splitlines() if "portravox.service" in line]
    assert complaints == []


def test_the_container_copies_what_is_there_and_starts_a_command():
    lines = _text("Containerfile").splitlines()
    copied = [line.split()[1:-1] for line in lines if re.match(r"COPY (?!--from)", line)]
    assert copied
    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists(), name
    command = next(line for line in lines if line.startswith("CMD ["))
    take(["portravox", *re.findall(r'"([^"]+)"', command)])
    checked = next(line for line in lines if "urlopen" in line)
    assert "/readyz" in checked


def test_compose_gives_the_server_time_to_drain_and_its_port():
    services = yaml.safe_load(_text("compose.yaml"))["services"]
    ours = services["portravox"]
    assert (DEPLOY / ours["build"]["context"] / ours["build"]["dockerfile"]).resolve().is_file()
    grace_s = int(ours["stop_grace_period"].removesuffix("s"))
    assert grace_s > ServiceSettings.model_fields["drain_s"].default
    port = ServiceSettings.model_fields["port"].default
    assert services["caddy"]["environment"]["UPSTREAM"] == f"portravox:{port}"
    assert f"EXPOSE {port}" in _text("Containerfile")


def test_proxies_let_the_largest_upload_through_and_hide_the_numbers():
    largest_mib = ServiceSettings.model_fields["upload_mib"].default
    nginx = re.search(r"client_max_body_size (\d+)m;", _text("nginx.conf"))
    # To nginx m is 2^20 bytes, to Caddy MB would be 10^6.
    caddy = re.search(r"max_size (\d+)MiB", _text("Caddyfile"))
    assert nginx
    assert int(nginx[1]) > largest_mib
    assert caddy
    assert int(caddy[1]) > largest_mib
    assert "location = /metrics" in _text("nginx.conf")
    assert "respond /metrics 404" in _text("Caddyfile")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
def test_nginx_takes_its_file(tmp_path):
    site = _text("nginx.conf")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"]
    subprocess.run(
        [*made, "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True,
        capture_output=True,
    )
    site = re.sub(r"/etc/letsencrypt/\S+fullchain.pem", str(tmp_path / "cert.pem"), site)
    site = re.sub(r"/etc/letsencrypt/\S+privkey.pem", str(tmp_path / "key.pem"), site)
    site = site.replace("/var/log/nginx", str(tmp_path))
    config = tmp_path / "nginx.conf"
    config.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{site}\n}}\n")
    tested = subprocess.run(
        ["nginx", "-t", "-c", config, "-g", "error_log stderr;"], capture_output=True, text=True
    )
    assert tested.returncode == 0, tested.stderr


def test_alerts_ask_for_numbers_that_are_told():
    told = families()
    known = set(told) | {f"{name}_{part}" for name in told for part in ("bucket", "sum", "count")}
    rules = yaml.safe_load(_text("portravox-alerts.yml"))["groups"][0]["rules"]
    assert len(rules) >= 5
    for rule in rules:
        for name, labels in re.findall(r"(portravox_\w+)(?:\{([^}]*)\})?", rule["expr"]):
            assert name in known, rule["alert"]
            asked = set(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)", labels))
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert asked <= set(told.get(name, told.get(base))[2]), rule["alert"]
