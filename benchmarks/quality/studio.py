"""Renders a video through the product and looks at what came out.

Flow      inputs -> Studio -> portravox.animate -> Take -> head, mouth, people, picture
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.probe import read_sound
from benchmarks.quality.inputs import Inputs
from benchmarks.tracking import Track, track_video
from portravox.media.waveform import Waveform
from portravox.pipeline import animate

FPS = 25
"""Unless a measure is about the frame rate: that of the recordings we compare with."""

MAX_SIDE_PX = 768
"""Of the videos that are measured; the tracker shrinks a face to 192 px anyway."""


@dataclass(frozen=True)
class Take:
    """One finished video."""

    video: Path
    portrait: Path
    notices: tuple[str, ...]

    @cached_property
    def track(self) -> Track:
        """The face followed through it; the first use takes seconds."""
        return track_video(self.video)

    @cached_property
    def sound(self) -> Waveform:
        """As it sounds in the video."""
        return read_sound(self.video)


@dataclass(slots=True)
class Studio:
    """Renders each video once."""

    inputs: Inputs
    out: Path
    quick: bool
    takes: dict[str, Take] = field(default_factory=dict)

    def take(
        self,
        name: str,
        portrait: Path,
        voice: Path,
        *,
        max_side_px: int = MAX_SIDE_PX,
        video_fps: int = FPS,
        **direction: Any,
    ) -> Take:
        """Render under a name that stands for all of its settings, or give what there is."""
        if name not in self.takes:
            video = self.out / "videos" / f"{name}.mp4"
            video.parent.mkdir(parents=True, exist_ok=True)
            done = animate(
                portrait, voice, video, video_fps=video_fps, max_side=max_side_px, **direction
            )
            self.takes[name] = Take(video, portrait, done.notices)
        return self.takes[name]

    def standard_take(self) -> Take:
        """The steady portrait reading, everything at its default."""
        voice = self.inputs.voice("en_woman_reading_22k.wav", self.long_s)
        portrait = self.inputs.portrait(self.inputs.steady_portrait())
        return self.take("standard", portrait, voice)

    @property
    def long_s(self) -> float:
        """Of videos in which something is counted."""
        return 9.0 if self.quick else 24.0
