"""Which engines a server offers, what it says of them, and what it refuses."""

from __future__ import annotations

import pytest

from portravox.engines import registry
from portravox.engines.registry import PROCESSOR, EngineEntry, device_of
from portravox.errors import EngineUnavailable, SettingOutOfRange
from portravox.service import app
from portravox.service.app import engine_devices
from portravox.service.problems import Refusal
from portravox.service.schemas import CallMode, video_job
from portravox.service.settings import read_settings
from portravox.service.tasks.queue import Json

MODE = CallMode(asynchronous=True, resolve_oss=False)


def job(engine: str | None, engines: tuple[str, ...]) -> Json:
    body: dict[str, Json] = {
        "model": "liveportrait",
        "input": {"image_url": "https://a.example/i.png", "audio_url": "https://a.example/v.wav"},
    }
    if engine is not None:
        body["parameters"] = {"portravox": {"engine": engine}}
    return video_job(body, MODE, engines).parameters.get("engine")


def test_a_task_may_name_what_the_server_offers_and_nothing_else() -> None:
    assert job(None, ("embedded",)) is None
    assert job("embedded", ("embedded",)) == "embedded"
    assert job("neural", ("embedded", "neural")) == "neural"
    with pytest.raises(Refusal):
        job("neural", ("embedded",))


def test_the_first_engine_draws_where_a_task_names_none() -> None:
    assert job(None, ("neural", "embedded")) == "neural"
    assert job("embedded", ("neural", "embedded")) == "embedded"


@pytest.mark.parametrize("names", ["", "nobodys", "embedded,nobodys"])
def test_an_unknown_engine_cannot_be_offered(names: str) -> None:
    with pytest.raises(SettingOutOfRange, match="engines"):
        read_settings({"engines": names})


def test_the_embedded_engine_draws_on_the_processor() -> None:
    assert engine_devices(read_settings({})) == {"embedded": PROCESSOR}


def test_a_server_does_not_start_with_an_engine_that_lacks_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lacking(name: str) -> str:
        raise EngineUnavailable(f"{name} finds no graphics card")

    monkeypatch.setattr(app, "device_of", lacking)
    with pytest.raises(SettingOutOfRange, match="no graphics card"):
        engine_devices(read_settings({"engines": "embedded,neural"}))


def test_a_card_is_used_only_by_processes_that_are_not_isolated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "device_of", lambda name: f"cuda:0 ({name})")
    with pytest.raises(SettingOutOfRange, match="sandbox=off"):
        engine_devices(read_settings({"engines": "neural"}))
    found = engine_devices(read_settings({"engines": "neural", "sandbox": "off"}))
    assert found == {"neural": "cuda:0 (neural)"}


def test_a_machine_needs_only_what_its_own_workers_draw_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = {"database_url": "postgresql://h/d", "engines": "embedded,neural", "sandbox": "off"}
    asked: list[str] = []
    monkeypatch.setattr(app, "device_of", lambda name: asked.append(name) or PROCESSOR)
    assert set(engine_devices(read_settings(shared))) == {"embedded", "neural"}
    assert set(engine_devices(read_settings({**shared, "queues": "embedded"}))) == {"embedded"}
    assert asked == ["embedded", "neural", "embedded"]
    with pytest.raises(SettingOutOfRange, match="queues"):
        read_settings({**shared, "queues": "nobodys"})
    with pytest.raises(SettingOutOfRange, match="queues"):
        read_settings({"queues": "embedded"}).require_safe()


def test_a_probe_says_the_device_or_why_there_is_none(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "sees.py").write_text("print('cuda:0 (Card)')")
    (tmp_path / "blind.py").write_text("import sys; sys.exit('no card is seen')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    entries = {
        name: EngineEntry(factory="x:y", description="a test", probe=name)
        for name in ("sees", "blind")
    }
    assert device_of("sees", entries) == "cuda:0 (Card)"
    with pytest.raises(EngineUnavailable, match="no card is seen"):
        device_of("blind", entries)


def test_what_is_not_installed_or_not_fetched_is_named(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("PORTRAVOX_MODELS_DIR", str(tmp_path))
    known = registry.ENTRIES["neural"]
    lacks_both = EngineEntry(
        factory="x:y", description="a test", needs=("no_such_module",), weights=known.weights
    )
    lacks_weights = EngineEntry(factory="x:y", description="a test", weights=known.weights)
    with pytest.raises(EngineUnavailable, match="no_such_module"):
        device_of("x", {"x": lacks_both})
    with pytest.raises(Exception, match="appearance_feature_extractor") as told:
        device_of("x", {"x": lacks_weights})
    assert "models fetch neural" in getattr(told.value, "hint", "")
