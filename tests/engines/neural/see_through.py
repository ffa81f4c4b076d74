"""Weights with which the networks show the portrait itself, coarsely, and move it.

The published weights cannot be part of the tests, and random ones draw noise, on which nothing can
be seen. These are made by hand, under the published names, for networks of a few channels: features
are the picture at an eighth of its size; where a keypoint moves, its motion is taken; the decoder
enlarges what it is given. So a mouth opens where the lower lip's keypoint goes down.
"""

from __future__ import annotations

from typing import Any

import torch

from portravox.engines.neural.devices import CPU
from portravox.engines.neural.engine import NeuralEngine
from portravox.engines.neural.weights import Networks, networks_of_weights

DEPTH = 3
"""Layers of the volume; keypoints lie in the middle one."""

KEYPOINTS = 21
HEAT = 60.0
"""How strongly the mask follows a keypoint."""

SCALE = 5.0
"""Of the head: offsets are taken so many times."""

MOUTH_Y, EYE_Y = 0.44, 0.02
"""Where mouth and eyes are in the crop, −1..1."""


def engine() -> NeuralEngine:
    torch.set_num_threads(1)
    return NeuralEngine(networks(), CPU)


def networks() -> Networks:
    return networks_of_weights(
        {
            "appearance": appearance(),
            "motion": motion(),
            "warp": warp(),
            "decode": decode(),
            "shoulders": layered(126, 65),
            "lips": layered(65, 63),
        }
    )


def layered(inputs: int, outputs: int) -> dict[str, Any]:
    """Adds nothing."""
    return {"mlp.0.weight": torch.zeros(outputs, inputs), "mlp.0.bias": torch.zeros(outputs)}


def appearance() -> dict[str, Any]:
    weights = {
        **convolved("first.conv", same(3, 3)),
        **norm("first.norm", 3),
        "second.weight": torch.eye(3).repeat_interleave(DEPTH, dim=0)[..., None, None],
        "second.bias": torch.zeros(3 * DEPTH),
    }
    for n in range(2):
        weights |= convolved(f"down_blocks.{n}.conv", same(3, 3)) | norm(f"down_blocks.{n}.norm", 3)
    block = "resblocks_3d.3dr0"
    for n in (1, 2):
        weights |= convolved(f"{block}.conv{n}", torch.zeros(3, 3, 1, 1, 1))
        weights |= norm(f"{block}.norm{n}", 3)
    return weights


def motion() -> dict[str, Any]:
    """The same head in every picture: upright, keypoints where a face has them in the crop."""
    width = 4
    weights: dict[str, Any] = {}
    for stage in range(4):
        of_norm, of_kernel = (1, 0) if stage == 0 else (0, 1)
        name, inputs, side = f"downsample_layers.{stage}", 3 if stage == 0 else width, 4
        side = 4 if stage == 0 else 2
        weights[f"{name}.{of_norm}.weight"] = torch.ones(width)
        weights[f"{name}.{of_norm}.bias"] = torch.zeros(width)
        weights |= convolved(f"{name}.{of_kernel}", torch.zeros(width, inputs, side, side))
    weights |= {"norm.weight": torch.ones(width), "norm.bias": torch.zeros(width)}
    answers = {
        **{f"fc_{angle}": torch.zeros(66) for angle in ("pitch", "yaw", "roll")},
        "fc_t": torch.zeros(3),
        "fc_exp": torch.zeros(3 * KEYPOINTS),
        "fc_scale": torch.full((1,), SCALE),
        "fc_kp": (head() / SCALE).flatten(),
    }
    for name, bias in answers.items():
        weights |= {f"{name}.weight": torch.zeros(len(bias), width), f"{name}.bias": bias}
    return {f"detector.{name}": tensor for name, tensor in weights.items()}


def head() -> Any:
    """(21, 3)"""
    points = torch.zeros(KEYPOINTS, 3)
    points[:, 0] = torch.linspace(-0.6, 0.6, KEYPOINTS)
    points[:, 1] = -0.5
    for place, point in enumerate((14, 17, 19, 20)):
        points[point] = torch.tensor([0.05 * (place - 1.5), MOUTH_Y, 0.0])
    for point, side in ((11, -1), (13, -1), (15, 1), (16, 1)):
        points[point] = torch.tensor([0.18 * side, EYE_Y, 0.0])
    return points


def warp() -> dict[str, Any]:
    slots, dense = KEYPOINTS + 1, "dense_motion_network"
    hourglass = f"{dense}.hourglass"
    stacked, new = 2 * slots, 4
    width = stacked + new
    mask = torch.zeros(slots, width, 1, 1, 1)
    for slot in range(1, slots):
        mask[slot, new + 2 * slot] = HEAT
    third = torch.zeros(3, 3 * DEPTH, 1, 1)
    for colour in range(3):
        third[colour, colour * DEPTH + DEPTH // 2] = 1.0
    still = torch.zeros(slots)
    still[0] = 4.0
    return {
        **convolved(f"{dense}.compress", torch.zeros(1, 3, 1, 1, 1)),
        **norm(f"{dense}.norm", 1),
        **convolved(f"{hourglass}.encoder.down_blocks.0.conv", torch.zeros(new, stacked, 1, 1, 1)),
        **norm(f"{hourglass}.encoder.down_blocks.0.norm", new),
        **convolved(f"{hourglass}.decoder.up_blocks.0.conv", torch.zeros(new, new, 1, 1, 1)),
        **norm(f"{hourglass}.decoder.up_blocks.0.norm", new),
        **convolved(f"{hourglass}.decoder.conv", torch.eye(width)[..., None, None, None]),
        **norm(f"{hourglass}.decoder.norm", width),
        f"{dense}.mask.weight": mask,
        f"{dense}.mask.bias": still,
        f"{dense}.occlusion.weight": torch.zeros(1, width * DEPTH, 1, 1),
        f"{dense}.occlusion.bias": torch.full((1,), 12.0),
        **convolved("third.conv", third),
        **norm("third.norm", 3),
        **convolved("fourth", same(3, 3, side=1)),
    }


def decode() -> dict[str, Any]:
    """What is shown comes in by the offsets of the last block's second norm."""
    width, hidden = 4, 3
    weights = convolved("fc", torch.zeros(width, 3, 3, 3))
    for name in [f"G_middle_{n}" for n in range(6)] + ["up_0", "up_1"]:
        outputs = 3 if name == "up_1" else width
        weights |= spectral(f"{name}.conv_0", outputs, width) | spectral(
            f"{name}.conv_1", outputs, outputs
        )
        norms = {"norm_0": width, "norm_1": outputs}
        if name.startswith("up"):
            weights |= spectral(f"{name}.conv_s", outputs, width)
            del weights[f"{name}.conv_s.bias"]
            norms["norm_s"] = width
        for part, channels in norms.items():
            full = f"{name}.{part}"
            weights |= convolved(f"{full}.mlp_shared.0", same(hidden, 3))
            weights |= convolved(f"{full}.mlp_gamma", torch.zeros(channels, hidden, 3, 3))
            weights[f"{full}.mlp_gamma.bias"] = torch.full((channels,), -1.0)
            smooth = torch.zeros(channels, hidden, 3, 3)
            if (name, part) == ("up_1", "norm_1"):
                smooth = torch.eye(3)[..., None, None].expand(3, 3, 3, 3) / 9.0
            weights |= convolved(f"{full}.mlp_beta", smooth.clone())
    shown = torch.zeros(12, 3, 3, 3)
    for colour in range(3):
        shown[4 * colour : 4 * colour + 4, colour, 1, 1] = 4.0
    return weights | {"conv_img.0.weight": shown, "conv_img.0.bias": torch.full((12,), -2.0)}


def same(outputs: int, inputs: int, side: int = 3) -> Any:
    """A kernel that changes nothing."""
    weight = torch.zeros(outputs, inputs, side, side)
    weight[:, :, side // 2, side // 2] = torch.eye(outputs, inputs)
    return weight


def convolved(name: str, weight: Any) -> dict[str, Any]:
    return {f"{name}.weight": weight, f"{name}.bias": torch.zeros(len(weight))}


def norm(name: str, channels: int) -> dict[str, Any]:
    return {
        f"{name}.weight": torch.ones(channels),
        f"{name}.bias": torch.zeros(channels),
        f"{name}.running_mean": torch.zeros(channels),
        f"{name}.running_var": torch.ones(channels),
    }


def spectral(name: str, outputs: int, inputs: int) -> dict[str, Any]:
    """A 1 x 1 kernel that changes nothing, with a norm of 1."""
    first_out, first_in = torch.zeros(outputs), torch.zeros(inputs)
    first_out[0] = first_in[0] = 1.0
    return {
        f"{name}.weight_orig": torch.eye(outputs, inputs)[..., None, None],
        f"{name}.weight_u": first_out,
        f"{name}.weight_v": first_in,
        f"{name}.bias": torch.zeros(outputs),
    }
