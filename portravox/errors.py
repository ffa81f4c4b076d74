"""Every error Portravox raises on purpose.

PortravoxError                 `except PortravoxError` catches all of ours and nothing else
├── InputError                 the caller can fix it; the command line exits with 2
│   ├── SettingOutOfRange      an option outside what it may be
│   ├── FileMissing            no such file, or not readable
│   ├── FileUnfit              a file that will not do, as `portravox inspect` says
│   ├── IdempotencyConflict    an idempotency key used again for another job
│   ├── TaskTooLarge           more text than a task may have
│   ├── AddressUnusable        the server cannot listen there: the port is taken, or not allowed
│   ├── OutputNotWritable      the result cannot be put where it was asked for
│   ├── ListUnreadable         a batch list that is not CSV or JSON lines, or lacks a column
│   ├── TermsNotAccepted       licences that have to be read before files are fetched
│   ├── KeyUnknown             no API key has this id
│   ├── BackupUnusable         a backup that cannot be made there, or cannot be trusted
│   ├── LinkRefused            a link to a result that has expired or was changed
│   ├── StoredFileMissing      a file of the service that is not there, or not any more
│   ├── UploadError            a temporary upload
│   │   ├── UploadMalformed        what was posted is not the form of an upload
│   │   ├── UploadForbidden        its policy has expired, is not ours or allows another place
│   │   ├── UploadTooLarge         more bytes than the policy or the account may have
│   │   ├── UploadExists           the place is taken, and nothing is overwritten
│   │   └── UploadUnknown          an oss:// link that names no upload of this account
│   ├── SessionError           a live session, as it stands
│   │   ├── SessionClosed          it was closed: nothing goes in or out any more
│   │   └── SessionFull            more sound waits to be spoken than may
│   ├── RequestRefused         a server that `portravox client` asked will not do that
│   │   ├── TaskRefused            it took the job, and cannot use what lies behind it
│   │   ├── TaskCanceled           the task was canceled while we waited for it
│   │   └── TaskForgotten          it knows no such task, or not any more
│   ├── SpeechNotSetUp         a text is to be spoken, and nobody was named who speaks
│   ├── SpeechRefused          who speaks does not take the text or the voice
│   ├── InputDownloadFailed    a URL that gives no file; why is for our log alone
│   │   └── InputTooLarge          it gives more bytes than it may
│   ├── PictureError           the picture file
│   │   ├── PictureUnreadable      empty, damaged or cut off
│   │   ├── PictureUnsupported     another kind of file than those that are read
│   │   ├── PictureTooLarge        bytes, sides or pixels beyond the limit
│   │   ├── PictureTooNarrow       one side too many times the other
│   │   ├── PictureTooComplex      its bytes cost far more time to decode than a picture's do
│   │   └── PictureTransparent     transparent everywhere: there is nothing to see
│   ├── FaceError              the picture was read, but the face in it will not do
│   │   ├── NoFaceFound
│   │   ├── FaceTooSmall
│   │   ├── FaceTurnedAway
│   │   ├── FaceCovered
│   │   ├── FaceCutOff
│   │   └── FaceUnclear        too dark, too blurred or lying on its side
│   └── VoiceError             the voice file
│       ├── VoiceUnreadable        empty or damaged
│       ├── VoiceUnsupported       another kind of file than those that are read
│       ├── VoiceTooLarge          bytes beyond the limit
│       ├── VoiceTooShort
│       ├── VoiceTooLong
│       ├── VoiceTooComplex        its bytes cost far more time to decode than a recording's do
│       └── VoiceSilent            nothing to hear in it
├── EngineError                the caller can't; the command line exits with 1
│   ├── EngineUnavailable      the engine asked for is not installed, or finds no device
│   │   └── DeviceMemoryShort      a graphics card has too little free memory just now
│   ├── SystemUnsupported      a part of the product does not run on this operating system
│   ├── ModelUnavailable       a model or library that should be there is not
│   │   ├── ModelFileMissing       a model's file is not on this machine
│   │   ├── ModelFileBroken        it is there, and its bytes are not what they should be
│   │   └── ModelFetchFailed       it could not be downloaded
│   └── EncodingFailed         the encoder refused
├── ServiceError               the service cannot do it as things stand; later it may
│   ├── QueueFull              as many tasks wait as may
│   ├── QueueUnavailable       the table of tasks cannot be read or written
│   │   └── QueueDamaged           it is damaged, and has to be restored from a backup
│   ├── StorageFailed          a video or an upload cannot be written or read
│   │   └── StorageUnavailable     the object store is away, slow or refuses; later it may not
│   ├── SecretsUnreadable      the file of API keys or of signing keys is damaged
│   ├── SpeechUnavailable      who speaks texts is away, slow, broken, or does not take our key
│   ├── ServerFailed           a server that `portravox client` asked is away or broken
│   │   ├── TaskFailed             it broke while it made the video
│   │   └── TaskUnfinished         it needs longer than we were to wait
│   └── LimitReached           a key has had what it may have for now
│       ├── RateReached            requests in a second
│       └── VideoLimitReached      seconds of video in 24 hours
└── Cancelled                  the caller asked us to stop; no file is left
"""

from __future__ import annotations


class PortravoxError(Exception):
    """Base of all errors raised on purpose."""

    code = "error"
    """Public and stable: clients branch on it."""

    hint = ""
    """What the caller may do about it, one sentence; empty where the message says it all."""


class InputError(PortravoxError):
    code = "input_error"


class SettingOutOfRange(InputError):
    code = "setting_out_of_range"

    def __init__(self, name: str, value: object, wanted: str) -> None:
        super().__init__(f"{name}={value!r} is out of range; wanted {wanted}")
        self.name = name
        self.value = value
        self.wanted = wanted


class FileMissing(InputError):
    code = "file_missing"

    def __init__(self, path: object, reason: str = "no such file") -> None:
        super().__init__(f"cannot read {path}: {reason}")


class FileUnfit(InputError):
    code = "file_unfit"


class IdempotencyConflict(InputError):
    code = "idempotency_conflict"
    hint = "Use a new idempotency key for each new job."

    def __init__(self) -> None:
        super().__init__("this idempotency key was used for another job")


class TaskTooLarge(InputError):
    code = "task_too_large"

    def __init__(self, text_bytes: int, limit: int) -> None:
        super().__init__(f"the task has {text_bytes} bytes of text; wanted {limit} at most")


class AddressUnusable(InputError):
    code = "address_unusable"


class OutputNotWritable(InputError):
    code = "output_not_writable"

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"cannot write {path}: {reason}")


class ListUnreadable(InputError):
    code = "list_unreadable"


class TermsNotAccepted(InputError):
    code = "terms_not_accepted"

    def __init__(self, name: str) -> None:
        super().__init__(f"the licences of {name} were not accepted, and nothing was fetched")
        self.hint = (
            f"Run `portravox models fetch {name} --accept-licences` once you have read them."
        )


class KeyUnknown(InputError):
    code = "key_unknown"
    hint = "The command `portravox keys list` shows the ids."

    def __init__(self, key_id: str) -> None:
        super().__init__(f"no API key has the id {key_id!r}")


class BackupUnusable(InputError):
    code = "backup_unusable"

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"cannot use {path} as a backup: {reason}")


class LinkRefused(InputError):
    code = "link_refused"


class StoredFileMissing(InputError):
    code = "stored_file_missing"

    def __init__(self, name: str) -> None:
        super().__init__(f"no file is stored as {name!r}")


class UploadError(InputError):
    code = "upload_error"


class UploadMalformed(UploadError):
    code = "upload_malformed"

    def __init__(self) -> None:
        super().__init__("The body of your POST request is not well-formed.")


class UploadForbidden(UploadError):
    code = "upload_forbidden"


class UploadTooLarge(UploadError):
    code = "upload_too_large"


class UploadExists(UploadError):
    code = "upload_exists"

    def __init__(self) -> None:
        super().__init__("The object you specified already exists and can not be overwritten.")


class UploadUnknown(UploadError):
    code = "upload_unknown"

    def __init__(self) -> None:
        # Not which one: whoever guesses learns nothing about the uploads of others.
        super().__init__("no upload of this account has that name, or it is older than 48 hours")


class SessionError(InputError):
    code = "session_error"


class SessionClosed(SessionError):
    code = "session_closed"

    def __init__(self) -> None:
        super().__init__("the session is closed")


class SessionFull(SessionError):
    """Nothing of what was pushed was taken; frames that are drawn make room."""

    code = "session_full"

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            f"{limit_s:g} s of sound wait to be spoken already, and no more may; push again later"
        )


class RequestRefused(InputError):
    code = "request_refused"

    def __init__(self, message: str, *, server_code: str, hint: str = "") -> None:
        super().__init__(message)
        self.server_code = server_code
        self.hint = hint


class TaskRefused(RequestRefused):
    code = "task_refused"


class TaskCanceled(RequestRefused):
    code = "task_canceled"

    def __init__(self, task_id: str) -> None:
        super().__init__(f"task {task_id} was canceled", server_code="CANCELED")


class TaskForgotten(RequestRefused):
    code = "task_forgotten"

    def __init__(self, task_id: str) -> None:
        super().__init__(
            f"the server knows no task {task_id}",
            server_code="UNKNOWN",
            hint="Tasks are forgotten 24 hours after they ended; other accounts' are never shown.",
        )


class InputDownloadFailed(InputError):
    """Says the same whatever happened: a stranger could learn our network from the differences."""

    code = "input_download_failed"

    def __init__(self, reason: str, *, told: str = "") -> None:
        super().__init__("a file could not be downloaded from its URL")
        self.reason = reason
        """For our log, never for the client."""

        self.told = told
        """What a public server that was allowed to be asked answered, for a client who asks why;
        empty where nothing may be told."""


class InputTooLarge(InputDownloadFailed):
    code = "input_too_large"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"more than {max_bytes} bytes")
        self.max_bytes = max_bytes


class PictureError(InputError):
    code = "picture_error"


class PictureUnreadable(PictureError):
    code = "picture_unreadable"
    hint = "Open it in a picture viewer and save it again: `convert picture.jpg new.png` does it."


class PictureUnsupported(PictureError):
    code = "picture_unsupported"
    hint = "Convert it to JPEG or PNG: `convert picture.tiff new.png`."


class PictureTooLarge(PictureError):
    code = "picture_too_large"
    hint = "Scale it down: `convert picture.jpg -resize '4096x4096>' -quality 90 new.jpg`."


class PictureTooNarrow(PictureError):
    code = "picture_too_narrow"
    hint = (
        "Crop it around the person: `convert picture.jpg -gravity center -crop 2:1 new.jpg`"
        " for a wide one, 1:2 for a tall one."
    )


class PictureTooComplex(PictureError):
    code = "picture_too_complex"
    hint = (
        "Save it again as an ordinary JPEG: `convert picture.jpg -interlace none -strip new.jpg`."
    )


class PictureTransparent(PictureError):
    code = "picture_transparent"
    hint = "Save it without transparency: `convert picture.png -alpha off new.png`."


class SpeechNotSetUp(InputError):
    code = "speech_not_set_up"
    hint = (
        "Run `apt-get install espeak-ng`, or, for natural voices, a server such as Kokoro-FastAPI,"
        " and set PORTRAVOX_SPEECH=openai and PORTRAVOX_SPEECH_URL=http://127.0.0.1:8880."
    )

    def __init__(self) -> None:
        super().__init__("nothing is set up here that speaks texts")


class SpeechRefused(InputError):
    code = "speech_refused"
    hint = "Shorten the text, or take another voice."


class FaceError(InputError):
    code = "face_error"


class NoFaceFound(FaceError):
    code = "no_face_found"
    hint = "Use a picture in which one human face is seen from the front, upright and well lit."


class FaceTooSmall(FaceError):
    code = "face_too_small"
    hint = "Crop the picture closer to the face, or use a larger one."


class FaceTurnedAway(FaceError):
    code = "face_turned_away"
    hint = "Use a picture in which the face looks more or less towards the camera."


class FaceCovered(FaceError):
    code = "face_covered"
    hint = "Use a picture in which mouth and eyes are not covered by a mask, a hand or an object."


class FaceCutOff(FaceError):
    code = "face_cut_off"
    hint = "Use a picture that shows the whole face."


class FaceUnclear(FaceError):
    code = "face_unclear"
    hint = "Use a brighter, sharper and upright picture."


class VoiceError(InputError):
    code = "voice_error"


class VoiceUnreadable(VoiceError):
    code = "voice_unreadable"
    hint = "Save it again: `ffmpeg -i recording.mp3 new.wav` keeps what can be read."


class VoiceUnsupported(VoiceError):
    code = "voice_unsupported"
    hint = "Convert it to WAV or MP3: `ffmpeg -i recording.wma -ac 1 new.mp3`."


class VoiceTooLarge(VoiceError):
    code = "voice_too_large"
    hint = "Save it as MP3: `ffmpeg -i recording.wav -b:a 128k new.mp3`."


class VoiceTooShort(VoiceError):
    code = "voice_too_short"
    hint = "Add silence behind it: `ffmpeg -i recording.wav -af apad=whole_dur=1 new.wav`."


class VoiceTooLong(VoiceError):
    code = "voice_too_long"
    hint = "Cut it: `ffmpeg -i recording.wav -t 180 new.wav` keeps the first three minutes."


class VoiceTooComplex(VoiceError):
    code = "voice_too_complex"
    hint = "Save it again as a plain WAV: `ffmpeg -i recording.wav -map_metadata -1 new.wav`."


class VoiceSilent(VoiceError):
    code = "voice_silent"
    hint = "Check the microphone and record again; `ffplay recording.wav` plays the file."


class EngineError(PortravoxError):
    code = "engine_error"


class EngineUnavailable(EngineError):
    code = "engine_unavailable"


class DeviceMemoryShort(EngineUnavailable):
    code = "device_memory_short"
    hint = "Let nothing else use the graphics card, or take one with more memory."


class SystemUnsupported(EngineError):
    code = "system_unsupported"
    hint = "On Windows use WSL 2 or a container."

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} does not run on this operating system; wanted Linux")


class ModelUnavailable(EngineError):
    code = "model_unavailable"
    hint = "Run `portravox doctor` to see what is missing."


class ModelFileMissing(ModelUnavailable):
    code = "model_file_missing"
    hint = "Run `portravox models fetch`, once, with a network."

    def __init__(self, name: str, folder: object) -> None:
        super().__init__(f"the model file {name} is not in {folder}")


class ModelFileBroken(ModelUnavailable):
    code = "model_file_broken"
    hint = "Run `portravox models fetch`, which replaces it."

    def __init__(self, path: object) -> None:
        super().__init__(f"the model file {path} is damaged or another one")


class ModelFetchFailed(ModelUnavailable):
    code = "model_fetch_failed"
    hint = (
        "Check the network and pip's settings, then run `portravox models fetch`; or download the"
        " files elsewhere and give them to `portravox models fetch --from`."
    )


class EncodingFailed(EngineError):
    code = "encoding_failed"


class ServiceError(PortravoxError):
    code = "service_error"


class QueueFull(ServiceError):
    code = "queue_full"

    def __init__(self, limit: int, what: str = "tasks wait") -> None:
        super().__init__(f"{limit} {what} already, which is as many as may")
        self.limit = limit


class QueueUnavailable(ServiceError):
    code = "queue_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the table of tasks cannot be used: {reason}")


class QueueDamaged(QueueUnavailable):
    code = "queue_damaged"
    hint = (
        "Stop the server and put the last backup back: `portravox restore BACKUP` keeps what is "
        "there beside it."
    )

    def __init__(self, file: object, damage: str) -> None:
        super().__init__(f"{file} is damaged: {damage}")


class StorageFailed(ServiceError):
    code = "storage_failed"


class StorageUnavailable(StorageFailed):
    code = "storage_unavailable"


class SecretsUnreadable(ServiceError):
    code = "secrets_unreadable"
    hint = "Put the file back from a backup: `portravox restore BACKUP --only keys`."

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"cannot use {path}: {reason}")


class SpeechUnavailable(ServiceError):
    code = "speech_unavailable"

    def __init__(self, message: str, *, again: bool = False, hint: str = "") -> None:
        super().__init__(message)
        self.again = again
        """Whether another try may fare better."""

        self.hint = hint


class ServerFailed(ServiceError):
    code = "server_failed"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float = 0.0,
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        """What it answered; None if it did not."""

        self.retry_after_s = retry_after_s
        """How long it wants to be left alone."""

        self.hint = hint


class TaskFailed(ServerFailed):
    code = "task_failed"


class TaskUnfinished(ServerFailed):
    code = "task_unfinished"


class LimitReached(ServiceError):
    code = "limit_reached"


class RateReached(LimitReached):
    code = "rate_reached"

    def __init__(self, requests_per_s: float) -> None:
        super().__init__(f"more than {requests_per_s:g} requests per second")


class VideoLimitReached(LimitReached):
    code = "video_limit_reached"

    def __init__(self, spent_s: float, limit_s: float) -> None:
        super().__init__(
            f"{spent_s:.0f} s of video in the last 24 hours; this key may have {limit_s:g} s"
        )


class Cancelled(PortravoxError):
    code = "cancelled"
