"""Every error of ours has a place in the contract, and nothing else is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portravox import errors
from portravox.errors import PortravoxError
from portravox.service import errors as service_errors
from portravox.service import problems
from portravox.service.problems import ALGO, INTERNAL, PROBLEMS, failure_of, problem_of


def kinds(base: type[PortravoxError] = PortravoxError) -> Iterator[type[PortravoxError]]:
    yield base
    for kind in base.__subclasses__():
        yield from kinds(kind)


def raised(kind: type[PortravoxError]) -> PortravoxError:
    """One of this kind, however it is made."""
    error = kind.__new__(kind)
    Exception.__init__(error, "secret reason")
    return error


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (errors.PictureTooLarge, 400, "InvalidImage.ImageSize"),
        (errors.PictureTooNarrow, 400, "InvalidImage.ImageSize"),
        (errors.PictureUnreadable, 400, "InvalidParameter.UnsupportedFileFormat"),
        (errors.PictureUnsupported, 400, "InvalidParameter.UnsupportedFileFormat"),
        (errors.FaceTurnedAway, 400, "InvalidImage.NoHumanFace"),
        (errors.NoFaceFound, 400, "InvalidImage.NoHumanFace"),
        (errors.VoiceTooLarge, 400, "InvalidFile.Size"),
        (errors.VoiceTooShort, 400, "InvalidFile.AudioLengthError"),
        (errors.VoiceTooLong, 400, "InvalidFile.AudioLengthError"),
        (errors.VoiceUnsupported, 400, "InvalidParameter.UnsupportedFileFormat"),
        (service_errors.InputDownloadFailed, 400, "InvalidParameter.InputDownloadFailed"),
        (service_errors.UploadUnknown, 400, "InvalidParameter.InputDownloadFailed"),
        (service_errors.UploadForbidden, 403, "AccessDenied"),
        (service_errors.UploadTooLarge, 400, "EntityTooLarge"),
        (service_errors.UploadMalformed, 400, "MalformedPOSTRequest"),
        (service_errors.LinkRefused, 403, "AccessDenied"),
        (service_errors.StoredFileMissing, 404, "NotFound"),
        (service_errors.IdempotencyConflict, 409, "InvalidParameter.IdempotencyConflict"),
        (service_errors.QueueFull, 429, "Throttling"),
        (service_errors.RateReached, 429, "Throttling.RateQuota"),
        (service_errors.VideoLimitReached, 429, "Throttling.AllocationQuota"),
        (service_errors.SpeechLimitReached, 429, "Throttling.AllocationQuota"),
        (service_errors.QueueUnavailable, 503, "ModelUnavailable"),
        (service_errors.StorageFailed, 500, "InternalError.Upload"),
        (errors.EncodingFailed, 500, "InternalError.Algo"),
        (errors.ModelUnavailable, 500, "InternalError.Algo"),
    ],
)
def test_codes_are_the_contracts(kind: type[PortravoxError], status: int, code: str) -> None:
    told = problem_of(raised(kind))
    assert (told.status, told.code) == (status, code)


def test_reasons_are_for_the_log() -> None:
    may_be_told = (service_errors.UploadForbidden, service_errors.UploadTooLarge)
    for kind in kinds():
        if kind not in may_be_told and kind is not errors.SettingOutOfRange:
            assert "secret reason" not in problem_of(raised(kind)).message


def test_parameters_are_named() -> None:
    told = problem_of(errors.SettingOutOfRange("video_fps", 60, "15 to 30"))
    assert told.message == "The type or value of video_fps is out of definition."


def test_nobody_stands_behind_his_parent_in_the_table() -> None:
    seen: list[type[PortravoxError]] = []
    for kind in PROBLEMS:
        assert not any(issubclass(kind, earlier) for earlier in seen)
        seen.append(kind)


def test_what_nobody_foresaw_is_our_fault_and_not_told() -> None:
    for error in (ValueError("secret"), MemoryError(), OSError("secret")):
        assert problem_of(error) is INTERNAL
        assert failure_of(error) is ALGO


def test_where_recordings_may_be_longer_the_refusal_says_so() -> None:
    for problem in (problems.AUDIO_LENGTH, problems.AUDIO_SIZE, problems.NO_FACE):
        assert problems.of_voices_up_to(180.0, problem) is problem
    longer = problems.of_voices_up_to(900.0, problems.AUDIO_LENGTH)
    assert (longer.code, longer.message) == (
        problems.AUDIO_LENGTH.code,
        "Audio length must be between 1s and 900s.",
    )
    assert "75MB" in problems.of_voices_up_to(900.0, problems.AUDIO_SIZE).message
    assert problems.of_voices_up_to(900.0, problems.NO_FACE) is problems.NO_FACE
