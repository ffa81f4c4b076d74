"""The published files as tensors by name, and the networks made of them.

Flow      model_files -> weights -> Networks -> engine

A .pth file is a pickle, which may hold programs: it is read by PyTorch's weights-only reader, which
knows tensors and plain containers and refuses all else. A .safetensors file holds numbers alone.
Files are used only where their SHA-256 is the published one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from portravox.engines.neural.appearance import AppearanceNetwork
from portravox.engines.neural.decode import DecoderNetwork
from portravox.engines.neural.motion import MotionNetwork
from portravox.engines.neural.stitch import LayeredNetwork
from portravox.engines.neural.tensors import Placed, Tensor, Weights
from portravox.engines.neural.warp import WarpNetwork
from portravox.errors import ModelFileBroken, ModelFileMissing
from portravox.model_files.catalogue import NEURAL, NEURAL_SAFETENSORS
from portravox.model_files.store import installed, missing_files

MAX_HEADER_BYTES = 16 * 1024 * 1024
"""Of a safetensors file; the largest of ours has 30 kB."""

_DTYPES = {"F32": (np.float32, 4), "F16": (np.float16, 2), "I64": (np.int64, 8)}

_WRAPPER = "module."
"""Before each name of the retargeting networks, left by training on several devices."""


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """All that the engine computes with."""

    appearance: AppearanceNetwork
    motion: MotionNetwork
    warp: WarpNetwork
    decode: DecoderNetwork
    shoulders: LayeredNetwork
    """Stitching."""

    lips: LayeredNetwork
    """Retargeting of the lips."""

    def to(self, device: Any, dtype: Any) -> None:
        """Move all; those that measure keep single precision."""
        heavy: tuple[Placed, ...] = (self.appearance, self.warp, self.decode)
        for network in heavy:
            network.to(device, dtype)
        for small in (self.motion, self.shoulders, self.lips):
            small.to(device, torch.float32)


def published_networks() -> Networks:
    """The networks of the files in the models folder; nothing is fetched.

    Raises ModelFileMissing, ModelFileBroken.
    """
    chosen = NEURAL_SAFETENSORS if not missing_files((NEURAL_SAFETENSORS,)) else NEURAL
    try:
        return networks_of({_role(file.name): installed(file) for file in chosen.files})
    except (ModelFileMissing, ModelFileBroken) as error:
        error.hint = f"Run `portravox models fetch {NEURAL.name}`, which shows the licences first."
        raise


def networks_of(files: Mapping[str, Path]) -> Networks:
    """The networks of files, by what they are: `retargeting` holds `shoulders` and `lips`.

    Raises ModelFileBroken.
    """
    made: dict[str, Any] = {}
    for role, path in files.items():
        if role == "retargeting":
            parts = _retargeting(path)
            for name, part in (("shoulders", "retarget_shoulder"), ("lips", "retarget_mouth")):
                made[name] = _built(path, MAKERS[name], parts.get(part, {}))
        else:
            made[role] = _built(path, MAKERS[role], read_weights(path))
    return Networks(**made)


def networks_of_weights(weights: Mapping[str, Weights]) -> Networks:
    """The networks of tensors, by the keys of MAKERS."""
    return Networks(**{role: maker(weights[role]) for role, maker in MAKERS.items()})


MAKERS: Mapping[str, Callable[[Weights], Any]] = {
    "appearance": AppearanceNetwork,
    "motion": MotionNetwork,
    "warp": WarpNetwork,
    "decode": DecoderNetwork,
    "shoulders": LayeredNetwork,
    "lips": LayeredNetwork,
}
"""What makes each network of its tensors; the names are the fields of Networks."""

_ROLES = {
    "appearance_feature_extractor": "appearance",
    "motion_extractor": "motion",
    "warping_module": "warp",
    "spade_generator": "decode",
    "stitching_retargeting_module": "retargeting",
}


def read_weights(path: Path) -> dict[str, Any]:
    """What a file of weights holds. Raises ModelFileBroken."""
    if path.suffix == ".safetensors":
        return dict(read_safetensors(path))
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler's have no base of their own
        raise ModelFileBroken(path) from error
    if not isinstance(found, dict):
        raise ModelFileBroken(path)
    return found


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file: a header of JSON, then numbers. Raises ModelFileBroken."""
    try:
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        if length > min(MAX_HEADER_BYTES, len(content) - 8):
            raise ValueError("the header is longer than the file")
        header = json.loads(content[8 : 8 + length])
        body = memoryview(content)[8 + length :]
        return {
            name: _tensor_of(entry, body)
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFileBroken(path) from error


def _tensor_of(entry: Mapping[str, Any], body: memoryview) -> Tensor:
    dtype, size = _DTYPES[entry["dtype"]]
    shape = tuple(int(axis) for axis in entry["shape"])
    start, end = (int(place) for place in entry["data_offsets"])
    if min((0, *shape)) < 0 or not 0 <= start <= end <= len(body):
        raise ValueError("a tensor lies outside of the file")
    if end - start != math.prod(shape) * size:
        raise ValueError("a tensor is of another size than its shape")
    made: Tensor = torch.from_numpy(np.frombuffer(body[start:end], dtype).reshape(shape).copy())
    return made


def _retargeting(path: Path) -> dict[str, dict[str, Tensor]]:
    """The retargeting networks by their names, less the wrapper's prefix.

    The published file holds a dictionary of dictionaries; the conversion has flat names.
    """
    found = read_weights(path)
    parts: dict[str, dict[str, Tensor]] = {}
    for name, value in found.items():
        if isinstance(value, Mapping):
            entries = [(name, inner, tensor) for inner, tensor in value.items()]
        else:  # retarget_mouth.mlp.0.weight, retarget_mouth_module.mlp.0.weight
            part, _, inner = name.partition(".")
            entries = [(part.removesuffix("_module"), inner, value)]
        for part, inner, tensor in entries:
            parts.setdefault(part, {})[inner.removeprefix(_WRAPPER)] = tensor
    return parts


def _built(path: Path, maker: Callable[[Weights], Any], weights: Mapping[str, Any]) -> Any:
    """A network of its tensors. Raises ModelFileBroken where they are not what it is made of."""
    try:
        made = maker(weights)
    except (KeyError, IndexError, AttributeError, TypeError, RuntimeError) as error:
        raise ModelFileBroken(path) from error
    if isinstance(made, LayeredNetwork) and not made.layers:
        raise ModelFileBroken(path)
    return made


def _role(name: str) -> str:
    return _ROLES[name.rpartition(".")[0]]
