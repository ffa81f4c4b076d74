"""The doorway to onnxruntime: trained networks as plain functions on arrays.

Flow      articulation.acoustic_model -> inference -> onnxruntime
Reads     an ONNX file
Gives     Network: named arrays in, named arrays out

Nothing else imports onnxruntime. A file is read when it is first asked for, once in a process.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from portravox.arrays import Float32
from portravox.errors import ModelUnavailable

QUIET = 4
"""onnxruntime's log level "fatal": what goes wrong is raised, and need not be printed too."""

_LOCK = threading.Lock()
_OPENED: dict[tuple[Path, int], Network] = {}


class Network:
    """A loaded network. Immutable: threads may share it, and run it at the same time."""

    def __init__(self, name: str, session: Any) -> None:
        self.name = name
        self._session = session
        self.inputs: tuple[str, ...] = tuple(entry.name for entry in session.get_inputs())
        self.outputs: tuple[str, ...] = tuple(entry.name for entry in session.get_outputs())
        self.metadata: Mapping[str, str] = MappingProxyType(
            dict(session.get_modelmeta().custom_metadata_map)
        )
        """What those who trained it wrote into the file."""

    def run(self, **inputs: Float32) -> dict[str, Float32]:
        """All outputs by their names. Raises ModelUnavailable where the network refuses."""
        given = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        try:
            answers = self._session.run(self.outputs, given)
        except Exception as error:  # onnxruntime's have no base of their own
            raise ModelUnavailable(
                f"the network {self.name} failed: {_first_line(error)}"
            ) from error
        return dict(zip(self.outputs, answers, strict=True))


def open_network(path: Path, threads: int = 1) -> Network:
    """The network in an ONNX file, on the processor.

    threads  how many may work on one run; more than 1 is for networks larger than ours

    Raises ModelUnavailable where the file or onnxruntime is missing or broken.
    """
    key = (path.resolve(), threads)
    with _LOCK:
        if key not in _OPENED:
            _OPENED[key] = Network(path.name, _session(path, threads))
        return _OPENED[key]


def _session(path: Path, threads: int) -> Any:
    # Importing portravox turned telemetry off; a program may have cleared its environment since.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        runtime: Any = importlib.import_module("onnxruntime")
    except (ImportError, OSError) as error:
        raise ModelUnavailable(f"onnxruntime does not load: {_first_line(error)}") from error
    runtime.disable_telemetry_events()  # where a program loaded it before it loaded us
    if not path.is_file():
        raise ModelUnavailable(f"the network {path.name} is not in {path.parent}")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    # waiting threads would take the processor from those that paint and encode
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return runtime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's have no base of their own
        raise ModelUnavailable(
            f"the network {path.name} is broken: {_first_line(error)}"
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
