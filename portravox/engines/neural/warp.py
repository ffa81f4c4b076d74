"""W: the feature volume of a portrait, bent from its keypoints to those of a frame.

Flow      appearance, keypoints -> warp -> decode

K = 21 keypoints propose a motion each, a network mixes them into one flow, and the volume is
looked up through it. Flow, coordinates and samples stay in single precision; convolutions take
that of the weights. Source: LivePortrait, after face-vid2vid (arXiv 2011.15126), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from portravox.engines.neural.tensors import (
    Placed,
    Tensor,
    Weights,
    folded_convolution,
    multiple_of_8,
    padded_channels,
    plain_convolution,
    same_convolution,
)

SPREAD = 50.0
"""Keypoints spread as exp(−50 · distance²): a variance of 0.01."""

LEAK = 0.01
"""Slope of the leaky ReLU behind `third`."""

_DENSE = "dense_motion_network"
_HOURGLASS = f"{_DENSE}.hourglass"


@dataclass(frozen=True, slots=True, eq=False)
class WarpSource:
    """What W needs of a portrait, computed once."""

    volume: Tensor
    """(1, C, D, H, W) features, single precision."""

    compressed: Tensor
    """(1, 4, D, H, W) the same in few channels, single precision."""

    still: Tensor
    """(1, 4, D, H, W) `compressed` looked up where nothing moves."""

    grid: Tensor
    """(D, H, W, 3) coordinates of the cells."""


@dataclass(frozen=True, slots=True, eq=False)
class Warped:
    """What W gives for a batch of frames."""

    feature: Tensor
    """(B, 256, H, W) to be decoded."""

    flow: Tensor
    """(B, D, H, W, 3) where each cell is looked up, −1..1."""

    occlusion: Tensor
    """(B, 1, H, W) 0..1; 0 where nothing of the portrait can be shown."""


class WarpNetwork(Placed):
    """The warping module.

    Channels of the hourglass are padded with zeros to multiples of 8, which changes nothing but
    which kernels a GPU may choose.
    """

    def __init__(self, weights: Weights) -> None:
        self.compress = folded_convolution(weights, f"{_DENSE}.compress", f"{_DENSE}.norm")
        encoder, decoder = f"{_HOURGLASS}.encoder.down_blocks", f"{_HOURGLASS}.decoder.up_blocks"
        depth = sum(f"{encoder}.{n}.conv.weight" in weights for n in range(16))
        self.down = [
            folded_convolution(weights, f"{encoder}.{n}.conv", f"{encoder}.{n}.norm")
            for n in range(depth)
        ]
        self.up = [
            folded_convolution(weights, f"{decoder}.{n}.conv", f"{decoder}.{n}.norm")
            for n in range(depth)
        ]
        stacked = self.down[0][0].shape[1]
        self.stacked = multiple_of_8(stacked)
        weight, bias = self.down[0]
        self.down[0] = (padded_channels(weight, 1, self.stacked), bias)
        self.last, self.mask, self.occlusion = self._padded_tail(
            weights, self.up[-1][0].shape[0] + self.stacked
        )
        self.slots = len(weights[f"{_DENSE}.mask.bias"])
        self.third = folded_convolution(weights, "third.conv", "third.norm")
        self.fourth = plain_convolution(weights, "fourth")

    def _padded_tail(
        self, weights: Weights, width: int
    ) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """`decoder.conv`, `mask` and `occlusion` for `width` channels, the last ones zero."""
        name = f"{_HOURGLASS}.decoder"
        weight, bias = folded_convolution(weights, f"{name}.conv", f"{name}.norm")
        weight = padded_channels(padded_channels(weight, 0, width), 1, width)
        last = (weight, padded_channels(bias, 0, width))
        weight, bias = plain_convolution(weights, f"{_DENSE}.mask")
        slots = multiple_of_8(len(weight))
        weight = padded_channels(padded_channels(weight, 0, slots), 1, width)
        mask = (weight, padded_channels(bias, 0, slots))
        weight, bias = plain_convolution(weights, f"{_DENSE}.occlusion")
        own = len(weights[f"{name}.conv.bias"])
        by_channel = weight.reshape(1, own, -1, *weight.shape[2:])  # channels, then depth
        weight = padded_channels(by_channel, 1, width).reshape(1, -1, *weight.shape[2:])
        return last, mask, (weight, bias)

    def prepare(self, volume: Tensor) -> WarpSource:
        """What depends on the portrait alone.

        volume  (1, C, D, H, W) of the appearance network
        """
        kernel = self.compress[0]
        compressed = same_convolution(volume.to(kernel.dtype), self.compress).relu().float()
        grid = coordinate_grid(*volume.shape[2:]).to(volume.device)
        still = sampled(compressed, grid[None])
        return WarpSource(volume.float(), compressed, still, grid)

    def __call__(self, source: WarpSource, kp_source: Tensor, kp_driving: Tensor) -> Warped:
        """Bend a portrait's features.

        kp_source   (1, K, 3) or (B, K, 3) keypoints of the portrait
        kp_driving  (B, K, 3) those of the frames
        """
        batch, keypoints = kp_driving.shape[:2]
        grid = source.grid  # (D, H, W, 3)
        size = grid.shape[:3]
        dtype = self.third[0].dtype
        shift = (kp_source - kp_driving).float()[:, :, None, None, None]
        motions = grid + shift  # (B, K, D, H, W, 3)
        moved = sampled(
            source.compressed.expand(batch * keypoints, -1, -1, -1, -1),
            motions.reshape(batch * keypoints, *size, 3),
        ).reshape(batch, keypoints, -1, *size)
        heat = spread_of(kp_driving, grid) - spread_of(kp_source, grid)  # (B, K, D, H, W)
        slots = torch.cat([heat[:, :, None], moved], dim=2)  # (B, K, 5, D, H, W)
        still = torch.cat([torch.zeros_like(source.still[:, :1]), source.still], dim=1)
        stack = torch.cat(
            [still.expand(batch, -1, -1, -1, -1), slots.reshape(batch, -1, *size)], dim=1
        )
        stack = padded_channels(stack, 1, self.stacked).to(dtype)
        mixed = self._hourglass(stack)
        weights = same_convolution(mixed, self.mask)[:, : self.slots].float().softmax(dim=1)
        flow = weights[:, 0, ..., None] * grid  # slot 0 stays where it is
        flow = flow + torch.einsum("bkdhw,bkdhwc->bdhwc", weights[:, 1:], motions)
        flat = mixed.reshape(batch, -1, *size[1:])
        occlusion = same_convolution(flat, self.occlusion).float().sigmoid()
        bent = sampled(source.volume.expand(batch, -1, -1, -1, -1), flow)
        bent = bent.reshape(batch, -1, *size[1:]).to(dtype)  # channels, then depth
        feature = functional.leaky_relu(same_convolution(bent, self.third), LEAK)
        feature = same_convolution(feature, self.fourth) * occlusion.to(dtype)
        return Warped(feature, flow, occlusion)

    def _hourglass(self, stack: Tensor) -> Tensor:
        maps = [stack]
        for block in self.down:
            maps.append(_halved(same_convolution(maps[-1], block).relu()))
        x = maps.pop()
        for block in self.up:
            x = functional.interpolate(x, scale_factor=(1, 2, 2), mode="nearest")
            x = torch.cat([same_convolution(x, block).relu(), maps.pop()], dim=1)
        return same_convolution(x, self.last).relu()


def _halved(x: Tensor) -> Tensor:
    """The mean of each 2 x 2 cells of a layer; (B, C, D, H, W) -> (B, C, D, H/2, W/2)."""
    if x.is_cuda:
        return functional.avg_pool3d(x, (1, 2, 2))
    # the same, which a processor computes in half precision, too
    return functional.avg_pool2d(x.flatten(0, 1), 2).unflatten(0, x.shape[:2])


def coordinate_grid(depth: int, height: int, width: int) -> Tensor:
    """(D, H, W, 3) of x right, y down, z inward, each from −1 to 1 over the cells."""
    z, y, x = (torch.linspace(-1.0, 1.0, count) for count in (depth, height, width))
    planes = torch.meshgrid(z, y, x, indexing="ij")
    return torch.stack(planes[::-1], dim=-1)


def spread_of(keypoints: Tensor, grid: Tensor) -> Tensor:
    """(B, K, D, H, W) how near each cell is to each keypoint: 1 at the point itself.

    keypoints  (B, K, 3)
    grid       (D, H, W, 3)
    """
    points = keypoints.float()[:, :, None, None, None]
    squared = ((grid - points) ** 2).sum(dim=-1)
    return torch.exp(-SPREAD * squared)


def sampled(volume: Tensor, at: Tensor) -> Tensor:
    """Trilinear look-up, zeros outside.

    The grid's ends lie on the outer faces of the outer cells (align_corners off) although
    `coordinate_grid` puts them on the centres: the networks were trained with this zoom of 63/64.

    volume  (B, C, D, H, W)
    at      (B, D, H, W, 3) −1..1
    """
    return functional.grid_sample(
        volume, at, mode="bilinear", padding_mode="zeros", align_corners=False
    )
