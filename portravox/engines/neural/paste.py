"""Drawn crops back into the photograph, on the device that drew them.

Flow      decode -> paste -> planes

All that does not change from frame to frame, such as the mask and where each pixel comes from, is
made once a portrait, and only the rectangle that the crop touches is computed.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch.nn import functional

from portravox.arrays import Float32, UInt8
from portravox.engines.neural.crop import CROP_PX, Crop
from portravox.engines.neural.tensors import Tensor

FEATHER_PX = 26
"""Of the crop: the width of the ramp from photograph to drawing, 5 % of its side."""

COLOUR_BLUR_PX = 24.0
"""Of the crop: colours are matched in details coarser than this. Our choice."""

EDGE_PX = 16
"""Of the crop: two cells of the warped features, which see what lies outside."""


class Paste:
    """Puts the crops of one portrait back into its photograph."""

    def __init__(
        self, photo: UInt8, crop: Crop, device: torch.device, *, as_published: bool = False
    ) -> None:
        """photo (H, W, 3), H and W even.

        as_published   with the mask up to the border, and single pixels picked where a drawing is
                       made much smaller, to be compared with the public code
        """
        inset_px = 0 if as_published else EDGE_PX
        mask, (x0, y0, x1, y1) = warped_mask(photo.shape[:2], crop, inset_px)
        self.box = (x0, y0, x1, y1)
        """Left, top, right, bottom, all even: what a drawing changes."""
        self.mask: Tensor = torch.from_numpy(mask[y0:y1, x0:x1]).to(device)
        under = photo[y0:y1, x0:x1].astype(np.float32).transpose(2, 0, 1)
        self.under: Tensor = torch.from_numpy(np.ascontiguousarray(under)).to(device)
        self._shrink = max(1, int(CROP_PX / crop.size_px)) if not as_published else 1
        self._grid: Tensor = torch.from_numpy(_sampling_grid(self.box, crop)).to(device)

    def __call__(self, drawn: Tensor) -> Tensor:
        """(3, h, w) uint8, rounded: the box of the photograph with a drawing in it.

        drawn   (3, 512, 512) 0..255, single precision
        """
        blended = self.blended(drawn)
        return (blended + 0.5).clamp_(0.0, 255.0).to(torch.uint8)

    def blended(self, drawn: Tensor) -> Tensor:
        """(3, h, w) single precision, not limited to 0..255."""
        source = drawn[None]
        if self._shrink > 1:  # small faces: average, lest single pixels be picked
            source = functional.avg_pool2d(source, self._shrink)
        placed = functional.grid_sample(
            source, self._grid, mode="bilinear", padding_mode="border", align_corners=False
        )[0]
        return torch.lerp(self.under, placed, self.mask)


def feathered_mask(inset_px: int = EDGE_PX) -> Float32:
    """(512, 512) 1 inside, falling to 0 towards the border over FEATHER_PX; round at the corners.

    inset_px   width of the border in which it is 0 already

    Source: Ditto's mask, whose inset is 0.
    """
    from_edge = np.minimum(np.arange(CROP_PX), np.arange(CROP_PX)[::-1]) - inset_px
    missing = 1.0 - np.clip(from_edge / (FEATHER_PX - 1), 0.0, 1.0)  # 0 inside, 1 at the border
    return np.asarray(1.0 - np.minimum(np.hypot(missing[:, None], missing[None]), 1.0), np.float32)


def warped_mask(
    size: tuple[int, int], crop: Crop, inset_px: int = EDGE_PX
) -> tuple[Float32, tuple[int, int, int, int]]:
    """(H, W) the mask in the picture, and the even box around where it is above 0."""
    height, width = size
    mask = cv2.warpAffine(
        feathered_mask(inset_px), crop.to_picture[:2], (width, height), flags=cv2.INTER_LINEAR
    )
    mask = np.clip(mask, 0.0, 1.0)
    rows, columns = (np.flatnonzero(mask.max(axis=axis) > 0.0) for axis in (1, 0))
    x0, x1 = int(columns[0]) // 2 * 2, min(width, (int(columns[-1]) + 2) // 2 * 2)
    y0, y1 = int(rows[0]) // 2 * 2, min(height, (int(rows[-1]) + 2) // 2 * 2)
    return np.asarray(mask, np.float32), (x0, y0, x1, y1)


def _sampling_grid(box: tuple[int, int, int, int], crop: Crop) -> Float32:
    """(1, h, w, 2) where in the crop each pixel of the box comes from, −1..1 over its border."""
    x0, y0, x1, y1 = box
    x, y = np.meshgrid(np.arange(x0, x1, dtype=np.float64), np.arange(y0, y1, dtype=np.float64))
    way = crop.to_crop
    at = np.stack([way[row, 0] * x + way[row, 1] * y + way[row, 2] for row in (0, 1)], axis=-1)
    return np.asarray((2.0 * (at + 0.5) / CROP_PX - 1.0)[None], np.float32)


def colour_offset(photo_crop: UInt8, known: Float32, drawn_still: Tensor) -> Tensor:
    """(3, 512, 512) what a drawing of the unmoved portrait lacks in coarse colour.

    photo_crop    (512, 512, 3)
    known         (512, 512) 1 where the crop lies within the photograph, 0 beyond
    drawn_still   (3, 512, 512) 0..255

    The outer cells of a drawing are darkened by what lies outside, and count for nothing: a frame
    around the face would be made of them.
    """
    still = drawn_still.float().cpu().numpy().transpose(1, 2, 0)
    counts = known.copy()
    for edge in (np.s_[:EDGE_PX], np.s_[-EDGE_PX:]):
        counts[edge] = counts[:, edge] = 0.0
    lacking = (photo_crop.astype(np.float32) - still) * counts[..., None]
    coarse, share = (
        cv2.GaussianBlur(part, (0, 0), COLOUR_BLUR_PX, borderType=cv2.BORDER_CONSTANT)
        for part in (lacking, counts)
    )
    coarse = coarse / np.maximum(share, 1e-3)[..., None]
    made: Tensor = torch.from_numpy(np.ascontiguousarray(coarse.transpose(2, 0, 1)))
    return made.to(drawn_still.device)
