"""M: a picture of a face to its pose, expression and keypoints.

Flow      crop -> motion -> keypoints

Once a portrait. A ConvNeXt-V2 (arXiv 2301.00808) with seven linear heads. Stays in single
precision: its answers are measures, not pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from portravox.arrays import Float32
from portravox.engines.neural.tensors import Placed, Tensor, Weights

PREFIX = "detector."
"""Of the backbone's names in the published file."""

LAYER_NORM_EPS = 1e-6
RESPONSE_EPS = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class MotionOutputs:
    """M's answers about one picture, as it gives them."""

    pitch_logits: Float32
    """(66,) of bins of 3 degrees; likewise the next two."""

    yaw_logits: Float32
    roll_logits: Float32
    translation: Float32
    """(3,) model units; z is never used."""

    expression: Float32
    """(21, 3) offsets of the keypoints, model units."""

    scale: float
    keypoints: Float32
    """(21, 3) of the neutral face looking ahead, model units."""


class MotionNetwork(Placed):
    """The motion extractor."""

    def __init__(self, weights: Weights) -> None:
        own = {name.removeprefix(PREFIX): tensor for name, tensor in weights.items()}
        self.steps = []
        for stage in range(4):
            norm, kernel = (1, 0) if stage == 0 else (0, 1)
            name = f"downsample_layers.{stage}"
            self.steps.append((_pair(own, f"{name}.{norm}"), _pair(own, f"{name}.{kernel}")))
        self.stages = [
            [
                _Block(own, f"stages.{stage}.{n}")
                for n in range(64)
                if f"stages.{stage}.{n}.norm.weight" in own
            ]
            for stage in range(4)
        ]
        self.norm = _pair(own, "norm")
        self.heads = [_pair(own, f"fc_{name}") for name in HEADS]

    def __call__(self, picture: Tensor) -> dict[str, Tensor]:
        """The raw answers by the names of HEADS.

        picture  (B, 3, 256, 256) RGB, 0..1
        returns  (B, 66) logits of the three angles, (B, 3) t, (B, 63) exp, (B, 1) scale, (B, 63) kp
        """
        x = picture
        for stage, (norm, kernel) in enumerate(self.steps):
            side = kernel[0].shape[-1]
            if stage == 0:
                x = _normed(functional.conv2d(x, *kernel, stride=side).movedim(1, -1), norm)
            else:
                x = functional.conv2d(_normed(x, norm).movedim(-1, 1), *kernel, stride=side)
                x = x.movedim(1, -1)
            for block in self.stages[stage]:
                x = block(x)
        pooled = _normed(x.mean(dim=(1, 2)), self.norm)
        return {
            name: functional.linear(pooled, *head)
            for name, head in zip(HEADS, self.heads, strict=True)
        }

    def outputs_of(self, picture: Tensor) -> MotionOutputs:
        """The answers about one picture, (1, 3, 256, 256), as arrays."""
        answers = {name: tensor[0].float().cpu().numpy() for name, tensor in self(picture).items()}
        return MotionOutputs(
            pitch_logits=answers["pitch"],
            yaw_logits=answers["yaw"],
            roll_logits=answers["roll"],
            translation=answers["t"],
            expression=answers["exp"].reshape(-1, 3),
            scale=float(answers["scale"][0]),
            keypoints=answers["kp"].reshape(-1, 3),
        )


HEADS = ("pitch", "yaw", "roll", "t", "exp", "scale", "kp")


class _Block(Placed):
    """Depthwise 7 x 7, norm, wider by 4, GELU, response normalisation, back; channels last."""

    def __init__(self, weights: Weights, name: str) -> None:
        self.depthwise = _pair(weights, f"{name}.dwconv")
        self.norm = _pair(weights, f"{name}.norm")
        self.wider = _pair(weights, f"{name}.pwconv1")
        self.gamma = weights[f"{name}.grn.gamma"].float()
        self.beta = weights[f"{name}.grn.beta"].float()
        self.back = _pair(weights, f"{name}.pwconv2")

    def __call__(self, x: Tensor) -> Tensor:
        weight, bias = self.depthwise
        inner = functional.conv2d(x.movedim(-1, 1), weight, bias, padding=3, groups=len(weight))
        inner = functional.gelu(
            functional.linear(_normed(inner.movedim(1, -1), self.norm), *self.wider)
        )
        size = torch.linalg.vector_norm(inner, dim=(1, 2), keepdim=True)  # (B, 1, 1, C)
        response = size / (size.mean(dim=-1, keepdim=True) + RESPONSE_EPS)
        inner = self.gamma * (inner * response) + self.beta + inner
        return x + functional.linear(inner, *self.back)


def _pair(weights: Weights, name: str) -> tuple[Tensor, Tensor]:
    return weights[f"{name}.weight"].float(), weights[f"{name}.bias"].float()


def _normed(x: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
    """Layer norm over the last axis."""
    return functional.layer_norm(x, x.shape[-1:], *norm, LAYER_NORM_EPS)
