"""portravox doctor on this machine, and on machines where something is missing."""

from __future__ import annotations

import importlib
import subprocess

from portravox.cli import doctor
from portravox.service.worker import sandbox


def finding(answer, name):
    return next(one for one in answer["findings"] if one["name"] == name)


def test_this_machine_has_all(run):
    told = run("doctor", "--json")
    assert told.status == 0
    answer = told.json
    assert answer["ok"] is True
    names = {one["name"] for one in answer["findings"]}
    assert {
        "portravox",
        "python",
        "numpy",
        "numba",
        "av",
        "faces models",
        "face networks",
        "opencv",
    } <= names
    assert {
        "H.264 encoder",
        "AAC encoder",
        "cores",
        "memory",
        "GPU",
        "compiled code",
        "C2PA",
    } <= names
    assert not any(one["mend"] for one in answer["findings"] if one["state"] == "ok")


def test_in_words(run):
    told = run("doctor")
    assert told.status == 0
    assert "ok      face networks" in told.out
    assert told.out.endswith("all there\n")


def test_opencv_without_a_desktops_libraries_is_explained(run, monkeypatch):
    really_import = importlib.import_module

    def fail(name, *rest):
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file: No such file")
        return really_import(name, *rest)

    monkeypatch.setattr(importlib, "import_module", fail)
    told = run("doctor", "--json")
    assert told.status == 1
    opencv = finding(told.json, "opencv")
    assert opencv["state"] == "missing"
    assert "opencv-python-headless" in opencv["mend"]


def test_without_model_files_it_says_how_to_get_them(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PORTRAVOX_MODELS_DIR", str(tmp_path))
    told = run("doctor", "--json")
    assert told.status == 1
    faces = finding(told.json, "faces models")
    assert faces["state"] == "missing"
    assert "face_landmark_with_attention.tflite is missing" in faces["detail"]
    assert faces["mend"] == "portravox models fetch faces"
    assert finding(told.json, "demo portrait")["state"] == "note"


def test_a_gpu_is_named_when_there_is_one(run, monkeypatch):
    def answer(command, **kwargs):
        return subprocess.CompletedProcess(command, 0, "NVIDIA T4, 15360 MiB, 550.54\n", "")

    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(doctor.subprocess, "run", answer)
    assert "NVIDIA T4" in finding(run("doctor", "--json").json, "GPU")["detail"]


def test_little_memory_is_worth_a_note(run, monkeypatch):
    monkeypatch.setattr(doctor, "_container_limit_mib", lambda: 512)
    told = run("doctor", "--json")
    assert told.status == 0
    memory = finding(told.json, "memory")
    assert memory["state"] == "note"
    assert "--max-side" in memory["mend"]


def test_a_kernel_that_cannot_isolate_is_worth_a_note(run, monkeypatch):
    lacking = sandbox.Isolation(landlock_abi=0, has_seccomp=True)
    monkeypatch.setattr(sandbox, "offered", lambda: lacking)
    told = run("doctor", "--json")
    assert told.status == 0
    isolation = finding(told.json, "isolation")
    assert isolation["state"] == "note"
    assert "lacks Landlock" in isolation["detail"]
    full = sandbox.Isolation(landlock_abi=7, has_seccomp=True)
    monkeypatch.setattr(sandbox, "offered", lambda: full)
    isolation = finding(run("doctor", "--json").json, "isolation")
    assert (isolation["state"], isolation["mend"]) == ("ok", "")
