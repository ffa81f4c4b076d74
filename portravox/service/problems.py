"""Everything a client may be told that went wrong: status, code and message, in one place.

Flow      errors, schemas, routes -> service.problems -> HTTP answers
          errors in a worker process -> service.problems -> code and message of a FAILED task

Codes, texts and statuses are those of the original, spelling included; where the original has
none for a case of ours, the comment says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from portravox import errors
from portravox.service import errors as service_errors


@dataclass(frozen=True, slots=True)
class Problem:
    """What a client is told. Inside a FAILED task the status has no place."""

    status: int
    code: str
    message: str


class Refusal(Exception):
    """Ends a request with a problem; caught in `request_middleware` and never seen outside."""

    def __init__(self, problem: Problem, why: Mapping[str, str | None] | None = None) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.why = why or {}
        """Fields of ours for who asks why: as `explanations.explained` gives them."""


NOT_FOUND = Problem(404, "NotFound", "Not found!")
NO_KEY = Problem(401, "InvalidApiKey", "No API-key provided.")
BAD_KEY = Problem(401, "InvalidApiKey", "Invalid API-key provided.")
ACCESS_DENIED = Problem(403, "AccessDenied", "Access denied.")
FOREIGN_HOST = Problem(  # ours: only a server that asks for no keys looks at the name
    403, "AccessDenied", "Without keys, this server answers to localhost and its public_url only."
)
FOREIGN_ORIGIN = Problem(  # ours, likewise
    403, "AccessDenied", "Without keys, this server takes calls of its own page and programs only."
)
RATE = Problem(429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.")
QUOTA = Problem(
    429,
    "Throttling.AllocationQuota",
    "Allocated quota exceeded, please increase your quota limit.",
)
CONCURRENCY = Problem(429, "Throttling.Concurrency", "Too many concurrent requests.")
SESSION_FULL = Problem(  # ours, and so is all about live sessions
    429, "SessionFull", "A live session holds 60 s of speech; send on when some of it was spoken."
)
NO_LIVE = Problem(403, "AccessDenied", "This server holds no live sessions.")
NO_WEBRTC = Problem(  # ours
    400,
    "UnsupportedOperation.NoWebRTC",
    "This server holds no WebRTC connections: it is told not to, or lacks what"
    " `pip install 'portravox[live]'` brings. Live sessions go over a WebSocket.",
)
NOT_UNDERSTOOD = Problem(
    400, "InvalidParameter", "The message is none that a live session takes at this moment."
)
FOREIGN_PAGE = Problem(
    403, "AccessDenied", "Live sessions are for this server's own page, named origins and programs."
)
THROTTLED = Problem(429, "Throttling", "Requests throttling triggered.")
BODY_INVALID = Problem(
    400, "InvalidParameter", "Required body invalid, please check the request body format."
)
BODY_TOO_LARGE = Problem(413, "BadRequest.TooLarge", "Payload Too Large")  # status: our choice
BODY_TOO_SLOW = Problem(408, "RequestTimeOut", "Request timed out, please try again later.")  # ours
HEADERS_TOO_LARGE = Problem(431, "BadRequest.TooLarge", "Request Header Fields Too Large")  # ours
NO_HTTP = Problem(400, "BadRequest", "The request is not valid HTTP.")  # ours
UNKNOWN_MODEL = Problem(404, "InvalidParameter", "Model not exist.")
WRONG_PATH = Problem(400, "InvalidParameter", "url error, please check url！")
NOT_SYNCHRONOUS = Problem(
    403, "AccessDenied", "current user api does not support synchronous calls"
)
NOT_ASYNCHRONOUS = Problem(
    403, "AccessDenied", "current user api does not support asynchronous calls"
)
EMPTY_INPUT = Problem(
    400, "BadRequest.EmptyInput", "Required input parameter missing from request."
)
ILLEGAL_INPUT = Problem(400, "BadRequest.IllegalInput", "The input parameter requires json format.")
INVALID_URL = Problem(400, "InvalidURL", "Invalid URL provided in your request.")
OSS_UNRESOLVED = Problem(
    400,
    "InvalidParameter.DataInspection",
    "The media format is not supported or incorrect for the data inspection.",
)
CANNOT_CANCEL = Problem(
    400,
    "UnsupportedOperation",
    "Failed to cancel the task, please confirm if the task is in PENDING status.",
)
STREAM_NOT_YET = Problem(  # ours, as the next two: the original shows nothing before the end
    409, "UnsupportedOperation.StreamNotYet", "The task is not being rendered yet, try again later."
)
STREAM_ELSEWHERE = Problem(
    409,
    "UnsupportedOperation.StreamElsewhere",
    "The task is being rendered by another machine and cannot be watched from here.",
)
NO_STREAM = Problem(
    409, "UnsupportedOperation.NoStream", "The task ended without a video: there is nothing to see."
)
IDEMPOTENCY_CONFLICT = Problem(  # ours: the original has no idempotency keys
    409,
    "InvalidParameter.IdempotencyConflict",
    "This idempotency key was used for another request.",
)
UNAVAILABLE = Problem(503, "ModelUnavailable", "Model is unavailable, please try again later.")
UPLOAD_EXISTS = Problem(
    409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten."
)  # of the object store behind the original
UPLOAD_MALFORMED = Problem(
    400, "MalformedPOSTRequest", "The body of your POST request is not well-formed."
)  # of the object store behind the original

FILE_FORMAT = Problem(
    400, "InvalidParameter.UnsupportedFileFormat", "Input files format not supported."
)
DOWNLOAD_FAILED = Problem(
    400, "InvalidParameter.InputDownloadFailed", "Failed to download input files."
)
IMAGE_SIZE = Problem(400, "InvalidImage.ImageSize", "The size of image is beyond limit.")
ORIGINAL_VOICE_S, ORIGINAL_VOICE_MB = 180.0, 15.0
AUDIO_LENGTH = Problem(
    400, "InvalidFile.AudioLengthError", "Audio length must be between 1s and 180s."
)
AUDIO_SIZE = Problem(
    400,
    "InvalidFile.Size",
    "Invalid file size. The audio file size must be less than 15MB.",
)
INSPECTED_SIZE = Problem(  # ours: the original inspects nothing
    400, "InvalidFile.Size", "The file must have 1 byte to 100 MiB."
)
CONSENT_REQUIRED = Problem(  # ours: the original asks for no statement
    400,
    "InvalidParameter.ConsentRequired",
    "This server takes a task with consent to its statement only: GET /api/v1/consent tells its"
    " text and its id, which is sent as input.consent.",
)
NO_FACE = Problem(400, "InvalidImage.NoHumanFace", "No human face detected.")
ALGO = Problem(
    500,
    "InternalError.Algo",
    "An internal error has occured during algorithm execution.",
)
NOT_STORED = Problem(500, "InternalError.Upload", "Failed to upload result.")
TIMEOUT = Problem(
    500,
    "InternalError.Timeout",
    "An internal timeout error has occurred during execution, please try again later or contact"
    " service support.",
)
NO_SPEECH = Problem(  # ours, as the next two: the original speaks no texts
    400, "UnsupportedOperation.NoSpeech", "This server does not speak texts: send a recording."
)
SPEECH_REFUSED = Problem(
    400, "InvalidParameter.SpeechRefused", "The text cannot be spoken in this voice."
)
SPEECH_FAILED = Problem(
    500, "InternalError.Speech", "The text could not be spoken, please try again later."
)
INTERNAL = Problem(
    500,
    "InternalError",
    "An internal error has occurred, please try again later or contact service support.",
)

OUT_OF_DEFINITION = "InvalidParameter.OutOfDefinition"
"""The only table that has this code prints it `InvalidParamter`; a client that compares the whole
of it against that table needs another value here."""


def wrong_method(method: str) -> Problem:
    """400 and not 405, as the original."""
    return Problem(400, "InvalidParameter", f"Request method '{method}' is not supported.")


def bad_parameter(name: str) -> Problem:
    """A parameter of the call itself, such as `model` or `start_time`."""
    return Problem(
        400,
        "InvalidParameter",
        f"Required parameter({name}) missing or invalid, please check the request parameters.",
    )


def field_required(path: str) -> Problem:
    """A field of the body, named by its path: `input.image_url`."""
    return Problem(400, "InvalidParameter", f"Field required: {path}")


def out_of_definition(name: str) -> Problem:
    """One of `parameters`, by its bare name."""
    return Problem(400, OUT_OF_DEFINITION, f"The type or value of {name} is out of definition.")


NO_TRANSPARENCY = Problem(  # ours: the original keeps the background
    400,
    OUT_OF_DEFINITION,
    "This server makes MP4, which has no transparency: take green, which can be keyed.",
)


def transcript_unreadable(missing: Sequence[str]) -> Problem:
    """Ours: what this server lacks to read a transcript."""
    return Problem(
        400,
        OUT_OF_DEFINITION,
        f"The transcript cannot be read: {' and '.join(missing)} is not installed on this server.",
    )


PROBLEMS: dict[type[errors.PortravoxError], Problem] = {
    errors.PictureTooLarge: IMAGE_SIZE,
    errors.PictureTooNarrow: IMAGE_SIZE,
    errors.PictureError: FILE_FORMAT,
    errors.BackgroundUnfit: out_of_definition("background"),
    errors.FaceError: NO_FACE,
    errors.VoiceTooLarge: AUDIO_SIZE,
    errors.VoiceTooShort: AUDIO_LENGTH,
    errors.VoiceTooLong: AUDIO_LENGTH,
    errors.VoiceError: FILE_FORMAT,  # a silent one too; the original has no code for it
    errors.FileUnfit: INSPECTED_SIZE,
    errors.SpeechNotSetUp: NO_SPEECH,
    errors.SpeechRefused: SPEECH_REFUSED,
    errors.SpeechUnavailable: SPEECH_FAILED,
    service_errors.InputDownloadFailed: DOWNLOAD_FAILED,
    service_errors.UploadUnknown: DOWNLOAD_FAILED,
    service_errors.UploadMalformed: UPLOAD_MALFORMED,
    service_errors.UploadExists: UPLOAD_EXISTS,
    service_errors.LinkRefused: ACCESS_DENIED,
    service_errors.StoredFileMissing: NOT_FOUND,
    service_errors.IdempotencyConflict: IDEMPOTENCY_CONFLICT,
    service_errors.TaskTooLarge: BODY_TOO_LARGE,
    service_errors.QueueFull: THROTTLED,
    errors.SessionFull: SESSION_FULL,
    service_errors.QueueUnavailable: UNAVAILABLE,
    service_errors.SecretsUnreadable: UNAVAILABLE,
    service_errors.RateReached: RATE,
    service_errors.VideoLimitReached: QUOTA,
    service_errors.SpeechLimitReached: QUOTA,
    service_errors.StorageUnavailable: UNAVAILABLE,
    service_errors.StorageFailed: NOT_STORED,
    errors.EngineError: ALGO,
    errors.PortravoxError: INTERNAL,
}
"""The most exact class first. What is not here is our fault and not told."""


def problem_of(error: Exception) -> Problem:
    """What a client is told about an error, foreseen or not."""
    if isinstance(error, Refusal):
        return error.problem
    if isinstance(error, errors.SettingOutOfRange):
        return out_of_definition(error.name)
    if isinstance(error, service_errors.UploadForbidden):
        return Problem(403, "AccessDenied", str(error))
    if isinstance(error, service_errors.UploadTooLarge):
        return Problem(400, "EntityTooLarge", str(error))  # code of the object store
    return next((told for kind, told in PROBLEMS.items() if isinstance(error, kind)), INTERNAL)


def of_voices_up_to(max_s: float, problem: Problem) -> Problem:
    """A problem as it is where recordings may be longer than the original's."""
    if max_s == ORIGINAL_VOICE_S:
        return problem
    if problem == AUDIO_LENGTH:
        message = f"Audio length must be between 1s and {max_s:g}s."
    elif problem == AUDIO_SIZE:
        megabytes = ORIGINAL_VOICE_MB * max_s / ORIGINAL_VOICE_S
        message = f"Invalid file size. The audio file size must be less than {megabytes:g}MB."
    else:
        return problem
    return replace(problem, message=message)


def failure_of(error: BaseException) -> Problem:
    """What a FAILED task says about the error that ended it: as above, but that whatever is our
    fault broke while the algorithm ran."""
    told = problem_of(error) if isinstance(error, Exception) else ALGO
    return ALGO if told is INTERNAL else told
