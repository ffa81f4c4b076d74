"""The demo portrait, taken apart once for all tests that look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.samples import SAMPLES
from portravox.animation.controls import CONTROLS
from portravox.arrays import Float32, UInt8
from portravox.demo import demo_portrait
from portravox.face.face import Face
from portravox.face.matte import person_matte
from portravox.face.verdict import require_face
from portravox.media.picture import Picture
from portravox.media.picture_file import read_picture
from portravox.render.scene import Scene, prepare_scene
from portravox.rig.deform import Deformer
from portravox.rig.fit import Rig, fit
from tests.service.storage import swift
from tests.service.storage.swift import SwiftServer

pytest_plugins = ("tests.skipped",)
"""Says at the end how many tests were skipped, and why."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop that coroutines among the tests run in: the one that the server has."""
    return "asyncio"


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder with real pictures and recordings, which may not be published."""
    if not SAMPLES.is_dir():
        pytest.skip(f"the sample material is not at {SAMPLES}")
    return SAMPLES


@pytest.fixture(scope="session")
def swift_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwiftServer]:
    """A real server of the S3 protocol."""
    if not swift.is_here():
        pytest.skip("needs Debian's swift-proxy, -account, -container and -object")
    with swift.running(tmp_path_factory.mktemp("swift")) as server:
        yield server


@pytest.fixture(scope="session")
def astronaut_path() -> Path:
    """The demo's public-domain photograph."""
    return demo_portrait()


@pytest.fixture(scope="session")
def photo(astronaut_path: Path) -> UInt8:
    """(512, 512, 3) smiling with teeth, facing the camera."""
    return read_picture(astronaut_path).pixels


@pytest.fixture(scope="session")
def face(photo: UInt8) -> Face:
    return require_face(Picture(photo))[0]


@pytest.fixture(scope="session")
def matte(photo: UInt8, face: Face) -> Float32:
    return person_matte(photo, face)


@pytest.fixture(scope="session")
def rig(face: Face, matte: Float32, photo: UInt8) -> Rig:
    return fit(face, matte, photo)


@pytest.fixture(scope="session")
def deformer(rig: Rig) -> Deformer:
    return Deformer(rig)


@pytest.fixture(scope="session")
def scene(rig: Rig, photo: UInt8, matte: Float32) -> Scene:
    return prepare_scene(rig, photo, matte)


@pytest.fixture(scope="session")
def controls() -> Callable[..., Float32]:
    """controls(jaw=0.5, ...) -> (C,) one row of a control track, the others 0."""

    def row(**values: float) -> Float32:
        made = np.zeros(len(CONTROLS), np.float32)
        for name, value in values.items():
            made[CONTROLS.index(name)] = value
        return made

    return row
