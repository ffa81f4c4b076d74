"""F: a picture of a face to a volume of features that can be warped.

Flow      crop -> appearance -> warp

Once a portrait. Source: LivePortrait (arXiv 2407.03168), after face-vid2vid (arXiv 2011.15126).
"""

from __future__ import annotations

from torch.nn import functional

from portravox.engines.neural.tensors import (
    Placed,
    Tensor,
    Weights,
    batch_norm_factors,
    folded_convolution,
    plain_convolution,
    same_convolution,
)


class AppearanceNetwork(Placed):
    """The appearance feature extractor."""

    def __init__(self, weights: Weights) -> None:
        self.first = folded_convolution(weights, "first.conv", "first.norm")
        self.down = [
            folded_convolution(weights, f"down_blocks.{n}.conv", f"down_blocks.{n}.norm")
            for n in _numbers(weights, "down_blocks.{}.conv.weight")
        ]
        self.second = plain_convolution(weights, "second")
        self.blocks = [
            _ResidualBlock(weights, f"resblocks_3d.3dr{n}")
            for n in _numbers(weights, "resblocks_3d.3dr{}.conv1.weight")
        ]

    def __call__(self, picture: Tensor) -> Tensor:
        """Features of a picture.

        picture  (B, 3, 256, 256) RGB, 0..1
        returns  (B, 32, 16, 64, 64): channels, depth, rows, columns
        """
        x = same_convolution(picture, self.first).relu()
        for block in self.down:
            x = functional.avg_pool2d(same_convolution(x, block).relu(), 2)
        x = same_convolution(x, self.second)
        channels = self.blocks[0].first[0].shape[1]
        x = x.reshape(len(x), channels, -1, *x.shape[2:])
        for residual in self.blocks:
            x = residual(x)
        return x


class _ResidualBlock(Placed):
    """x + conv2(ReLU(BN(conv1(ReLU(BN x))))); the second norm is folded into the first kernel."""

    def __init__(self, weights: Weights, name: str) -> None:
        factor, offset = batch_norm_factors(weights, f"{name}.norm1")
        self.factor, self.offset = factor[:, None, None, None], offset[:, None, None, None]
        self.first = folded_convolution(weights, f"{name}.conv1", f"{name}.norm2")
        self.second = plain_convolution(weights, f"{name}.conv2")

    def __call__(self, x: Tensor) -> Tensor:
        inner = (x * self.factor + self.offset).relu()
        return x + same_convolution(same_convolution(inner, self.first).relu(), self.second)


def _numbers(weights: Weights, pattern: str) -> range:
    """As many numbers as there are layers of a pattern."""
    count = 0
    while pattern.format(count) in weights:
        count += 1
    return range(count)
