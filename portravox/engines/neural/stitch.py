"""S and the two retargeting networks: small corrections of keypoints.

Flow      driving -> stitch -> warp

S lets the moved face meet the shoulders that do not move; the retargeting networks say which
keypoints make the lips or the eyes as open as wanted. Source: LivePortrait (arXiv 2407.03168),
section 3.3.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from portravox.engines.neural.tensors import Placed, Tensor, Weights


class LayeredNetwork(Placed):
    """Linear layers with ReLU between them, `mlp.0`, `mlp.2`, ..."""

    def __init__(self, weights: Weights) -> None:
        self.layers = [
            (weights[f"mlp.{n}.weight"].float(), weights[f"mlp.{n}.bias"].float())
            for n in range(0, 64, 2)
            if f"mlp.{n}.weight" in weights
        ]

    def __call__(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = functional.linear(x, *layer).relu()
        return functional.linear(x, *self.layers[-1])


def stitched(network: LayeredNetwork, kp_source: Tensor, kp_driving: Tensor) -> Tensor:
    """Driving keypoints that the shoulders can follow.

    kp_source   (1, K, 3) or (B, K, 3)
    kp_driving  (B, K, 3)
    returns     (B, K, 3)
    """
    batch, count = kp_driving.shape[:2]
    given = torch.cat(
        [kp_source.expand(batch, -1, -1).reshape(batch, -1), kp_driving.reshape(batch, -1)], dim=1
    )
    raw = network(given)
    moved = kp_driving + raw[:, : 3 * count].reshape(batch, count, 3)
    shift = functional.pad(raw[:, None, 3 * count :], (0, 1))  # z stays
    return moved + shift


def retargeted(network: LayeredNetwork, kp_source: Tensor, ratios: Tensor) -> Tensor:
    """Offsets of the keypoints that bring lips or eyes from the ratios they have to a wanted one.

    kp_source  (B, K, 3)
    ratios     (B, 2): lips as they are and as wanted; (B, 3): left eye, right eye, wanted
    returns    (B, K, 3) to be added to keypoints
    """
    raw = network(torch.cat([kp_source.reshape(len(kp_source), -1), ratios], dim=1))
    return raw.reshape(kp_source.shape)
