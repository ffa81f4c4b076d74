from pathlib import Path

from benchmarks.first_video import _environment


def test_nothing_that_was_fetched_before_is_found(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/somewhere")
    monkeypatch.setenv("MAKEFLAGS", "-j")
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.com/simple")
    environment = _environment(tmp_path)
    caches = {Path(environment[name]) for name in ("HOME", "XDG_CACHE_HOME", "PIP_CACHE_DIR")}
    assert all(tmp_path in cache.parents for cache in caches)
    assert not {"PYTHONPATH", "NUMBA_CACHE_DIR", "MAKEFLAGS"} & set(environment)
    assert environment["PIP_INDEX_URL"] == "https://example.com/simple"
