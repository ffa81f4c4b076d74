"""What the networks share: names for tensors, and what is resolved once, when weights are loaded.

Flow      neural.weights -> tensors -> appearance, motion, warp, decode, stitch

Everything here is exact algebra: a network with its normalisations folded into the convolution
before them gives the same numbers, up to rounding, in fewer passes over memory.

PyTorch is imported by this package alone, and is Any to the type checker: its types are not
installed where Portravox is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import torch
from torch.nn import functional

Tensor: TypeAlias = Any
Weights: TypeAlias = Mapping[str, Tensor]
"""Tensors by their published names, less the prefix of the network's wrapper."""

BATCH_NORM_EPS = 1e-5
"""PyTorch's default, with which the networks were trained."""


def batch_norm_factors(weights: Weights, name: str) -> tuple[Tensor, Tensor]:
    """A batch norm with running statistics as y = x · factor + offset, one number each a channel.

    name   of the norm: `name.weight`, `.bias`, `.running_mean` and `.running_var` are read
    """
    spread = torch.sqrt(weights[f"{name}.running_var"].double() + BATCH_NORM_EPS)
    factor = weights[f"{name}.weight"].double() / spread
    offset = weights[f"{name}.bias"].double() - weights[f"{name}.running_mean"].double() * factor
    return factor.float(), offset.float()


def folded_convolution(weights: Weights, convolution: str, norm: str) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution with the batch norm behind it folded in."""
    factor, offset = batch_norm_factors(weights, norm)
    weight = weights[f"{convolution}.weight"].float()
    bias = weights[f"{convolution}.bias"].float()
    spread = factor.reshape(-1, *[1] * (weight.ndim - 1))
    return weight * spread, bias * factor + offset


def plain_convolution(weights: Weights, name: str) -> tuple[Tensor, Tensor]:
    """Weight and bias as stored."""
    return weights[f"{name}.weight"].float(), weights[f"{name}.bias"].float()


def without_spectral_norm(weights: Weights, name: str) -> Tensor:
    """The weight that a spectrally normalised layer computes with: W / (uᵀ · M · v).

    M is W flattened to (outputs, rest); u and v are the stored singular vectors. Power iteration
    belongs to training.
    """
    original = weights[f"{name}.weight_orig"].double()
    u, v = weights[f"{name}.weight_u"].double(), weights[f"{name}.weight_v"].double()
    sigma = u @ (original.flatten(1) @ v)
    return (original / sigma).float()


def padded_channels(tensor: Tensor, axis: int, to: int) -> Tensor:
    """A tensor with zeros appended along an axis until it is `to` long."""
    missing = to - tensor.shape[axis]
    if missing == 0:
        return tensor
    shape = list(tensor.shape)
    shape[axis] = missing
    return torch.cat([tensor, tensor.new_zeros(shape)], dim=axis)


def multiple_of_8(count: int) -> int:
    """The next multiple of 8, the step in which tensor cores take channels of 16 bit."""
    return (count + 7) // 8 * 8


def same_convolution(x: Tensor, parameters: tuple[Tensor, Tensor | None]) -> Tensor:
    """Convolution in 2-D or 3-D, by the weight's axes, with zeros around so that the size stays."""
    weight, bias = parameters
    convolve = functional.conv3d if weight.ndim == 5 else functional.conv2d
    return convolve(x, weight, bias, padding=[side // 2 for side in weight.shape[2:]])


class Placed:
    """Base of the networks: tensors in attributes, moved together to a device and precision."""

    def to(self, device: Any, dtype: Any) -> None:
        """Move all tensors; kernels of convolutions are laid out channels last on a GPU."""
        for name, value in vars(self).items():
            setattr(self, name, _moved(value, device, dtype))


def _moved(value: Any, device: Any, dtype: Any) -> Any:
    if isinstance(value, torch.Tensor):
        moved: Any = value.to(device=device, dtype=dtype)
        if moved.is_cuda and moved.ndim in (4, 5):
            layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
            moved = moved.contiguous(memory_format=layouts[moved.ndim])
        return moved
    if isinstance(value, tuple):
        return tuple(_moved(part, device, dtype) for part in value)
    if isinstance(value, list):
        return [_moved(part, device, dtype) for part in value]
    if isinstance(value, Placed):
        value.to(device, dtype)
    return value
