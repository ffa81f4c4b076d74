"""The neural engine: LivePortrait's networks, moved by Portravox's own motion.

Flow      media.picture -> register: face -> crop -> appearance, motion
          media.waveform -> speak: articulation -> animation -> driving -> stitch -> warp -> decode
          -> paste -> planes -> frames

All motion is known before the first frame and frames know nothing of each other, so several are
computed together; on a graphics card the next ones while the last ones are encoded.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from portravox.animation.controls import ControlTrack
from portravox.arrays import Float32, UInt8
from portravox.engines.base import OnNotice
from portravox.engines.neural.crop import (
    CROP_PX,
    crop_of_mesh,
    cropped,
    eye_ratios,
    halved,
    lip_ratio,
)
from portravox.engines.neural.devices import ComputeDevice, chosen_device
from portravox.engines.neural.driving import PortraitMeasures, driven_keypoints
from portravox.engines.neural.keypoints import HeadShape, degrees_of
from portravox.engines.neural.paste import Paste, colour_offset
from portravox.engines.neural.planes import packed_planes, unpacked_planes
from portravox.engines.neural.stitch import retargeted, stitched
from portravox.engines.neural.tensors import Tensor
from portravox.engines.neural.warp import WarpSource
from portravox.engines.neural.weights import Networks, published_networks
from portravox.engines.performance import perform
from portravox.engines.session import RigSession, Session
from portravox.errors import DeviceMemoryShort
from portravox.face.face import Face
from portravox.face.verdict import require_face
from portravox.media.picture import Picture
from portravox.media.planes import Planes, even_sides
from portravox.media.waveform import Waveform
from portravox.options import DEFAULT_SOUND_RATE_HZ, Direction, SpokenText
from portravox.render.upright import upright_square
from portravox.rig.fit import photo_smile

OPEN_LIPS = 0.03
"""Lips of a photograph that are at least so far open, in widths of the mouth, are closed by the
retargeting network before speech opens them. LivePortrait's own threshold."""

KEPT_PORTRAITS = 4
"""Portraits whose features an engine keeps: each takes 20 MB and the picture. Our choice."""

COMPILE = "PORTRAVOX_COMPILE"
"""Environment variable: 1 has PyTorch compile the networks for a graphics card, once a process."""

SLOW_NOTICE = "drawn on the processor: some seconds for each frame"


class NeuralEngine:
    """Draws with LivePortrait's networks."""

    name = "neural"

    def __init__(
        self, networks: Networks, device: ComputeDevice, *, compiler: str | None = None
    ) -> None:
        """Takes the networks over and moves them to the device.

        compiler   a back end of torch.compile for what each frame goes through; None: as it is
        """
        self.device = device
        self._device = torch.device(device.name)
        self.networks = networks
        networks.to(self._device, device.dtype)
        self._bent_and_drawn = self._warp_and_decode
        if compiler is not None:
            # Shapes are fixed, so it is compiled once a size of batch. No CUDA graphs: they belong
            # to one thread, and each video is drawn in one of its own.
            self._bent_and_drawn = torch.compile(
                self._warp_and_decode, dynamic=False, backend=compiler
            )
        self.lock = threading.Lock()
        """Held while the device computes: its memory is for one batch at a time."""
        self._kept: OrderedDict[bytes, NeuralAvatar] = OrderedDict()
        self._keeping = threading.Lock()

    def register(self, portrait: Picture, *, face: str | None = None) -> NeuralAvatar:
        """Find the face and prepare it, once per picture.

        Raises FaceError, SettingOutOfRange, DeviceMemoryShort.
        """
        said = repr((portrait.pixels.shape, face)).encode()
        key = hashlib.sha256(said + portrait.pixels.tobytes())
        with self._keeping:
            kept = self._kept.get(key.digest())
            if kept is not None:
                self._kept.move_to_end(key.digest())
                return kept
        found, notices = require_face(portrait, face)
        slow = () if self.device.is_gpu else (SLOW_NOTICE,)
        avatar = NeuralAvatar(self, portrait, found, (*portrait.notices, *notices, *slow))
        with self._keeping:
            self._kept[key.digest()] = avatar
            while len(self._kept) > KEPT_PORTRAITS:
                self._kept.popitem(last=False)
        return avatar

    def prepare(self, photo: UInt8, face: Face) -> _Scene:
        """All that frames of a face in a photograph have in common. Raises DeviceMemoryShort."""
        crop = crop_of_mesh(face.landmarks)
        large = cropped(photo, crop)
        picture = halved(large).transpose(2, 0, 1)[None].astype(np.float32) / 255.0
        with self.lock, torch.inference_mode(), _memory_named(self.device):
            given = torch.from_numpy(picture).to(self._device)
            told = self.networks.motion.outputs_of(given)
            logits = np.stack([told.pitch_logits, told.yaw_logits, told.roll_logits])
            head = HeadShape(
                neutral=told.keypoints,
                expression=told.expression,
                angles_deg=degrees_of(logits).astype(np.float32),
                scale=told.scale,
                translation=told.translation,
            )
            kp_source = torch.from_numpy(head.keypoints[None]).to(self._device)
            volume = self.networks.appearance(given.to(self.device.dtype))
            lips = lip_ratio(face.landmarks)
            closing = None
            if lips >= OPEN_LIPS:
                ratios = kp_source.new_tensor([[lips, 0.0]])
                closing = retargeted(self.networks.lips, kp_source, ratios)
            measures = PortraitMeasures(
                lip_ratio=lips,
                eye_ratios=eye_ratios(face.landmarks),
                face_width=2.0 * face.width_px / crop.size_px,
                angle_rad=crop.angle_rad,
                closed_first=closing is not None,
            )
            scene = _Scene(
                photo=photo,
                head=head,
                measures=measures,
                source=self.networks.warp.prepare(volume),
                kp_source=kp_source,
                closing=closing,
                paste=Paste(photo, crop, self._device),
                colour=kp_source.new_zeros((3, CROP_PX, CROP_PX)),
            )
            still = self.drawn(scene, head.keypoints[None], np.zeros(1, np.float32))[0]
            known = cropped(np.full_like(photo, 255), crop)[..., 0].astype(np.float32) / 255.0
            scene.colour = colour_offset(large, known, still)
        return scene

    def drawn(self, scene: _Scene, driving: Float32, speech: Float32) -> Tensor:
        """(B, 3, 512, 512) crops, 0..255 and beyond, single precision, on the device.

        driving   (B, 21, 3) keypoints before they are stitched
        speech    (B,) how far the photograph's mouth is left
        """
        moved = torch.from_numpy(driving).to(self._device)
        moved = stitched(self.networks.shoulders, scene.kp_source, moved)
        if scene.closing is not None:
            share = torch.from_numpy(speech).to(self._device)
            moved = moved + share[:, None, None] * scene.closing
        drawn = self._bent_and_drawn(scene.source, scene.kp_source, moved)
        return drawn.float() * 255.0 + scene.colour

    def _warp_and_decode(self, source: WarpSource, kp_source: Tensor, moved: Tensor) -> Tensor:
        return self.networks.decode(self.networks.warp(source, kp_source, moved).feature)

    def frames(
        self, scene: _Scene, driving: Float32, speech: Float32, *, batch: int
    ) -> list[Planes]:
        """What up to `batch` frames show in the box of `scene.paste`. Raises DeviceMemoryShort."""
        count = len(driving)
        if count < batch:  # kernels are chosen by shape: a short batch would choose anew
            fill = [count - 1] * (batch - count)
            driving = np.concatenate([driving, driving[fill]])
            speech = np.concatenate([speech, speech[fill]])
        with self.lock, torch.inference_mode(), _memory_named(self.device):
            drawn = self.drawn(scene, driving, speech)
            packed = torch.stack([packed_planes(scene.paste(each)) for each in drawn[:count]])
            x0, y0, x1, y1 = scene.paste.box
            return [unpacked_planes(each, y1 - y0, x1 - x0) for each in packed.cpu()]


@dataclass(slots=True, eq=False)
class _Scene:
    """What the frames of one portrait have in common."""

    photo: UInt8
    """(H, W, 3), H and W even."""

    head: HeadShape
    measures: PortraitMeasures
    source: WarpSource
    kp_source: Tensor
    """(1, 21, 3)"""

    closing: Tensor | None
    """(1, 21, 3) what closes the photograph's lips, if they are open."""

    paste: Paste
    colour: Tensor
    """(3, 512, 512) what drawings of this face lack in coarse colour."""


class NeuralAvatar:
    """One person, ready to speak. Immutable to its users: two threads may share it."""

    def __init__(
        self, engine: NeuralEngine, portrait: Picture, face: Face, notices: tuple[str, ...]
    ) -> None:
        self._engine = engine
        self._portrait = portrait
        self._scenes: dict[bool, _Scene] = {}
        self._lock = threading.Lock()
        self.face = face
        self.notices = notices
        self._scene(paste_back=True)

    def frame_size(self, direction: Direction) -> tuple[int, int]:
        """(width_px, height_px); odd pictures lose their last row or column."""
        height, width = self._scene(direction.paste_back).photo.shape[:2]
        return width, height

    def speak(
        self,
        voice: Waveform,
        direction: Direction,
        *,
        transcript: SpokenText | None = None,
        on_notice: OnNotice | None = None,
    ) -> Iterator[Planes]:
        """The video's frames in order; each is valid until the next one is asked for.

        Raises SettingOutOfRange, ModelUnavailable, at once; DeviceMemoryShort where the device runs
        out of memory.
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
            photo_smile=photo_smile(self.face),
        )

    def draw(
        self, plan: ControlTrack, direction: Direction, frames: range | None = None
    ) -> Iterator[Planes]:
        """The frames of a plan, or some of them; each is valid until the next one is asked for.

        Raises DeviceMemoryShort where the device runs out of memory.
        """
        return _painted(self._engine, self._scene(direction.paste_back), plan.part(frames))

    def open(
        self, direction: Direction | None = None, *, sound_rate_hz: int = DEFAULT_SOUND_RATE_HZ
    ) -> Session:
        """Begin a live session. Its frames are drawn one by one, when they are asked for: those of
        the moment cannot wait for a batch.

        Raises SettingOutOfRange, ModelUnavailable; frames raise DeviceMemoryShort where the device
        runs out of memory.
        """
        direction = direction or Direction()
        scene = self._scene(direction.paste_back)
        picture = _Picture(scene)

        def draw(controls: Float32) -> Planes:
            track = ControlTrack(controls[None], direction.video_fps)
            driving = driven_keypoints(scene.head, track, scene.measures)
            [box] = self._engine.frames(scene, driving, track["speech"], batch=1)
            return picture.with_box(box)

        smile = photo_smile(self.face)
        size = self.frame_size(direction)
        return RigSession(draw, size, direction, sound_rate_hz, photo_smile=smile)

    def _scene(self, paste_back: bool) -> _Scene:
        with self._lock:
            if paste_back not in self._scenes:
                if paste_back:
                    made = self._engine.prepare(even_sides(self._portrait.pixels), self.face)
                else:
                    square = upright_square(self._portrait.pixels, self.face)
                    made = self._engine.prepare(square.pixels, square.face)
                self._scenes[paste_back] = made
            return self._scenes[paste_back]


class _Picture:
    """The photograph as a frame, into which what was drawn is put."""

    def __init__(self, scene: _Scene) -> None:
        self._frame = Planes.of(scene.photo)
        self._part = self._frame.part(*scene.paste.box)

    def with_box(self, box: Planes) -> Planes:
        """The frame with another face, valid until the next call."""
        self._part.overwrite(box)
        return self._frame


def _painted(engine: NeuralEngine, scene: _Scene, track: ControlTrack) -> Iterator[Planes]:
    """The frames of a track, a batch ahead on a graphics card.

    Frames in which nothing moves are drawn, too: the photograph in their place would be seen as a
    jump in sharpness.
    """
    driving = driven_keypoints(scene.head, track, scene.measures)
    speech = track["speech"]
    picture = _Picture(scene)
    size = engine.device.batch
    with ThreadPoolExecutor(1, thread_name_prefix="portravox-neural") as pool:

        def begin(start: int) -> Future[list[Planes]] | None:
            if start >= len(track):
                return None
            rows = slice(start, start + size)
            return pool.submit(engine.frames, scene, driving[rows], speech[rows], batch=size)

        ahead = begin(0)
        for start in range(0, len(track), size):
            assert ahead is not None
            boxes = ahead.result()
            ahead = begin(start + size) if engine.device.is_gpu else None
            for box in boxes:
                yield picture.with_box(box)
            ahead = ahead or begin(start + size)


@contextlib.contextmanager
def _memory_named(device: ComputeDevice) -> Iterator[None]:
    """Say what is wrong where the device's memory is too small. Raises DeviceMemoryShort."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        if device.name.startswith("cuda"):
            torch.cuda.empty_cache()
        raise DeviceMemoryShort(
            f"{device} has too little free memory for a batch of {device.batch} frames"
        ) from error


def open_neural() -> NeuralEngine:
    """The engine with the published weights, on the device that PORTRAVOX_DEVICE names, compiled
    where PORTRAVOX_COMPILE is 1 and there is a graphics card.

    Raises SettingOutOfRange, EngineUnavailable, ModelFileMissing, ModelFileBroken.
    """
    device = chosen_device()
    wanted = device.is_gpu and os.environ.get(COMPILE) == "1"
    return NeuralEngine(published_networks(), device, compiler="inductor" if wanted else None)
