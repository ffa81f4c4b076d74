"""Importing the package is quick and loads no network and no codec."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys, time
began = time.perf_counter()
import portravox
took = time.perf_counter() - began
heavy = {"av", "cv2", "numba", "numpy", "onnxruntime", "PIL", "scipy"}
print(took, sorted(heavy & set(sys.modules)))
"""


def test_import_is_quick_and_loads_nothing_heavy():
    took = []
    for _ in range(3):  # the fastest, since others use this machine too
        told = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
        assert told.stderr == ""
        seconds, loaded = told.stdout.split(maxsplit=1)
        assert loaded.strip() == "[]"
        took.append(float(seconds))
    assert min(took) < 0.3


def test_settings_and_pipeline_load_no_codec_either():
    code = (
        "import sys, portravox; portravox.animate, portravox.Direction, portravox.read_picture;"
        "print(sorted({'av', 'cv2', 'numba', 'onnxruntime'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_all_public_names_are_there():
    import portravox

    for name in portravox.__all__:
        assert getattr(portravox, name) is not None
