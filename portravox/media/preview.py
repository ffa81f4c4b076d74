"""A frame as a small JPEG, to look at while the video is being made.

Flow      Planes -> media.preview -> service.worker.child -> a browser
"""

from __future__ import annotations

import io

import numpy as np

from portravox.media.encode import VideoSettings
from portravox.media.planes import Planes

LONGER_SIDE_PX = 480
"""At least, where the frame is larger, and below twice that: enough to fill the half of a page. Our
choice."""

_JPEG_QUALITY = 70


def preview_jpeg(frame: Planes, settings: VideoSettings | None = None) -> bytes:
    """The frame, thinned out to every n-th pixel: cheap, and sharp enough for a moment.

    settings   of the video: who keeps its previews keeps its visible label, too
    """
    from PIL import Image

    stream = io.BytesIO()
    thinned = _thinned(frame, max(1, max(frame.shape) // LONGER_SIDE_PX))
    height, width = thinned.shape
    stamp = None if settings is None else settings.stamp(width, height)
    if stamp is not None:
        thinned = Planes(*(plane.copy() for plane in (thinned.luma, thinned.cb, thinned.cr)))
        stamp.blend(thinned.luma, thinned.cb, thinned.cr)
    Image.fromarray(thinned.rgb()).save(stream, "JPEG", quality=_JPEG_QUALITY)
    return stream.getvalue()


def _thinned(frame: Planes, step: int) -> Planes:
    height, width = (side // 2 // step for side in frame.shape)  # of the colour planes
    chroma = (slice(0, height * step, step), slice(0, width * step, step))
    # Twice as many rows and columns of luma, so that each colour still covers 2 x 2.
    luma = frame.luma[: 2 * height * step : step, : 2 * width * step : step]
    return Planes(*(np.ascontiguousarray(p) for p in (luma, frame.cb[chroma], frame.cr[chroma])))
