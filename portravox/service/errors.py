"""What the service raises on purpose, beside what `portravox.errors` has for all.

InputError
├── IdempotencyConflict    an idempotency key used again for another job
├── TaskTooLarge           more text than a task may have
├── KeyUnknown             no API key has this id
├── BackupUnusable         a backup that cannot be made there, or cannot be trusted
├── LinkRefused            a link to a result that has expired or was changed
├── StoredFileMissing      a file of the service that is not there, or not any more
├── UploadError            a temporary upload
│   ├── UploadMalformed        what was posted is not the form of an upload
│   ├── UploadForbidden        its policy has expired, is not ours or allows another place
│   ├── UploadTooLarge         more bytes than the policy or the account may have
│   ├── UploadExists           the place is taken, and nothing is overwritten
│   └── UploadUnknown          an oss:// link that names no upload of this account
└── InputDownloadFailed    a URL that gives no file; why is for our log alone
    └── InputTooLarge          it gives more bytes than it may
ServiceError
├── QueueFull              as many tasks wait as may
├── QueueUnavailable       the table of tasks cannot be read or written
│   └── QueueDamaged           it is damaged, and has to be restored from a backup
├── StorageFailed          a video or an upload cannot be written or read
│   └── StorageUnavailable     the object store is away, slow or refuses; later it may not
├── SecretsUnreadable      the file of API keys or of signing keys is damaged
└── LimitReached           a key has had what it may have for now
    ├── RateReached            requests in a second
    ├── VideoLimitReached      seconds of video in 24 hours
    └── SpeechLimitReached     characters of spoken texts in 24 hours
"""

from __future__ import annotations

from portravox.errors import InputError, ServiceError


class IdempotencyConflict(InputError):
    code = "idempotency_conflict"
    hint = "Use a new idempotency key for each new job."

    def __init__(self) -> None:
        super().__init__("this idempotency key was used for another job")


class TaskTooLarge(InputError):
    code = "task_too_large"

    def __init__(self, text_bytes: int, limit: int) -> None:
        super().__init__(f"the task has {text_bytes} bytes of text; wanted {limit} at most")


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


class LimitReached(ServiceError):
    code = "limit_reached"


class RateReached(LimitReached):
    code = "rate_reached"

    def __init__(self, requests_per_s: float) -> None:
        super().__init__(f"more than {requests_per_s:g} requests per second")


class SpeechLimitReached(LimitReached):
    code = "speech_limit_reached"

    def __init__(self, spoken: int, more: int, limit: int) -> None:
        super().__init__(
            f"{spoken} characters of texts in the last 24 hours and {more} more;"
            f" this key may have {limit}"
        )


class VideoLimitReached(LimitReached):
    code = "video_limit_reached"

    def __init__(self, spent_s: float, limit_s: float) -> None:
        super().__init__(
            f"{spent_s:.0f} s of video in the last 24 hours; this key may have {limit_s:g} s"
        )
