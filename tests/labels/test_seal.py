"""A signed video is the same video, says where it comes from, and is signed for nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from portravox.errors import SealFailed
from portravox.labels import c2pa_library, origin
from portravox.labels.carriers import read_carried
from portravox.labels.manifest import ManifestRefused, located, unsigned_manifest
from portravox.labels.origin import ACTIONS, Ingredient, Origin, definition
from portravox.labels.seal import placeholder_for, prepare, seal
from portravox.labels.signer import Signer, open_signer
from tests.credentials import ORIGIN, Chain, new_chain, small_video


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return new_chain(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def signer(chain: Chain) -> Signer:
    return open_signer(chain.credentials)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_video(tmp_path_factory.mktemp("plain") / "v.mp4")


@pytest.fixture
def video(plain: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "v.mp4"
    copy.write_bytes(plain.read_bytes())
    return copy


def sealed(video: Path, signer: Signer, of: Origin = ORIGIN) -> Path:
    placeholder = placeholder_for(signer)
    prepare(video, of, placeholder)
    seal(video, of, signer, placeholder.content)
    return video


def report(video: Path, anchors: Path | None = None) -> Any:
    pem = "" if anchors is None else anchors.read_text()
    return c2pa_library.read_report(video.read_bytes(), "video/mp4", anchors_pem=pem)


def test_the_reader_finds_all_that_was_signed(video: Path, chain: Chain, signer: Signer) -> None:
    read = report(sealed(video, signer))
    assert read["validation_state"] == "Valid"
    [manifest] = read["manifests"].values()
    assert manifest["signature_info"]["common_name"] == "Signer"
    assert manifest["claim_generator_info"][0]["name"] == "Portravox"
    [done] = next(a for a in manifest["assertions"] if a["label"] == ACTIONS)["data"]["actions"]
    assert done["action"] == "c2pa.created" and done["when"] == ORIGIN.made_at
    assert done["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert done["parameters"]["portravox.task"] == "3b1f"
    assert done["parameters"]["portravox.producer"] == "某公司"
    portrait, voice = manifest["ingredients"]
    assert (portrait["title"], portrait["instance_id"]) == ("portrait", "sha256:" + "ab" * 32)
    assert (voice["format"], voice["description"]) == ("audio/wav", "a label: 生成")
    assert report(video, chain.root)["validation_state"] == "Trusted"


@pytest.mark.parametrize("kind", ["P-384", "P-521", "RSA-2048", "Ed25519"])
def test_each_algorithm_is_read_back(video: Path, tmp_path: Path, kind: str) -> None:
    other = new_chain(tmp_path / kind, kind=kind)
    sealed(video, open_signer(other.credentials))
    assert report(video, other.root)["validation_state"] == "Trusted"


def test_the_video_is_the_same_and_plays_while_it_loads(
    plain: Path, video: Path, signer: Signer
) -> None:
    sealed(video, signer)
    assert decoded(video) == decoded(plain)
    content = video.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    before, after = read_carried(plain.read_bytes()), read_carried(content)
    assert before is not None and after is not None
    assert after.entries == before.entries and after.has_c2pa  # the AIGC label is among them
    assert list(video.parent.iterdir()) == [video]


def decoded(video: Path) -> list[bytes]:
    with av.open(str(video)) as file:
        return [bytes(plane) for frame in file.decode(video=0, audio=0) for plane in frame.planes]


def test_the_writer_keeps_no_video_that_could_not_be_sealed(tmp_path: Path) -> None:
    def refuses(video: Path) -> None:
        raise SealFailed("no")

    with pytest.raises(SealFailed):
        small_video(tmp_path / "v.mp4", seal=refuses)
    assert list(tmp_path.iterdir()) == []


def test_one_changed_byte_is_seen(video: Path, signer: Signer) -> None:
    content = bytearray(sealed(video, signer).read_bytes())
    content[-1] ^= 1
    video.write_bytes(content)
    read = report(video)
    assert read["validation_state"] == "Invalid"
    assert "assertion.bmffHash.mismatch" in [fault["code"] for fault in read["validation_status"]]


def test_what_is_signed_is_what_the_library_would_have_signed(
    video: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import c2pa

    asked: list[bytes] = []
    original = c2pa.Signer.from_callback

    def watched(callback: Callable[[bytes], bytes], *rest: Any) -> Any:
        return original(lambda message: asked.append(message) or callback(message), *rest)

    monkeypatch.setattr(c2pa.Signer, "from_callback", watched)
    signed: list[bytes] = []
    sign = signer.sign
    recording = replace(signer, _sign=lambda message: signed.append(message) or sign(message))
    sealed(video, recording)
    assert signed == asked and len(asked) == 1


def lying(change: Callable[[dict[str, Any]], Any]) -> Callable[[Origin], dict[str, Any]]:
    """A process that was taken over: its manifest says something else."""

    def define(of: Origin) -> dict[str, Any]:
        made = json.loads(json.dumps(definition(of)))
        change(made)
        return made

    return define


def done(manifest: dict[str, Any]) -> dict[str, Any]:
    action: dict[str, Any] = manifest["assertions"][0]["data"]["actions"][0]
    return action


CAMERA = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
LIES = {
    "a camera made it": lambda m: done(m).update(digitalSourceType=CAMERA),
    "somebody else made it": lambda m: done(m)["parameters"].update({origin.PRODUCER: "x"}),
    "of another task": lambda m: done(m)["parameters"].update({origin.TASK: "x"}),
    "at another time": lambda m: done(m).update(when="2020-01-01T00:00:00Z"),
    "with another program": lambda m: done(m).update(softwareAgent={"name": "x"}),
    "and more": lambda m: done(m)["parameters"].update(more="x"),
    "of another portrait": lambda m: m["ingredients"][0].update(instance_id="sha256:" + "0" * 64),
    "of no voice": lambda m: (m["ingredients"].pop(), done(m)["parameters"].pop("ingredientIds")),
    "of a parent": lambda m: m["ingredients"][0].update(relationship="parentOf"),
    "with a title": lambda m: m.update(title="x"),
    "by another generator": lambda m: m["claim_generator_info"][0].update(name="x"),
    "with an assertion": lambda m: m["assertions"].append({"label": "org.x", "data": {"a": 1}}),
    "that may be trained on": lambda m: m["assertions"].append(
        {"label": "c2pa.training-mining", "data": {"entries": {}}}
    ),
    "with an edit": lambda m: m["assertions"][0]["data"]["actions"].append(
        {"action": "c2pa.edited"}
    ),
    "with a long tale": lambda m: m["ingredients"][1].update(description="x" * 401),
}


@pytest.mark.parametrize("lie", LIES)
def test_nothing_is_signed_but_what_was_wanted(
    video: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    monkeypatch.setattr("portravox.labels.seal.definition", lying(LIES[lie]))
    placeholder = placeholder_for(signer)
    prepare(video, ORIGIN, placeholder)
    before = video.read_bytes()
    with pytest.raises(SealFailed, match="was not signed"):
        seal(video, ORIGIN, replace(signer, _sign=unasked), placeholder.content)
    assert video.read_bytes() == before


def unasked(message: bytes) -> bytes:
    raise AssertionError("it was signed")


def with_byte(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def twice(content: bytes) -> bytes:
    start, end = located(content)
    box = content[start - 45 : end]
    return content[:end] + box + content[end:]


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a picture": lambda c: with_byte(c, len(c) - 1),
    "a claim": lambda c: with_byte(c, c.index(b"claim_generator_info") + 2),
    "a digest": lambda c: with_byte(c, c.index(b"dhash") + 10),
    "a second manifest": twice,
    "bytes behind": lambda c: c + b"x",
    "a box behind": lambda c: c + b"\0\0\0\x08wide",
    "cut off": lambda c: c[:-5],
    "nothing": lambda c: b"",
    "no manifest": lambda c: c[:32] + c[located(c)[1] :],
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_other_file_is_signed(video: Path, signer: Signer, change: str) -> None:
    placeholder = placeholder_for(signer)
    prepare(video, ORIGIN, placeholder)
    video.write_bytes(CHANGES[change](video.read_bytes()))
    with pytest.raises(SealFailed):
        seal(video, ORIGIN, replace(signer, _sign=unasked), placeholder.content)


def test_no_link_is_followed(video: Path, signer: Signer, tmp_path: Path) -> None:
    placeholder = placeholder_for(signer)
    prepare(video, ORIGIN, placeholder)
    link = tmp_path / "link.mp4"
    link.symlink_to(video)
    with pytest.raises(OSError):
        seal(link, ORIGIN, replace(signer, _sign=unasked), placeholder.content)


def test_another_chain_or_placeholder_is_not_ours(
    video: Path, signer: Signer, tmp_path: Path
) -> None:
    other = open_signer(new_chain(tmp_path / "other").credentials)
    theirs = placeholder_for(other)
    prepare(video, ORIGIN, theirs)
    with pytest.raises(SealFailed, match="our certificates"):
        seal(video, ORIGIN, replace(signer, _sign=unasked), theirs.content)
    with pytest.raises(SealFailed, match="the placeholder"):
        seal(video, ORIGIN, other, placeholder_for(other).content)


def test_a_shared_library_in_the_current_folder_is_not_loaded(tmp_path: Path) -> None:
    """c2pa-python looks there first."""
    for folder in (tmp_path, tmp_path / "libs", tmp_path / "artifacts"):
        folder.mkdir(exist_ok=True)
        for name in ("libc2pa_c.so", "libc2pa_c.dylib"):
            (folder / name).write_bytes(b"not a library")
    loads = "from portravox.labels import c2pa_library as l; print(l._library().sdk_version())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", loads], cwd=tmp_path, env=environment, check=True)


@pytest.mark.parametrize(
    "wrong",
    [{"sha256": "x"}, {"mime_type": "image"}, {"facts": "x" * 401}, {"facts": "a\nb"}],
)
def test_an_ingredient_has_a_digest_and_few_words(wrong: dict[str, str]) -> None:
    good = partial(Ingredient, role="portrait", sha256="0" * 64)
    assert good()
    with pytest.raises(ValueError):
        Ingredient(**{"role": "portrait", "sha256": "0" * 64, **wrong})  # type: ignore[arg-type]


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_reads_what_the_manifest_says(video: Path, signer: Signer, tmp_path: Path) -> None:
    """Of Debian 12 it shows a manifest in an MP4 as bytes, and reads the same bytes in a PNG."""
    content = sealed(video, signer).read_bytes()
    start, end = located(content)
    picture = tmp_path / "manifest.png"
    picture.write_bytes(png_with(b"caBX", content[start:end]))
    told = read_by_exiftool(video)
    assert json.loads(told["AIGC"])["ContentProducer"] == "某公司"
    assert told["Comment"].startswith("AI-generated video, made by Portravox")
    told = read_by_exiftool(picture)
    assert told["ActionsAction"] == "c2pa.created"
    assert told["ActionsDigitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert told["Claim_Generator_InfoName"] == "Portravox"
    assert told["ActionsParametersPortravoxTask"] == "3b1f"


def read_by_exiftool(file: Path) -> dict[str, Any]:
    command = ["exiftool", "-json", str(file)]
    [told] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return dict(told)


def png_with(kind: bytes, body: bytes) -> bytes:
    """The smallest picture, with a chunk more."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checked = kind + body
        return len(body).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")

    size = (1).to_bytes(4, "big") * 2
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            chunk(b"IHDR", size + b"\x08\0\0\0\0"),
            chunk(kind, body),
            chunk(b"IDAT", zlib.compress(b"\0\0")),
            chunk(b"IEND", b""),
        )
    )


@pytest.mark.skipif(shutil.which("mediainfo") is None, reason="mediainfo is not installed")
def test_mediainfo_reads_the_label_of_a_signed_video(video: Path, signer: Signer) -> None:
    command = ["mediainfo", "--Output=JSON", str(sealed(video, signer))]
    in_unicode = {**os.environ, "LC_ALL": "C.UTF-8"}
    told = subprocess.run(command, capture_output=True, check=True, env=in_unicode).stdout
    general = json.loads(told)["media"]["track"][0]
    assert float(general["Duration"]) == pytest.approx(0.5, abs=0.05)
    assert json.loads(general["extra"]["AIGC"])["ContentProducer"] == "某公司"


def test_no_flipped_bit_of_a_manifest_is_signed(video: Path, signer: Signer) -> None:
    """But in the two numbers that the library makes up: of the claim, and its own version."""
    placeholder = placeholder_for(signer)
    prepare(video, ORIGIN, placeholder)
    content = bytearray(video.read_bytes())
    start, end = located(content)
    free = [content.index(b"xmp.iid:"), content.index(b"org.contentauth.c2pa_rs")]
    draw = np.random.default_rng(0)
    for at, bit in zip(
        draw.integers(start - 45, end, 1500), draw.integers(0, 8, 1500), strict=True
    ):
        content[at] ^= 1 << bit
        try:
            unsigned_manifest(
                bytes(content),
                ORIGIN,
                chain=signer.chain,
                algorithm=signer.algorithm,
                placeholder=placeholder.content,
            )
            assert any(begin <= at < begin + 50 for begin in free)
        except ManifestRefused:
            pass
        content[at] ^= 1 << bit
