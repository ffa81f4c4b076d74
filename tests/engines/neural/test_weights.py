"""Files of weights: the published names and shapes make the networks, and nothing else runs."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from portravox.engines.neural.stitch import LayeredNetwork  # noqa: E402
from portravox.engines.neural.weights import (  # noqa: E402
    MAKERS,
    networks_of,
    read_safetensors,
    read_weights,
)
from portravox.errors import ModelFileBroken  # noqa: E402
from tests.engines.neural import see_through  # noqa: E402

PUBLISHED = Path(__file__).parent / "golden" / "l_statedict_shapes.npz"
NETWORKS = {
    "appearance": "appearance_feature_extractor",
    "motion": "motion_extractor",
    "warp": "warping_module",
    "decode": "spade_generator",
    "shoulders": "retarget_shoulder",
    "lips": "retarget_mouth",
}


class Noted(dict[str, Any]):
    """A dictionary that notes what it was asked for."""

    def __init__(self, entries: dict[str, Any]) -> None:
        super().__init__(entries)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("role", [role for role in MAKERS if role != "motion"])
def test_the_published_names_and_shapes_make_the_network_and_none_is_left_over(role: str) -> None:
    weights = Noted(published(role))
    MAKERS[role](weights)
    unused = set(weights) - weights.asked
    assert {name.rpartition(".")[2] for name in unused} <= {"num_batches_tracked"}


def test_the_motion_network_takes_the_published_names() -> None:
    network = MAKERS["motion"](published("motion"))
    assert [len(stage) for stage in network.stages] == [3, 3, 9, 3]


def published(role: str) -> dict[str, Any]:
    """Tensors of the published names and shapes, without numbers."""
    with np.load(PUBLISHED) as stored:
        keys, shapes = (stored[f"{NETWORKS[role]}_{what}"] for what in ("keys", "shapes"))
    return {
        str(key): torch.empty([int(axis) for axis in shape if axis >= 0], device="meta")
        for key, shape in zip(keys, shapes, strict=True)
    }


@pytest.mark.parametrize("kind", [".pth", ".safetensors"])
def test_networks_come_out_of_files_as_they_went_in(kind: str, tmp_path: Path) -> None:
    hand_made = {
        "appearance": see_through.appearance(),
        "motion": see_through.motion(),
        "warp": see_through.warp(),
        "decode": see_through.decode(),
    }
    small = {"retarget_shoulder": (126, 65), "retarget_mouth": (65, 63)}
    parts = {name: see_through.layered(*size) for name, size in small.items()}
    parts["retarget_mouth"]["mlp.0.bias"] += 3.0
    files = {role: tmp_path / f"{role}{kind}" for role in (*hand_made, "retargeting")}
    if kind == ".pth":
        hand_made["retargeting"] = {
            part: {f"module.{name}": tensor for name, tensor in tensors.items()}
            for part, tensors in parts.items()
        }
        for role, path in files.items():
            torch.save(hand_made[role], path)
    else:
        hand_made["retargeting"] = {
            f"{part}.{name}": tensor
            for part, tensors in parts.items()
            for name, tensor in tensors.items()
        }
        for role, path in files.items():
            write_safetensors(path, hand_made[role])
    made = networks_of(files)
    assert isinstance(made.lips, LayeredNetwork)
    assert made.lips.layers[0][1].unique().tolist() == [3.0]
    assert made.shoulders.layers[0][0].shape == (65, 126)


def write_safetensors(path: Path, tensors: dict[str, Any]) -> None:
    header, body = {}, b""
    for name, tensor in tensors.items():
        content = tensor.contiguous().numpy().tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [len(body), len(body) + len(content)],
        }
        body += content
    told = json.dumps(header).encode()
    path.write_bytes(len(told).to_bytes(8, "little") + told + body)


class Hostile:
    """What a pickle may do when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_that_runs_programs_is_refused_and_runs_none(
    tmp_path: Path, protocol: int
) -> None:
    mark = tmp_path / "ran"
    plain = tmp_path / "plain.pth"
    plain.write_bytes(pickle.dumps({"x": Hostile(mark)}, protocol))
    zipped = tmp_path / "zipped.pth"
    torch.save({"x": Hostile(mark)}, zipped, pickle_protocol=protocol)
    for path in (plain, zipped):
        with pytest.raises(ModelFileBroken):
            read_weights(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8 + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        *(
            len(told).to_bytes(8, "little") + told + b"\0" * 8
            for told in (
                b'{"x": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}}',
                b'{"x": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}',
                b'{"x": {"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]}}',
                b'{"x": {"dtype": "OBJ", "shape": [2], "data_offsets": [0, 8]}}',
                b'{"x": 1}',
                b"[" * 4000,
            )
        ),
    ],
)
def test_broken_safetensors_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileBroken):
        read_safetensors(path)
