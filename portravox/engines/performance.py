"""What every engine does before it draws: a voice becomes the motion of a whole video.

Flow      articulation, animation -> engines.performance -> engines.embedded, engines.neural
"""

from __future__ import annotations

from portravox.animation.controls import ControlTrack
from portravox.animation.direct import direct
from portravox.articulation.from_voice import articulate
from portravox.articulation.transcript import Transcript, read_transcript
from portravox.engines.base import OnNotice
from portravox.media.waveform import Waveform
from portravox.options import Direction, SpokenText


def perform(
    voice: Waveform,
    direction: Direction,
    *,
    transcript: SpokenText | None = None,
    on_notice: OnNotice | None = None,
    photo_smile: float = 0.0,
) -> ControlTrack:
    """The controls of every frame, in their order.

    transcript   a Transcript has its words read already, anything else is read here, which may
                 start a program
    on_notice    called with each thing that the caller should know

    photo_smile  0..1 how much the photograph smiles

    Raises SettingOutOfRange, ModelUnavailable.
    """
    words = transcript
    if words is not None and not isinstance(words, Transcript):
        words = read_transcript(words.text, words.language)
    curves = articulate(voice, words)
    if on_notice is not None:
        for notice in curves.notices:
            on_notice(notice)
    return direct(curves, direction, photo_smile=photo_smile)
