"""The engine that needs nothing but the processor: the photograph itself, moved by a rig.

Flow      media.picture -> register: face -> rig.fit -> render.scene
          media.waveform -> speak: articulation -> animation -> rig.deform -> render -> frames
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from portravox.animation.controls import ControlTrack
from portravox.engines.base import OnNotice
from portravox.engines.performance import perform
from portravox.engines.session import RigSession, Session
from portravox.face.bystanders import without_bystanders
from portravox.face.face import Face
from portravox.face.matte import person_matte
from portravox.face.verdict import require_face
from portravox.media.picture import Picture
from portravox.media.planes import Planes, even_sides
from portravox.media.waveform import Waveform
from portravox.options import DEFAULT_SOUND_RATE_HZ, Direction, SpokenText
from portravox.render.scene import Painter, Scene, prepare_scene
from portravox.render.upright import upright_square
from portravox.rig.deform import Deformer
from portravox.rig.fit import fit, photo_smile
from portravox.system import give_back_memory, return_large_memory, usable_cores

MOST_PAINTERS = 8
"""Frames painted at the same time, at most. Each painter holds buffers of a frame's size,
and one thread hands all frames to the encoder. Our choice."""


class EmbeddedEngine:
    """Needs no weights; a constructor for the sake of the interface."""

    name = "embedded"

    def __init__(self) -> None:
        return_large_memory()

    def register(self, portrait: Picture, *, face: str | None = None) -> EmbeddedAvatar:
        """Find the face, and begin to prepare it, once per picture.

        What is prepared goes on while a voice is read and planned; who asks for frames waits for
        it. Raises FaceError, SettingOutOfRange.
        """
        found, notices = require_face(portrait, face)
        return EmbeddedAvatar(portrait, found, (*portrait.notices, *notices))


class EmbeddedAvatar:
    """One person, ready to speak. Immutable to its users: two threads may share it."""

    def __init__(self, portrait: Picture, face: Face, notices: tuple[str, ...]) -> None:
        self._portrait = portrait
        self._face = face
        self._scenes: dict[bool, Future[Scene]] = {}
        self._lock = threading.Lock()
        self._preparing = ThreadPoolExecutor(1, thread_name_prefix="portravox-portrait")
        self.notices = notices
        self._begun(paste_back=True)

    @property
    def face(self) -> Face:
        return self._face

    def frame_size(self, direction: Direction) -> tuple[int, int]:
        """(width_px, height_px); odd pictures lose their last row or column."""
        if direction.paste_back:
            height, width = even_sides(self._portrait.pixels).shape[:2]
        else:
            height, width = self._scene(paste_back=False).photo.shape[:2]
        return width, height

    def prepare(self, direction: Direction) -> None:
        """Wait until all is ready that drawing needs, lest the first frame be late."""
        self._scene(direction.paste_back)

    def speak(
        self,
        voice: Waveform,
        direction: Direction,
        *,
        transcript: SpokenText | None = None,
        on_notice: OnNotice | None = None,
    ) -> Iterator[Planes]:
        """The video's frames in order; each is valid until the next one is asked for.

        transcript   a Transcript has its words read already, anything else is read here, which may
                     start a program

        Raises SettingOutOfRange, ModelUnavailable, at once.
        """
        plan = self.plan(voice, direction, transcript=transcript, on_notice=on_notice)
        return self.draw(plan, direction)

    def plan(
        self,
        voice: Waveform,
        direction: Direction,
        *,
        transcript: SpokenText | None = None,
        on_notice: OnNotice | None = None,
    ) -> ControlTrack:
        """The controls of every frame. Raises SettingOutOfRange, ModelUnavailable."""
        return perform(
            voice,
            direction,
            transcript=transcript,
            on_notice=on_notice,
            photo_smile=photo_smile(self._face),
        )

    def draw(
        self, plan: ControlTrack, direction: Direction, frames: range | None = None
    ) -> Iterator[Planes]:
        """The frames of a plan, or some of them; each is valid until the next one is asked for."""
        return _painted(self._scene(direction.paste_back), plan.part(frames))

    def open(
        self, direction: Direction | None = None, *, sound_rate_hz: int = DEFAULT_SOUND_RATE_HZ
    ) -> Session:
        """Begin a live session.

        Raises SettingOutOfRange, ModelUnavailable.
        """
        direction = direction or Direction()
        scene = self._scene(direction.paste_back)
        deformer, painter = Deformer(scene.rig), Painter(scene)
        return RigSession(
            lambda controls: painter.draw(deformer.deform(controls)),
            self.frame_size(direction),
            direction,
            sound_rate_hz,
            photo_smile=photo_smile(self._face),
        )

    def _scene(self, paste_back: bool) -> Scene:
        return self._begun(paste_back).result()

    def _begun(self, paste_back: bool) -> Future[Scene]:
        with self._lock:
            if paste_back not in self._scenes:
                self._scenes[paste_back] = self._preparing.submit(self._prepared, paste_back)
            return self._scenes[paste_back]

    def _prepared(self, paste_back: bool) -> Scene:
        if paste_back:
            pixels, face = even_sides(self._portrait.pixels), self._face
            known = self._portrait.matte
            height, width = pixels.shape[:2]
            if known is None:
                matte = without_bystanders(pixels, person_matte(pixels, face), face)
            else:
                matte = known[:height, :width]
        else:
            square = upright_square(self._portrait.pixels, self._face)
            pixels, face, matte = square.pixels, square.face, square.matte
        scene = prepare_scene(
            fit(face, matte, pixels), pixels, matte, see_through=self._portrait.see_through
        )
        give_back_memory()  # 50 MB at 2048 px
        return scene


def painters_at_once() -> int:
    """How many frames are painted at the same time in this process: one for each usable core."""
    return min(usable_cores(), MOST_PAINTERS)


def _painted(scene: Scene, track: ControlTrack) -> Iterator[Planes]:
    """The frames of a track, in order, several of them painted at the same time.

    Frames do not depend on each other. A painter has one buffer, so it goes on only when the
    caller is done with its frame and asks for the next.
    """
    deformer = Deformer(scene.rig)
    painters = [Painter(scene) for _ in range(min(painters_at_once(), len(track)))]
    with ThreadPoolExecutor(len(painters), thread_name_prefix="portravox-paint") as pool:

        def begin(index: int) -> Future[Planes]:
            painter = painters[index % len(painters)]
            return pool.submit(lambda: painter.draw(deformer.deform(track.values[index])))

        underway = deque(begin(index) for index in range(len(painters)))
        for index in range(len(track)):
            yield underway.popleft().result()
            if index + len(painters) < len(track):
                underway.append(begin(index + len(painters)))
