"""Files in: pictures and voices, judged by their content and checked against limits.

Flow      paths -> media.picture_file, media.voice_file -> Picture, Waveform
"""

from __future__ import annotations

from portravox.media.picture_file import PictureLimits, read_picture
from portravox.media.voice_file import VoiceLimits, read_voice

__all__ = ["PictureLimits", "VoiceLimits", "read_picture", "read_voice"]
