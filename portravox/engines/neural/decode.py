"""G: bent features to a picture.

Flow      warp -> decode -> paste

A SPADE generator (arXiv 1903.07291): each block normalises its input and gives it a contrast and
an offset that are computed from the features. Three of its parts are arranged anew when weights
are loaded, all exact: the hidden layers that see the same features are one convolution, contrast
and offset are one, and hidden layers that see enlarged features are computed before the
enlargement.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from portravox.engines.neural.tensors import (
    Placed,
    Tensor,
    Weights,
    plain_convolution,
    same_convolution,
    without_spectral_norm,
)

LEAK = 0.2
"""Slope of the leaky ReLUs."""

INSTANCE_NORM_EPS = 1e-5

MIDDLE = tuple(f"G_middle_{n}" for n in range(6))


class DecoderNetwork(Placed):
    """The SPADE generator."""

    def __init__(self, weights: Weights) -> None:
        self.middle = [_Block(weights, name) for name in MIDDLE]
        self.up = [_Block(weights, name) for name in ("up_0", "up_1")]
        first = [plain_convolution(weights, "fc")]
        hidden = [layer for block in self.middle for layer in block.take_hidden()]
        self.first = _stacked(first + hidden)
        self.first_width = len(first[0][1])
        self.up_hidden = [  # computed at the features' own size
            phase_kernels(_stacked(block.take_hidden()), 2**level)
            for level, block in enumerate(self.up, 1)
        ]
        self.last = plain_convolution(weights, "conv_img.0")

    def __call__(self, feature: Tensor) -> Tensor:
        """Pictures of a batch.

        feature  (B, 256, H, W), H = W = 64
        returns  (B, 3, 8 H, 8 W) RGB, 0..1
        """
        together = same_convolution(feature, self.first)
        x = together[:, : self.first_width]
        hidden = together[:, self.first_width :].relu()
        for block in self.middle:
            count = block.hidden_width
            x = block(x, hidden[:, :count])
            hidden = hidden[:, count:]
        for level, (block, kernel) in enumerate(zip(self.up, self.up_hidden, strict=True), 1):
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = block(x, convolved_after_enlarging(feature, kernel, 2**level).relu())
        x = same_convolution(functional.leaky_relu(x, LEAK), self.last)
        return functional.pixel_shuffle(x, 2).sigmoid()


class _Block(Placed):
    """conv_1(L(N1(conv_0(L(N0(x)))))) + shortcut; L is a leaky ReLU, N a modulated norm."""

    def __init__(self, weights: Weights, name: str) -> None:
        has_shortcut = f"{name}.conv_s.weight_orig" in weights
        self.kernels = [
            (without_spectral_norm(weights, f"{name}.conv_{n}"), weights[f"{name}.conv_{n}.bias"])
            for n in (0, 1)
        ]
        self.shortcut = (
            (without_spectral_norm(weights, f"{name}.conv_s"), None) if has_shortcut else None
        )
        norms = [f"{name}.norm_{n}" for n in ("0", "1", "s") if n != "s" or has_shortcut]
        self._hidden = [plain_convolution(weights, f"{norm}.mlp_shared.0") for norm in norms]
        self.modulations = [
            _stacked([plain_convolution(weights, f"{norm}.mlp_{part}") for part in PARTS])
            for norm in norms
        ]
        self.hidden_widths = [len(bias) for _, bias in self._hidden]
        self.hidden_width = sum(self.hidden_widths)

    def take_hidden(self) -> list[tuple[Tensor, Tensor]]:
        """The hidden layers of the norms, which whoever calls computes for several blocks."""
        taken, self._hidden = self._hidden, []
        return taken

    def __call__(self, x: Tensor, hidden: Tensor) -> Tensor:
        """hidden (B, hidden_width, H, W): those of the norms one after another."""
        parts = hidden.split(self.hidden_widths, dim=1)
        normed = instance_normed(x)  # the first norm and the shortcut's see the same input
        inner = modulated(normed, parts[0], self.modulations[0])
        inner = same_convolution(functional.leaky_relu(inner, LEAK), self.kernels[0])
        inner = modulated(instance_normed(inner), parts[1], self.modulations[1])
        inner = same_convolution(functional.leaky_relu(inner, LEAK), self.kernels[1])
        if self.shortcut is None:
            return x + inner
        return (
            same_convolution(modulated(normed, parts[2], self.modulations[2]), self.shortcut)
            + inner
        )


PARTS = ("gamma", "beta")


def instance_normed(x: Tensor) -> Tensor:
    """Each channel of each picture with mean 0 and variance 1; statistics in single precision."""
    wide = x.float()
    variance, mean = torch.var_mean(wide, dim=(2, 3), correction=0, keepdim=True)
    return ((wide - mean) * torch.rsqrt(variance + INSTANCE_NORM_EPS)).to(x.dtype)


def modulated(normed: Tensor, hidden: Tensor, kernel: tuple[Tensor, Tensor]) -> Tensor:
    """normed · (1 + contrast) + offset, both convolved from the hidden layer at once."""
    contrast, offset = same_convolution(hidden, kernel).chunk(2, dim=1)
    return normed * (1 + contrast) + offset


def phase_kernels(kernel: tuple[Tensor, Tensor], times: int) -> tuple[Tensor, Tensor]:
    """A 3 x 3 convolution of a picture enlarged by nearest neighbour, for the small picture.

    In an enlarged picture the three taps of a row see at most two cells of the small one, and all
    but the first and last pixel of a cell see the cell alone. So a cell has 2 (twofold) or 3
    different values an axis; each is a kernel of its own on the small picture.

    kernel   (O, C, 3, 3) and (O,)
    times    2 or more
    returns  (P · P · O, C, 3, 3) and (P · P · O,), P = 2 or 3
    """
    weight, bias = kernel
    before, inside, after = _phase_matrices(weight)
    phases = [before, after] if times == 2 else [before, inside, after]
    small = torch.cat(
        [torch.einsum("ia,jb,ocab->ocij", row, col, weight) for row in phases for col in phases]
    )
    return small, bias.repeat(len(phases) ** 2)


def convolved_after_enlarging(x: Tensor, kernels: tuple[Tensor, Tensor], times: int) -> Tensor:
    """What the convolution of x enlarged gives, from the kernels of `phase_kernels`.

    x        (B, C, H, W)
    returns  (B, O, times · H, times · W)
    """
    repeats = [1] * 2 if times == 2 else [1, times - 2, 1]
    phases = len(repeats)
    values = same_convolution(x, kernels)
    values = values.reshape(len(x), phases, phases, -1, *x.shape[2:])
    order = [n for n, count in enumerate(repeats) for _ in range(count)]
    rows = torch.stack([values[:, n] for n in order], dim=4)  # (B, P, O, H, times, W)
    cells = torch.stack([rows[:, n] for n in order], dim=-1)  # (B, O, H, times, W, times)
    return cells.reshape(len(x), -1, x.shape[2] * times, x.shape[3] * times)


def _phase_matrices(weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(3, 3) each: which small tap, of rows, each large tap falls on, for the first pixel of a
    cell, one inside it, and the last one."""
    before = [[1, 0, 0], [0, 1, 1], [0, 0, 0]]
    inside = [[0, 0, 0], [1, 1, 1], [0, 0, 0]]
    after = [[0, 0, 0], [1, 1, 0], [0, 0, 1]]
    made = [
        torch.tensor(rows, dtype=weight.dtype, device=weight.device)
        for rows in (before, inside, after)
    ]
    return made[0], made[1], made[2]


def _stacked(kernels: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Several convolutions of one input as one."""
    return torch.cat([w for w, _ in kernels]), torch.cat([b for _, b in kernels])
