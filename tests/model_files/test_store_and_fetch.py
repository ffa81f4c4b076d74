"""Model files are found, checked, fetched once, and what is wrong with them is named."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from portravox.errors import ModelFetchFailed, ModelFileBroken, ModelFileMissing
from portravox.model_files import catalogue, fetch, required, store
from portravox.model_files.catalogue import ModelFile, ModelSet

CONTENT = bytes(range(256)) * 40


def file_of(name: str, content: bytes) -> ModelFile:
    return ModelFile(
        name=name,
        purpose="a test",
        source=catalogue.MEDIAPIPE,
        member=f"mediapipe/modules/{name}",
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


FILES = (file_of("one.tflite", CONTENT), file_of("two.tflite", CONTENT[::-1]))
SET = ModelSet(name="faces", needed_for="a test", required=True, files=FILES)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty models folder, and a catalogue of two small files."""
    folder = tmp_path / "models"
    monkeypatch.setenv(store.VARIABLE, str(folder))
    for module in (catalogue, store, fetch, required):
        monkeypatch.setattr(module, "SETS", (SET,))
    monkeypatch.setattr(
        required, "file_named", lambda name: next(f for f in FILES if f.name == name)
    )
    return folder


def write_wheel(path: Path, contents: tuple[bytes, bytes] = (CONTENT, CONTENT[::-1])) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in zip(FILES, contents, strict=True):
            archive.writestr(file.member, content)
    return path


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return write_wheel(tmp_path / "mediapipe-0.10.21-cp311-cp311-any.whl")


def test_the_catalogues_files_are_here_and_right() -> None:
    """What the other tests run with."""
    required.require_all(catalogue.SETS)
    assert store.missing_files() == ()


def test_a_wheel_from_elsewhere_gives_the_files(folder: Path, wheel: Path) -> None:
    fetched = fetch.fetch_missing((SET,), wheels=[wheel])
    assert fetched == FILES
    assert (folder / "one.tflite").read_bytes() == CONTENT
    assert required.required("two.tflite") == folder / "two.tflite"
    # nothing is left of the fetching but the lock
    assert {path.name for path in folder.iterdir()} == {"one.tflite", "two.tflite", ".fetching"}
    assert fetch.fetch_missing((SET,), wheels=[wheel]) == ()


def test_only_what_is_missing_or_broken_is_fetched(folder: Path, wheel: Path) -> None:
    fetch.fetch_missing((SET,), wheels=[wheel])
    kept = (folder / "one.tflite").stat().st_mtime_ns
    (folder / "two.tflite").write_bytes(b"damaged")
    assert store.state_of(FILES[1]) == "broken"
    assert fetch.fetch_missing((SET,), wheels=[wheel]) == (FILES[1],)
    assert (folder / "one.tflite").stat().st_mtime_ns == kept
    assert store.state_of(FILES[1]) == "ok"


def test_other_bytes_are_refused_and_what_was_there_stays(folder: Path, tmp_path: Path) -> None:
    bad = write_wheel(tmp_path / "mediapipe-0.10.21-x.whl", (CONTENT, CONTENT))
    with pytest.raises(ModelFetchFailed, match=r"two\.tflite.* other bytes"):
        fetch.fetch_missing((SET,), wheels=[bad])
    assert not (folder / "two.tflite").exists()


@pytest.mark.parametrize("damage", [b"", b"no archive at all"])
def test_what_is_no_wheel_is_refused(folder: Path, tmp_path: Path, damage: bytes) -> None:
    bad = tmp_path / "mediapipe-0.10.21-x.whl"
    bad.write_bytes(damage)
    with pytest.raises(ModelFetchFailed, match="is not in"):
        fetch.fetch_missing((SET,), wheels=[bad])


def test_a_broken_file_is_named_with_the_command_that_mends_it(folder: Path, wheel: Path) -> None:
    fetch.fetch_missing((SET,), wheels=[wheel])
    path = folder / "one.tflite"
    path.write_bytes(CONTENT[:-1] + b"x")  # of the right length
    with pytest.raises(ModelFileBroken, match=r"one\.tflite") as told:
        required.required("one.tflite")
    assert told.value.code == "model_file_broken"
    assert "portravox models fetch" in told.value.hint


def test_where_fetching_is_forbidden_a_missing_file_is_an_error_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(required, "_may_fetch", True)
    required.forbid_fetching()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("nothing may be started"))
    with pytest.raises(ModelFileMissing, match=r"one\.tflite") as told:
        required.required("one.tflite")
    assert told.value.code == "model_file_missing"


def test_a_missing_file_is_fetched_once_by_pip_for_a_fixed_platform(
    folder: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []
    said: list[str] = []

    def download(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        into = next(word for word in command if word.startswith("--dest=")).removeprefix("--dest=")
        (Path(into) / wheel.name).write_bytes(wheel.read_bytes())
        asked = (Path(into) / "requirement.txt").read_text(encoding="ascii")
        assert asked.startswith("mediapipe==0.10.21 --hash=sha256:")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(required, "_may_fetch", True)
    monkeypatch.setattr(subprocess, "run", download)
    monkeypatch.setattr(fetch.sys.stderr, "write", said.append)
    with ThreadPoolExecutor(4) as threads:
        places = set(threads.map(required.required, ["one.tflite", "two.tflite"] * 4))
    assert places == {folder / "one.tflite", folder / "two.tflite"}
    assert len(calls) == 1
    assert {"--no-deps", "--require-hashes", "--only-binary=:all:"} <= set(calls[0])
    assert "--platform=manylinux_2_28_x86_64" in calls[0]
    assert len(said) == 1
    assert "fetching model files once (36 MB" in said[0]


def test_pips_own_reason_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        told = "WARNING: Retrying\nERROR: No matching distribution found for mediapipe\nhint: x\n"
        return subprocess.CompletedProcess(command, 1, "", told)

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(ModelFetchFailed, match=r"No matching distribution found for mediapipe$"):
        fetch.fetch_missing((SET,), tell=lambda _: None)
    assert not list(folder.glob("*.tflite"))


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, wheel: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "file" / "models"))
    with pytest.raises(ModelFetchFailed, match="cannot be written"):
        fetch.fetch_missing((SET,), wheels=[wheel])


def test_processes_that_fetch_at_once_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each replaces all files again and again; a reader never finds one that is not whole."""
    packed, folder = tmp_path / "mediapipe-0.10.21-all.whl", tmp_path / "models"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in catalogue.FACES.files:
            archive.writestr(file.member, required.required(file.name).read_bytes())
    monkeypatch.setenv(store.VARIABLE, str(folder))
    code = (
        "import sys; from pathlib import Path; from portravox.model_files.catalogue import FACES;"
        "from portravox.model_files.fetch import fetch_missing;"
        "[fetch_missing((FACES,), again=True, wheels=[Path(sys.argv[1])]) for _ in range(5)]"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(packed)]) for _ in range(3)]
    seen = 0
    while any(process.poll() is None for process in processes):
        for file in catalogue.FACES.files:
            path = folder / file.name
            if path.is_file():
                content = path.read_bytes()
                assert hashlib.sha256(content).hexdigest() == file.sha256
                seen += 1
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert seen > 0
    assert not list(folder.glob(".fetched-*"))


def test_files_lie_in_the_environment_or_in_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(store.VARIABLE, raising=False)
    monkeypatch.setattr(store.sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setattr(store, "user_cache_folder", lambda: tmp_path / "cache")
    (tmp_path / "venv").mkdir()
    environment, cache = store.folders()
    assert environment == tmp_path / "venv" / "share" / "portravox" / "models"
    assert cache == tmp_path / "cache" / "portravox" / "models"
    assert store.folder_to_fetch_into() == environment
    monkeypatch.setattr(store.sys, "base_prefix", str(tmp_path / "venv"))  # not one's own
    assert store.folder_to_fetch_into() == cache


def test_an_intact_file_goes_before_a_broken_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    monkeypatch.setattr(store, "folders", lambda: (first, second))
    for each, content in ((first, b"broken"), (second, CONTENT)):
        each.mkdir()
        (each / "one.tflite").write_bytes(content)
    assert store.find(FILES[0]) == second / "one.tflite"


def test_every_file_has_its_own_name_and_its_hash() -> None:
    names = [file.name for each in catalogue.SETS for file in each.files]
    assert len(set(names)) == len(names)
    for each in catalogue.SETS:
        for file in each.files:
            assert len(file.sha256) == len(file.source.sha256) == 64
            assert replace(file) == catalogue.file_named(file.name)
