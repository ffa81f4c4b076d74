"""From drawn pixels to the encoder's planes, on the device that drew them.

Flow      paste -> planes -> Planes

Half as many bytes come back from a graphics card as for pixels, in one piece, and the processor is
left to the encoder. The sums are those of `media.yuv`, in whole numbers, so that both give the same
bytes.
"""

from __future__ import annotations

import torch

from portravox.engines.neural.tensors import Tensor
from portravox.media.planes import Planes
from portravox.media.yuv import CB_WEIGHTS, CHROMA_START, CR_WEIGHTS, LUMA_START, LUMA_WEIGHTS


def packed_planes(pixels: Tensor) -> Tensor:
    """(h * w * 3 / 2,) uint8: luma, then cb and cr at half the size, each row by row.

    pixels   (3, h, w) uint8 sRGB; h and w even
    """
    rgb = pixels.to(torch.int32)
    blocks = rgb.unflatten(2, (-1, 2)).unflatten(1, (-1, 2)).sum(dim=(2, 4), dtype=torch.int32)
    parts = (
        _weighed(rgb, LUMA_WEIGHTS, LUMA_START) >> 16,
        _weighed(blocks, CB_WEIGHTS, CHROMA_START) >> 18,
        _weighed(blocks, CR_WEIGHTS, CHROMA_START) >> 18,
    )
    return torch.cat([part.flatten() for part in parts]).to(torch.uint8)


def unpacked_planes(packed: Tensor, height: int, width: int) -> Planes:
    """The planes of a frame, views of what was packed, in the processor's memory."""
    values = packed.cpu().numpy()
    luma, cb, cr = (
        values[: height * width],
        values[height * width : height * width * 5 // 4],
        values[height * width * 5 // 4 :],
    )
    half = (height // 2, width // 2)
    return Planes(luma.reshape(height, width), cb.reshape(half), cr.reshape(half))


def _weighed(rgb: Tensor, weights: tuple[int, int, int], start: int) -> Tensor:
    red, green, blue = weights
    return rgb[0] * red + rgb[1] * green + rgb[2] * blue + start
