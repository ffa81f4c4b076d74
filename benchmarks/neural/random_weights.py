"""Networks of the published sizes with seeded random weights: for time, not for looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from portravox.engines.neural.weights import Networks, networks_of_weights

SHAPES = Path(__file__).parents[2] / "tests/engines/neural/golden/l_statedict_shapes.npz"

FILES = {
    "appearance": "appearance_feature_extractor",
    "motion": "motion_extractor",
    "warp": "warping_module",
    "decode": "spade_generator",
    "shoulders": "retarget_shoulder",
    "lips": "retarget_mouth",
}


def random_networks(seed: int = 1) -> Networks:
    """All networks; numbers stay in a range that half precision holds."""
    generator = torch.Generator().manual_seed(seed)
    with np.load(SHAPES) as stored:
        return networks_of_weights(
            {
                role: _weights(stored[f"{file}_keys"], stored[f"{file}_shapes"], generator)
                for role, file in FILES.items()
            }
        )


def _weights(names: Any, shapes: Any, generator: torch.Generator) -> dict[str, Any]:
    sizes = {
        str(name): [int(axis) for axis in shape if axis >= 0]
        for name, shape in zip(names, shapes, strict=True)
    }
    made = {name: _tensor(name, size, generator) for name, size in sizes.items()}
    for name in sizes:
        if name.endswith("weight_orig"):  # singular vectors that belong to the weight
            layer = name.removesuffix("weight_orig")
            matrix = made[name].flatten(1)
            u = torch.nn.functional.normalize(made[f"{layer}weight_u"], dim=0)
            v = torch.nn.functional.normalize(matrix.T @ u, dim=0)
            made[f"{layer}weight_u"], made[f"{layer}weight_v"] = u, v
    return made


def _tensor(name: str, size: list[int], generator: torch.Generator) -> Any:
    last = name.rpartition(".")[2]
    drawn = torch.randn(size, generator=generator)
    if last == "running_var" or ("norm" in name and last == "weight"):
        return torch.ones(size)
    if last in ("running_mean", "num_batches_tracked") or last.endswith("bias"):
        return torch.zeros(size)
    if len(size) > 1:
        return drawn / (drawn[0].numel() ** 0.5)
    return drawn
