"""The errors that Portravox raises on purpose: the tree, as far as all parts share it.

What the service and the client alone raise stands in `service.errors` and `client.errors`.

PortravoxError                 `except PortravoxError` catches all of ours and nothing else
├── InputError                 the caller can fix it; the command line exits with 2
│   ├── SettingOutOfRange      an option outside what it may be
│   ├── FileMissing            no such file, or not readable
│   ├── FileUnfit              a file that will not do, as `portravox inspect` says
│   ├── AddressUnusable        the server cannot listen there: the port is taken, or not allowed
│   ├── OutputNotWritable      the result cannot be put where it was asked for
│   ├── CredentialsUnusable    certificates or a key that cannot sign the origin of videos
│   ├── ListUnreadable         a batch list that is not CSV or JSON lines, or lacks a column
│   ├── TermsNotAccepted       licences that have to be read before files are fetched
│   ├── SessionError           a live session, as it stands
│   │   ├── SessionClosed          it was closed: nothing goes in or out any more
│   │   └── SessionFull            more sound waits to be spoken than may
│   ├── SpeechNotSetUp         a text is to be spoken, and nobody was named who speaks
│   ├── SpeechRefused          who speaks does not take the text or the voice
│   ├── PictureError           the picture file
│   │   ├── PictureUnreadable      empty, damaged or cut off
│   │   ├── PictureUnsupported     another kind of file than those that are read
│   │   ├── PictureTooLarge        bytes, sides or pixels beyond the limit
│   │   ├── PictureTooNarrow       one side too many times the other
│   │   ├── PictureTooComplex      its bytes cost far more time to decode than a picture's do
│   │   └── PictureTransparent     transparent everywhere: there is nothing to see
│   ├── BackgroundUnfit        the picture that is to stand behind the person
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
│   ├── SealFailed             a video does not carry the signed origin that was asked for
│   └── EncodingFailed         the encoder refused
├── ServiceError               the service cannot do it as things stand; later it may
│   └── SpeechUnavailable      who speaks texts is away, slow, broken, or does not take our key
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


class AddressUnusable(InputError):
    code = "address_unusable"


class OutputNotWritable(InputError):
    code = "output_not_writable"

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"cannot write {path}: {reason}")


class CredentialsUnusable(InputError):
    code = "credentials_unusable"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ListUnreadable(InputError):
    code = "list_unreadable"


class TermsNotAccepted(InputError):
    code = "terms_not_accepted"

    def __init__(self, name: str) -> None:
        super().__init__(f"the licences of {name} were not accepted, and nothing was fetched")
        self.hint = (
            f"Run `portravox models fetch {name} --accept-licences` once you have read them."
        )


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


class BackgroundUnfit(InputError):
    code = "background_unfit"
    hint = "Take another picture, a colour such as #f4f1ea, blur or keep."

    def __init__(self, why: object) -> None:
        super().__init__(f"the background cannot be used: {why}")


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


class SealFailed(EngineError):
    code = "seal_failed"


class EncodingFailed(EngineError):
    code = "encoding_failed"


class ServiceError(PortravoxError):
    code = "service_error"


class SpeechUnavailable(ServiceError):
    code = "speech_unavailable"

    def __init__(self, message: str, *, again: bool = False, hint: str = "") -> None:
        super().__init__(message)
        self.again = again
        """Whether another try may fare better."""

        self.hint = hint


class Cancelled(PortravoxError):
    code = "cancelled"
