"""A file's labels are told as they are: ours, others', whole, broken, none."""

from __future__ import annotations

import io
import json
import time
from html import escape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

import portravox
from portravox.demo import demo_portrait
from portravox.errors import FileMissing, FileUnfit
from portravox.inspection import (
    MAX_FIELDS,
    MAX_MARKS,
    MAX_WORDS,
    ingredient_of,
    ingredients_of,
    inspect,
    inspect_file,
)
from portravox.labels.aigc import AiLabel
from portravox.media.encode import VideoWriter
from portravox.media.planes import Planes
from portravox.media.waveform import Waveform

PIXELS = Image.fromarray(np.zeros((8, 8, 3), np.uint8))
WHOLE = {"Label": "1", "ContentProducer": "某公司", "ProduceID": "42"}


def png(**texts: str) -> bytes:
    kept = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        kept.add_itxt("XML:com.adobe.xmp" if name == "xmp" else name, text)
    stream = io.BytesIO()
    PIXELS.save(stream, "PNG", pnginfo=kept)
    return stream.getvalue()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ours") / "v.mp4"
    voice = Waveform(np.zeros((8000, 1), np.float32), 16_000)
    with VideoWriter(
        path,
        width_px=64,
        height_px=64,
        fps=24,
        frames=12,
        voice=voice,
        label=AiLabel(producer="某公司", content_id="0123"),
    ) as writer:
        for _ in range(12):
            writer.write(Planes.of(np.zeros((64, 64, 3), np.uint8)))
    return path


def test_our_videos_are_known(ours: Path) -> None:
    found = inspect_file(ours)
    assert (found.kind, found.says_machine_made) == ("MP4", True)
    label, comment = found.marks
    assert (label.scheme, label.valid, label.is_ours) == ("aigc", True, True)
    assert (label.fields["ContentProducer"], label.fields["ProduceID"]) == ("某公司", "0123")
    assert (comment.scheme, comment.is_ours) == ("comment", True)
    assert portravox.__version__ in comment.words


def test_what_ffmpeg_copies_keeps_its_label(ours: Path, tmp_path: Path) -> None:
    import av

    copy = tmp_path / "copy.mp4"
    with (
        av.open(str(ours)) as given,
        av.open(str(copy), "w", options={"movflags": "use_metadata_tags"}) as made,
    ):
        stream = made.add_stream_from_template(given.streams.video[0])
        made.metadata.update(given.metadata)
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)
    assert inspect_file(copy).says_machine_made


@pytest.mark.parametrize(
    "content",
    [
        png(AIGC=json.dumps(WHOLE)),
        png(AIGC=json.dumps({"AIGC": WHOLE})),
        png(xmp=f'<rdf:Description TC260:AIGC="{escape(json.dumps(WHOLE))}"/>'),
        png(xmp=f"<rdf:Description TC260:AIGC='{json.dumps(WHOLE)}'/>"),
        png(xmp=f"<TC260:AIGC>{escape(json.dumps(WHOLE))}</TC260:AIGC>"),
    ],
    ids=["text", "wrapped", "attribute", "single quotes", "element"],
)
def test_labels_of_others_are_read_wherever_they_stand(content: bytes) -> None:
    (mark,) = inspect(content).marks
    assert (mark.scheme, mark.valid, mark.is_ours, mark.says_machine_made) == (
        "aigc",
        True,
        False,
        True,
    )
    assert mark.fields == WHOLE
    assert "某公司" in mark.words


@pytest.mark.parametrize(
    ("entry", "says", "words"),
    [
        ({**WHOLE, "Label": "7"}, False, "Label is '7'"),
        ({**WHOLE, "ProduceID": ""}, True, "ProduceID is empty"),
        ({"Label": "2"}, True, "probably generated"),
    ],
)
def test_faults_of_a_label_are_named(entry: dict[str, str], says: bool, words: str) -> None:
    (mark,) = inspect(png(AIGC=json.dumps(entry))).marks
    assert (mark.valid, mark.says_machine_made) == (False, says)
    assert words in mark.words


@pytest.mark.parametrize("entry", ["", "no json", "[1]", "[" * 100_000])
def test_a_label_that_is_no_object_says_nothing(entry: str) -> None:
    (mark,) = inspect(png(AIGC=entry)).marks
    assert (mark.valid, mark.says_machine_made) == (False, False)


def test_source_types_of_the_iptc() -> None:
    base = "http://cv.iptc.org/newscodes/digitalsourcetype"
    made = inspect(png(xmp=f"<a>{base}/trainedAlgorithmicMedia</a><b>{base}/digitalCapture</b>"))
    assert [mark.scheme for mark in made.marks] == ["iptc"]
    assert made.says_machine_made
    assert inspect(png(xmp=f"<a>{base}/digitalCapture</a>")).marks == ()


def test_a_manifest_says_who_signed_and_whether_it_holds(tmp_path: Path) -> None:
    from tests.credentials import ORIGIN, new_chain, sealed_video

    chain = new_chain(tmp_path / "chain")
    video = sealed_video(tmp_path / "v.mp4", chain)
    found = inspect_file(video)
    mark, *others = found.marks
    assert (mark.scheme, mark.valid, mark.is_ours, mark.says_machine_made) == (
        "c2pa",
        True,
        True,
        True,
    )
    assert mark.fields["signer"] == "Signer, Tests" and mark.fields["time"] == ORIGIN.made_at
    assert "by who calls himself Signer, Tests" in mark.words
    assert [other.scheme for other in others] == ["aigc", "comment"]
    trusting = inspect_file(video, anchors_pem=chain.root.read_text())
    assert "as a trusted authority confirms" in trusting.marks[0].words
    strangers = new_chain(tmp_path / "others").root.read_text()
    unknown = inspect_file(video, anchors_pem=strangers).marks[0]
    assert unknown.valid and "which no trusted authority confirms" in unknown.words
    content = video.read_bytes()
    broken = inspect(content[:-1] + bytes([content[-1] ^ 1])).marks[0]
    assert broken.valid is False and "bmffHash.mismatch" in broken.words
    empty = inspect(content[:77] + bytes(1000) + content[1077:]).marks[0]
    assert (empty.scheme, empty.valid) == ("c2pa", False)


def test_manifests_of_others_are_told_from_ours(tmp_path: Path) -> None:
    from tests.credentials import new_chain, of_a_camera

    picture = of_a_camera(tmp_path / "p.png", new_chain(tmp_path / "chain", name="A camera"))
    mark = inspect_file(picture).marks[0]
    assert (mark.valid, mark.is_ours, mark.says_machine_made) == (True, False, False)
    assert mark.words.startswith("a C2PA manifest, by Camera 1, unchanged since it was signed")
    assert mark.fields["digitalSourceType"] == "digitalCapture"
    kept = ingredient_of("portrait", picture.read_bytes())
    assert "A camera, Tests" in kept.facts and kept.mime_type == "image/png"


def test_without_the_library_a_manifest_is_found_and_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.credentials import new_chain, of_a_camera

    picture = of_a_camera(tmp_path / "p.png", new_chain(tmp_path / "chain"))
    monkeypatch.setattr("portravox.labels.c2pa_library.is_installed", lambda: False)
    mark = inspect_file(picture).marks[0]
    assert mark.valid is None and "c2pa-python is not installed" in mark.words


def test_an_ingredient_keeps_what_a_picture_says_of_itself() -> None:
    kept = ingredient_of("portrait", png(AIGC=json.dumps(WHOLE)))
    assert kept.facts == "an AIGC label: generated, by 某公司, number 42"
    assert len(kept.sha256) == 64 and ingredient_of("voice", b"x").facts == ""


def test_all_that_a_video_is_made_of_is_an_ingredient(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a", "b", "c")]
    for file in files:
        file.write_bytes(file.name.encode())
    portrait, voice, behind = files
    roles = [kept.role for kept in ingredients_of(portrait, voice, behind)]
    assert roles == ["portrait", "voice", "background"]
    assert len(ingredients_of(portrait, voice, None)) == 2


def test_what_carries_no_label_says_nothing_either_way() -> None:
    found = inspect_file(demo_portrait())
    assert (found.marks, found.says_machine_made) == ((), False)
    assert "does not mean that a camera made it" in found.words
    assert not inspect(b"just words\n").is_known


def test_what_is_told_is_bounded() -> None:
    fields = {f"{n}{'x' * 50}": "\n" * 200 for n in range(20)}
    found = inspect(
        png(
            xmp="".join(f"<a:AIGC>{escape(json.dumps({**fields, 'n': n}))}<" for n in range(100)),
        )
    )
    assert len(found.marks) == MAX_MARKS
    for mark in found.marks:
        assert len(mark.fields) == MAX_FIELDS
        assert len(mark.words) <= MAX_WORDS
        assert all(text.isprintable() for pair in mark.fields.items() for text in pair)


@pytest.mark.parametrize(
    "unended",
    ["AIGC>", "AIGC='", 'AIGC="', "AIGC" + 50 * " ", "AIGC=" + 50 * " "],
)
def test_labels_that_do_not_end_cost_no_more_than_a_look(unended: str) -> None:
    """Of 2.5 MB, as 1 MB, the most that is read of one packet, took minutes."""
    packets = [(unended * (400_000 // len(unended))).encode() for _ in range(6)]
    chunks = (b"XMP " + len(packet).to_bytes(4, "little") + packet for packet in packets)
    content = b"RIFF\0\0\0\0WEBP" + b"".join(chunks)
    began = time.process_time()
    inspect(content)
    assert time.process_time() - began < 2.0


def test_a_label_behind_one_that_does_not_end_is_found() -> None:
    found = inspect(png(xmp=f"<a AIGC=' <b:AIGC>{escape(json.dumps(WHOLE))}</b:AIGC>"))
    assert found.says_machine_made


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        inspect_file(tmp_path / "gone.mp4")
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    with pytest.raises(FileUnfit):
        inspect_file(empty)
