"""Errors become one line and an exit status; signals leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import portravox.pipeline
from portravox.cli.main import main, status_of
from portravox.compiled_code import copy_compiled_code
from portravox.demo import VOICE
from portravox.errors import (
    Cancelled,
    EncodingFailed,
    EngineError,
    InputError,
    NoFaceFound,
    VoiceSilent,
)

PROGRAM = [
    sys.executable,
    "-c",
    "import sys; from portravox.cli.main import main; sys.exit(main())",
]


def test_version_and_help_go_to_stdout(run):
    version = run("--version")
    assert version.status == 0
    assert version.out == f"portravox {portravox.__version__}\n"
    for arguments in ((), ("--help",)):
        shown = run(*arguments)
        assert shown.status == 0
        for command in ("animate", "check", "batch", "demo", "doctor"):
            assert command in shown.out


def test_help_answers_at_once_and_loads_no_codec_and_no_network():
    code = (
        "import sys, time; began = time.process_time();"
        "from portravox.cli.main import main; main(['--help']);"
        "took = time.process_time() - began;"
        "heavy = {'av', 'cv2', 'numba', 'onnxruntime', 'scipy'} & set(sys.modules);"
        "print(took, sorted(heavy), file=sys.stderr)"
    )
    took = []
    for _ in range(3):  # the fastest, since others use this machine too
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        seconds, loaded = told.stderr.split(maxsplit=1)
        assert loaded.strip() == "[]"
        took.append(float(seconds))
    assert min(took) < 0.5


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("animate",),
        ("animate", "face.png", "voice.wav"),  # no -o
        ("animate", "face.png", "voice.wav", "-o", "x.mp4", "--nope"),
        ("animate", "face.png", "voice.wav", "-o", "x.mp4", "--video-fps", "many"),
    ],
)
def test_wrong_use_is_one_line_a_hint_and_status_2(run, arguments):
    told = run(*arguments)
    assert told.status == 2
    assert told.out == ""
    error, hint = told.err.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: See `portravox")


def test_status_tells_whose_fault_it_was():
    assert (
        status_of(InputError("")) == status_of(NoFaceFound("")) == status_of(VoiceSilent("")) == 2
    )
    assert status_of(EngineError("")) == status_of(EncodingFailed("")) == 1


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (EncodingFailed("the encoder refused"), 1),
        (NoFaceFound("no face"), 2),
        (RuntimeError("two\nlines"), 1),
        (ImportError("libGL.so.1: cannot open shared object file"), 1),
        (KeyboardInterrupt(), 130),
        (Cancelled(), 130),
    ],
)
def test_nothing_ends_in_a_traceback(run, inputs, tmp_path, monkeypatch, raised, status):
    def fail(*args, **kwargs):
        raise raised

    monkeypatch.setattr(portravox.pipeline, "animate", fail)
    told = run("animate", inputs / "face.png", inputs / "voice.wav", "-o", tmp_path / "x.mp4")
    assert told.status == status
    assert told.out == ""
    assert "Traceback" not in told.err
    assert len(told.err.splitlines()) <= 2
    assert told.err.startswith("stopped" if status == 130 else "error: ")


@pytest.mark.parametrize("how", ["option", "variable"])
def test_traceback_on_request(run, inputs, tmp_path, monkeypatch, how):
    def fail(*args, **kwargs):
        raise RuntimeError("inside")

    monkeypatch.setattr(portravox.pipeline, "animate", fail)
    monkeypatch.setenv("PORTRAVOX_DEBUG", "1" if how == "variable" else "")
    option = ["--debug"] if how == "option" else []
    files = (inputs / "face.png", inputs / "voice.wav")
    told = run(*option, "animate", *files, "-o", tmp_path / "x.mp4")
    assert told.status == 1
    assert "Traceback" in told.err
    assert "error: unexpected: RuntimeError: inside" in told.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_while_rendering_leaves_nothing(inputs, tmp_path, number, status):
    command = [*PROGRAM, "animate", str(inputs / "face.png"), str(VOICE), "-o", "out.mp4"]
    child = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # a test run started in the background ignores Ctrl-C and would hand that down
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert child.stderr is not None
    for line in child.stderr:
        if "rendering" in line:
            break
    assert any(tmp_path.iterdir()), "the hidden file should be growing now"
    child.send_signal(number)
    out, err = child.communicate(timeout=20)
    assert child.returncode == status
    assert out == ""
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_called_from_another_thread_it_works_too(inputs):
    # signal handlers can only be set in the main thread
    code = (
        "import sys, threading; from portravox.cli.main import main;"
        "t = threading.Thread(target=main, args=(['--version'],)); t.start(); t.join()"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("portravox ")
    assert told.stderr == ""


@pytest.mark.slow
def test_a_second_run_compiles_nothing_anew(inputs, tmp_path):
    """Compiling all loops takes half a minute, so the code is kept between runs."""
    kept = tmp_path / "compiled"
    copy_compiled_code(kept)
    command = [*PROGRAM, "animate", str(inputs / "face.png"), str(inputs / "voice.wav")]
    seen = []
    for _ in range(2):
        told = subprocess.run(
            [*command, "-o", str(tmp_path / "o.mp4"), "--json"],
            env={**os.environ, "NUMBA_CACHE_DIR": str(kept)},
            capture_output=True,
            check=True,
        )
        assert json.loads(told.stdout)["frames"] == 29
        seen.append({file: file.stat().st_mtime_ns for file in kept.rglob("*") if file.is_file()})
    assert len(seen[0]) > 10
    assert seen[0] == seen[1]


def test_main_reads_sys_argv(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(Path("portravox")), "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("portravox ")
