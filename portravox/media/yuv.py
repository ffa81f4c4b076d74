"""Between RGB and what the encoder eats: YUV, BT.709, limited range.

Flow      pixels -> media.yuv -> media.planes, render.film

Compiled; loaded only when a video is made.

Source of the weights: ITU-R BT.709-6, items 3.2 to 3.4, and the 8-bit quantisation 16..235 for
luma and 16..240 for chroma of item 4.6.
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import UInt8
from portravox.compiled_code import compiled

KR, KB = 0.2126, 0.0722
KG = 1.0 - KR - KB
LUMA_RANGE, CHROMA_RANGE = 219, 224
LUMA_BLACK, CHROMA_ZERO = 16, 128

_SHIFT = np.int32(16)
"""Fixed point: weights times 2**16. The sums stay below 2**31, so 32-bit lanes do."""

_ONE = 1 << 16
_CB = CHROMA_RANGE / 255 / (2 * (1 - KB)) * _ONE
_CR = CHROMA_RANGE / 255 / (2 * (1 - KR)) * _ONE

# numpy scalars, because numba takes Python integers for 64-bit ones and halves the speed.
_Y_R, _Y_G, _Y_B = (np.int32(round(k * LUMA_RANGE / 255 * _ONE)) for k in (KR, KG, KB))
_CB_R, _CB_G = np.int32(round(-KR * _CB)), np.int32(round(-KG * _CB))
_CB_B = -_CB_R - _CB_G  # the three weights add up to 0, so that grey stays exactly grey
_CR_G, _CR_B = np.int32(round(-KG * _CR)), np.int32(round(-KB * _CR))
_CR_R = -_CR_G - _CR_B

_Y_START = np.int32((LUMA_BLACK << 16) + _ONE // 2)
_C_SHIFT = np.int32(_SHIFT + 2)  # chroma comes from the sum of four pixels
_C_START = np.int32((CHROMA_ZERO << 18) + 2 * _ONE)


@compiled()
def rgb_to_yuv420(rgb: UInt8, luma: UInt8, cb: UInt8, cr: UInt8) -> None:
    """Fill the three planes of one frame. All arrays contiguous; H and W even.

    rgb    (H, W, 3)        0..255, BT.709 or sRGB primaries
    luma   (H, >= W)        16..235; columns beyond W are left alone
    cb     (H/2, >= W/2)    16..240, the mean of each 2x2 block
    cr     (H/2, >= W/2)    likewise
    """
    height, width = rgb.shape[0], rgb.shape[1]
    for row in range(height // 2):
        top, bottom = rgb[2 * row].reshape(-1), rgb[2 * row + 1].reshape(-1)
        _luma_row(top, luma[2 * row], width)
        _luma_row(bottom, luma[2 * row + 1], width)
        _chroma_row(top, bottom, cb[row], cr[row], width // 2)


@compiled()
def _luma_row(rgb: UInt8, luma: UInt8, width: int) -> None:
    """rgb (3 * width,) -> luma (>= width,)."""
    for col in range(width):
        red = np.int32(rgb[3 * col])
        green = np.int32(rgb[3 * col + 1])
        blue = np.int32(rgb[3 * col + 2])
        luma[col] = (_Y_R * red + _Y_G * green + _Y_B * blue + _Y_START) >> _SHIFT


@compiled()
def _chroma_row(top: UInt8, bottom: UInt8, cb: UInt8, cr: UInt8, half_width: int) -> None:
    """Two rows of rgb (6 * half_width,) -> one row of each chroma plane."""
    for col in range(half_width):
        left, right = 6 * col, 6 * col + 3
        red = np.int32(top[left]) + np.int32(top[right])
        red += np.int32(bottom[left]) + np.int32(bottom[right])
        green = np.int32(top[left + 1]) + np.int32(top[right + 1])
        green += np.int32(bottom[left + 1]) + np.int32(bottom[right + 1])
        blue = np.int32(top[left + 2]) + np.int32(top[right + 2])
        blue += np.int32(bottom[left + 2]) + np.int32(bottom[right + 2])
        cb[col] = (_CB_R * red + _CB_G * green + _CB_B * blue + _C_START) >> _C_SHIFT
        cr[col] = (_CR_R * red + _CR_G * green + _CR_B * blue + _C_START) >> _C_SHIFT


LUMA_WEIGHTS = (int(_Y_R), int(_Y_G), int(_Y_B))
CB_WEIGHTS = (int(_CB_R), int(_CB_G), int(_CB_B))
CR_WEIGHTS = (int(_CR_R), int(_CR_G), int(_CR_B))
LUMA_START, CHROMA_START = int(_Y_START), int(_C_START)
"""The same sums for others who compute them: luma is (start + weights of one pixel) >> 16, chroma
(start + weights of the sums of a block of 2 x 2) >> 18."""

_LUMA_UNIT = np.float32(255 / LUMA_RANGE)
_RED_OF_CR = np.float32(2 * (1 - KR) * 255 / CHROMA_RANGE)
_BLUE_OF_CB = np.float32(2 * (1 - KB) * 255 / CHROMA_RANGE)
_GREEN_OF_CB = np.float32(-2 * (1 - KB) * KB / KG * 255 / CHROMA_RANGE)
_GREEN_OF_CR = np.float32(-2 * (1 - KR) * KR / KG * 255 / CHROMA_RANGE)


@compiled()
def yuv_to_rgb(luma: UInt8, cb: UInt8, cr: UInt8, rgb: UInt8) -> None:
    """Back again, from three planes of (H, W) to (H, W, 3); all contiguous."""
    flat, y_in, cb_in, cr_in = rgb.reshape(-1), luma.reshape(-1), cb.reshape(-1), cr.reshape(-1)
    half, least, most = np.float32(0.5), np.float32(0), np.float32(255)
    for i in range(y_in.shape[0]):
        y = (np.float32(y_in[i]) - np.float32(LUMA_BLACK)) * _LUMA_UNIT + half
        blue = np.float32(cb_in[i]) - np.float32(CHROMA_ZERO)
        red = np.float32(cr_in[i]) - np.float32(CHROMA_ZERO)
        flat[3 * i] = np.uint8(min(max(y + red * _RED_OF_CR, least), most))
        green = y + blue * _GREEN_OF_CB + red * _GREEN_OF_CR
        flat[3 * i + 1] = np.uint8(min(max(green, least), most))
        flat[3 * i + 2] = np.uint8(min(max(y + blue * _BLUE_OF_CB, least), most))
