"""What a worker without a server tells Prometheus, over a real socket."""

from __future__ import annotations

import urllib.request

import pytest

from portravox.errors import SettingOutOfRange
from portravox.service.metrics import Metrics


def page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        told: str = answer.read().decode()
    return told


def test_a_worker_is_looked_at_whenever_somebody_asks() -> None:
    metrics, ages = Metrics(), [0.5, 31.0]
    metrics.watch_worker("host:7", age_s=lambda: ages.pop(0), failed_starts=lambda: 2)
    metrics.errors.labels("Timeout").inc()
    with metrics.served("127.0.0.1", 0) as port:
        first, second = page(port), page(port)
    assert 'portravox_worker_heartbeat_age_seconds{worker="host:7"} 0.5' in first
    assert 'portravox_worker_heartbeat_age_seconds{worker="host:7"} 31.0' in second
    assert 'portravox_worker_failed_starts{worker="host:7"} 2.0' in second
    assert 'portravox_errors_total{code="Timeout"} 1.0' in second
    with pytest.raises(OSError):
        page(port)


def test_a_port_in_use_is_told() -> None:
    with (
        Metrics().served("127.0.0.1", 0) as port,
        pytest.raises(SettingOutOfRange, match=f"metrics_port={port} "),
        Metrics().served("127.0.0.1", port),
    ):
        pass
