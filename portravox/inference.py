"""The doorway to onnxruntime: trained networks as plain functions on arrays.

Flow      articulation.acoustic_model, face.networks -> inference -> onnxruntime
Reads     an ONNX file, or a file that `read` makes one of
Gives     Network: named arrays in, named arrays out

Nothing else imports onnxruntime. A file is read when it is first asked for, once in a process,
and kept until it is released.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from portravox.errors import ModelUnavailable

QUIET = 4
"""onnxruntime's log level "fatal": what goes wrong is raised, and need not be printed too."""

AnyArray = npt.NDArray[Any]

Provider = Literal["cpu", "cuda", "tensorrt", "rocm", "coreml", "directml", "openvino"]

_PROVIDERS: Mapping[Provider, str] = MappingProxyType(
    {
        "cpu": "CPUExecutionProvider",
        "cuda": "CUDAExecutionProvider",
        "tensorrt": "TensorrtExecutionProvider",
        "rocm": "ROCMExecutionProvider",
        "coreml": "CoreMLExecutionProvider",
        "directml": "DmlExecutionProvider",
        "openvino": "OpenVINOExecutionProvider",
    }
)

_WITH_DEVICE_NUMBERS: frozenset[Provider] = frozenset(("cuda", "tensorrt", "rocm", "directml"))


@dataclass(frozen=True, slots=True)
class Device:
    """Where a network runs."""

    provider: Provider = "cpu"
    """What computes; which there are depends on the build of onnxruntime that is installed."""

    index: int = 0
    """Which of several alike, such as two graphics cards."""


CPU = Device()

_LOCK = threading.Lock()
_OPENED: dict[tuple[Path, int, Device], Network] = {}


class Network:
    """A loaded network. Threads may share it, and run it at the same time."""

    def __init__(self, name: str, session: Any) -> None:
        self.name = name
        self._session = session
        self.outputs: tuple[str, ...] = tuple(entry.name for entry in session.get_outputs())
        self.metadata: Mapping[str, str] = MappingProxyType(
            dict(session.get_modelmeta().custom_metadata_map)
        )
        """What those who trained it wrote into the file."""

    def run(self, **inputs: AnyArray) -> dict[str, AnyArray]:
        """All outputs by their names.

        Arrays are of the type that the network takes: nothing is converted, since a network for
        half precision or whole numbers means just those.

        Raises ModelUnavailable where the network refuses, or was closed.
        """
        session = self._session
        if session is None:
            raise ModelUnavailable(f"the network {self.name} was closed")
        given = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        try:
            answers = session.run(self.outputs, given)
        except Exception as error:  # onnxruntime's have no base of their own
            raise ModelUnavailable(
                f"the network {self.name} failed: {_first_line(error)}"
            ) from error
        return dict(zip(self.outputs, answers, strict=True))

    def close(self) -> None:
        """Let go of the network's memory, on the device, too, once the runs in progress end."""
        self._session = None
        with _LOCK:
            for key in [key for key, network in _OPENED.items() if network is self]:
                del _OPENED[key]


def open_network(
    path: Path,
    threads: int = 1,
    *,
    device: Device = CPU,
    read: Callable[[Path], bytes] | None = None,
) -> Network:
    """The network in a file; the same one for whoever asks for the same file, threads and device.

    threads  how many may work on one run
    device   where it runs; what that device cannot compute runs on the processor
    read     makes ONNX bytes of the file; left out, the file is ONNX

    Raises ModelUnavailable where the file, onnxruntime or the device is missing or broken.
    """
    key = (path.resolve(), threads, device)
    with _LOCK:
        if key not in _OPENED:
            _OPENED[key] = Network(path.name, _session(path, threads, device, read))
        return _OPENED[key]


def available_providers() -> tuple[Provider, ...]:
    """What the installed onnxruntime can compute with, fastest first as it ranks them.

    Raises ModelUnavailable where it does not load.
    """
    found = _runtime().get_available_providers()
    names = {foreign: ours for ours, foreign in _PROVIDERS.items()}
    return tuple(names[foreign] for foreign in found if foreign in names)


def _runtime() -> Any:
    # Importing portravox turned telemetry off; a program may have cleared its environment since.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except (ImportError, OSError) as error:
        raise ModelUnavailable(f"onnxruntime does not load: {_first_line(error)}") from error
    runtime: Any = onnxruntime
    runtime.disable_telemetry_events()  # where a program loaded it before it loaded us
    return runtime


def _session(path: Path, threads: int, device: Device, read: Callable[[Path], bytes] | None) -> Any:
    runtime = _runtime()
    if not path.is_file():
        raise ModelUnavailable(f"the network {path.name} is not in {path.parent}")
    if device.provider not in available_providers():
        raise ModelUnavailable(
            f"this onnxruntime cannot compute with {device.provider}; it can with"
            f" {', '.join(available_providers())}"
        )
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    # an arena keeps the largest run's memory for good: 60 MB for the face networks, which run
    # once for each portrait and are no slower without it (measured)
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    # waiting threads would take the processor from those that paint and encode
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[Any] = [_PROVIDERS["cpu"]]
    if device.provider in _WITH_DEVICE_NUMBERS:
        providers.insert(0, (_PROVIDERS[device.provider], {"device_id": device.index}))
    elif device.provider != "cpu":
        providers.insert(0, _PROVIDERS[device.provider])
    try:
        model = str(path) if read is None else read(path)
        return runtime.InferenceSession(model, sess_options=options, providers=providers)
    except Exception as error:  # onnxruntime's have no base of their own
        raise ModelUnavailable(
            f"the network {path.name} is broken: {_first_line(error)}"
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
