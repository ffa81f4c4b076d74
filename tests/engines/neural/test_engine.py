"""What the neural engine promises beyond the contract, drawn with weights made by hand."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from portravox.engines.embedded import EmbeddedEngine  # noqa: E402
from portravox.engines.neural import engine as neural  # noqa: E402
from portravox.engines.neural.devices import ComputeDevice  # noqa: E402
from portravox.engines.neural.engine import NeuralAvatar, NeuralEngine  # noqa: E402
from portravox.errors import DeviceMemoryShort  # noqa: E402
from portravox.media.picture import Picture  # noqa: E402
from portravox.media.waveform import Waveform  # noqa: E402
from portravox.options import Direction  # noqa: E402
from tests.engines.neural import see_through  # noqa: E402
from tests.talking import FPS, frames_of, photograph, portrait, voice  # noqa: E402

LIKE_A_CARD = ComputeDevice("cpu:0", "the processor, taken for a card", None)
"""Batches, half precision and frames ahead, where there is no card."""

SPEECH = Waveform(voice().samples[: round(1.7 * voice().rate_hz)], voice().rate_hz)


@pytest.fixture(scope="module")
def engine() -> NeuralEngine:
    return see_through.engine()


@pytest.fixture(scope="module")
def avatar(engine: NeuralEngine) -> NeuralAvatar:
    return engine.register(portrait())


def test_what_the_crop_does_not_reach_stays_the_photograph(avatar: NeuralAvatar) -> None:
    frames = frames_of(avatar, SPEECH, seed=1)
    x0, y0, x1, y1 = avatar._scene(True).paste.box
    untouched = np.ones(frames.shape[1:3], bool)
    untouched[max(0, y0 - 2) : y1 + 2, max(0, x0 - 2) : x1 + 2] = False  # chroma is smoothed
    assert np.array_equal(
        frames[:, untouched], np.broadcast_to(photograph()[untouched], frames[:, untouched].shape)
    )


def test_no_box_is_seen_around_the_face(avatar: NeuralAvatar) -> None:
    """Along the border of what is drawn, means of columns differ from the photograph's by less
    than is seen: an edge of light or dark would show in all rows alike."""
    first = frames_of(avatar, SPEECH, seed=1)[0].astype(float)
    x0, _, x1, y1 = avatar._scene(True).paste.box
    columns = (first - photograph())[8 : y1 - 8].mean(axis=(0, 2))
    for border in (x0, x1):
        assert np.abs(columns[border - 4 : border + 4]).max() < 4.0


def test_a_drawing_of_the_unmoved_face_has_the_photographs_coarse_colours(
    avatar: NeuralAvatar,
) -> None:
    first = frames_of(avatar, SPEECH, seed=1)[0].astype(float)
    difference = first - photograph()
    coarse = difference[: len(difference) // 16 * 16, : len(difference) // 16 * 16]
    coarse = coarse.reshape(len(coarse) // 16, 16, len(coarse) // 16, 16, 3).mean(axis=(1, 3))
    assert np.abs(coarse).mean() < 1.0


def test_the_face_alone_is_framed_as_the_embedded_engine_frames_it(avatar: NeuralAvatar) -> None:
    direction = Direction(paste_back=False, video_fps=FPS)
    framed = EmbeddedEngine().register(portrait())
    assert avatar.frame_size(direction) == framed.frame_size(direction)
    ours, theirs = (next(iter(each.speak(SPEECH, direction))).rgb() for each in (avatar, framed))
    assert np.abs(ours.astype(int) - theirs).mean() < 12.0


def test_batches_in_half_precision_ahead_of_the_caller_give_the_same_frames(
    avatar: NeuralAvatar,
) -> None:
    card = NeuralEngine(see_through.networks(), LIKE_A_CARD)
    assert card.device.batch == 8
    one_by_one = frames_of(avatar, SPEECH, seed=1)
    batched = frames_of(card.register(portrait()), SPEECH, seed=1)
    assert one_by_one.shape == batched.shape  # the last batch was filled up, and cut
    assert np.abs(one_by_one - batched).max() <= 6
    assert np.abs(one_by_one - batched).mean() < 0.2


def test_compiled_networks_draw_the_same(avatar: NeuralAvatar) -> None:
    """Traced as PyTorch's compiler does, run without its code: whole, without falling back."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    traced = NeuralEngine(see_through.networks(), avatar._engine.device, compiler="aot_eager")
    scene = avatar._scene(True)
    driving, speech = scene.head.keypoints[None].copy(), np.ones(1, np.float32)
    driving[0, 19, 1] += 0.05  # an open mouth
    plain, ours = (each.drawn(scene, driving, speech) for each in (avatar._engine, traced))
    assert float((plain - ours).abs().max()) <= 1.0
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    assert not torch._dynamo.utils.counters["graph_break"]


def test_a_caller_who_stops_ends_the_drawing(avatar: NeuralAvatar) -> None:
    frames = avatar.speak(SPEECH, Direction(video_fps=FPS))
    assert len(list(itertools.islice(frames, 2))) == 2
    frames.close()  # type: ignore[attr-defined] # waits for the thread, which ends
    assert list(frames) == []


def test_portraits_are_kept_and_only_so_many(
    engine: NeuralEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neural, "KEPT_PORTRAITS", 1)
    first = engine.register(portrait())
    assert engine.register(Picture(portrait().pixels.copy())) is first
    other = engine.register(Picture(np.ascontiguousarray(portrait().pixels[:, ::-1])))
    assert engine.register(Picture(np.ascontiguousarray(portrait().pixels[:, ::-1]))) is other
    assert engine.register(portrait()) is not first


def test_too_little_memory_on_a_card_is_named() -> None:
    engine = see_through.engine()
    avatar = engine.register(portrait())

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    engine.networks = dataclasses.replace(engine.networks, decode=full)
    with pytest.raises(DeviceMemoryShort, match="too little free memory"):
        next(iter(avatar.speak(SPEECH, Direction(video_fps=FPS))))


def test_a_video_made_on_the_processor_says_so(avatar: NeuralAvatar) -> None:
    assert any("processor" in notice for notice in avatar.notices)
