"""Frames into what the encoder eats: RGB to YUV 4:2:0, BT.709, limited range.

Flow      frames -> media.yuv -> media.encode

Imports numba; loaded only when a video is written.

Source of the weights: ITU-R BT.709-6, items 3.2 to 3.4, and the 8-bit quantisation 16..235 for
luma and 16..240 for chroma of item 4.6.
"""

from __future__ import annotations

import numba
import numpy as np

from portravox.arrays import UInt8

KR, KB = 0.2126, 0.0722
KG = 1.0 - KR - KB
LUMA_RANGE, CHROMA_RANGE = 219, 224
LUMA_BLACK, CHROMA_ZERO = 16, 128

_SHIFT = 16
"""Fixed point: weights times 2**16. The sums stay below 2**31, so 32-bit lanes do."""

_ONE = 1 << _SHIFT
_Y_R, _Y_G, _Y_B = (round(k * LUMA_RANGE / 255 * _ONE) for k in (KR, KG, KB))

_CB = CHROMA_RANGE / 255 / (2 * (1 - KB)) * _ONE
_CR = CHROMA_RANGE / 255 / (2 * (1 - KR)) * _ONE
_CB_R, _CB_G = round(-KR * _CB), round(-KG * _CB)
_CB_B = -_CB_R - _CB_G  # the three weights add up to 0, so that grey stays exactly grey
_CR_G, _CR_B = round(-KG * _CR), round(-KB * _CR)
_CR_R = -_CR_G - _CR_B

_Y_START = (LUMA_BLACK << _SHIFT) + _ONE // 2
_C_START = (CHROMA_ZERO << (_SHIFT + 2)) + 2 * _ONE  # for the sum of four pixels


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def rgb_to_yuv420(rgb: UInt8, luma: UInt8, cb: UInt8, cr: UInt8) -> None:
    """Fill the three planes of one frame.

    rgb    (H, W, 3)        0..255, BT.709 or sRGB primaries; H and W even
    luma   (H, >= W)        16..235; columns beyond W are left alone
    cb     (H/2, >= W/2)    16..240, the mean of each 2x2 block
    cr     (H/2, >= W/2)    likewise
    """
    height, width = rgb.shape[0], rgb.shape[1]
    for row in range(0, height, 2):
        for col in range(0, width, 2):
            red, green, blue = np.int32(0), np.int32(0), np.int32(0)
            for down in range(2):
                for right in range(2):
                    r = np.int32(rgb[row + down, col + right, 0])
                    g = np.int32(rgb[row + down, col + right, 1])
                    b = np.int32(rgb[row + down, col + right, 2])
                    luma[row + down, col + right] = (
                        _Y_R * r + _Y_G * g + _Y_B * b + _Y_START
                    ) >> _SHIFT
                    red, green, blue = red + r, green + g, blue + b
            cb[row >> 1, col >> 1] = (
                _CB_R * red + _CB_G * green + _CB_B * blue + _C_START
            ) >> (_SHIFT + 2)
            cr[row >> 1, col >> 1] = (
                _CR_R * red + _CR_G * green + _CR_B * blue + _C_START
            ) >> (_SHIFT + 2)
