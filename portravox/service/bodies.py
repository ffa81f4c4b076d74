"""Bodies of the HTTP API as types: what requests may say and what answers hold.

Flow      schemas, routes -> bodies -> JSON; bodies -> openapi -> /openapi.json

A type here costs nothing where a body is made, which is a plain dictionary. pydantic reads the
types once, for the document. Requests are not checked by it but by hand, in the order of the
contract (docs/decisions/0012).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, NotRequired, get_args

from pydantic import Field, TypeAdapter, WithJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from typing_extensions import TypedDict

from portravox.inspection import Scheme
from portravox.options import EXTENSION, ORIGINAL, OURS
from portravox.pipeline import ENGINES
from portravox.service.tasks.outbox import DeliveryState, NoticeFormat
from portravox.service.tasks.states import TaskState
from portravox.service.worker.messages import MAX_FACES_TOLD

VIDEO_MODEL = "liveportrait"
DETECT_MODEL = "liveportrait-detect"

Schema = dict[str, Any]


def _parameters() -> Schema:
    """JSON schema of `parameters`, from the definitions of the options."""
    ours = {name: option.json_schema() for name, option in OURS.items()}
    ours["engine"]["enum"] = [*ENGINES, None]
    return {
        "type": ["object", "null"],
        "properties": {
            **{name: option.json_schema() for name, option in ORIGINAL.items()},
            EXTENSION: {
                "type": ["object", "null"],
                "description": "Ours, beyond the original",
                "additionalProperties": False,
                "properties": ours,
            },
        },
    }


_PROGRESS = "Ours, with ?progress=true"
_EXPLAINED = "Ours, with ?explain=true"

Uuid = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Time = Annotated[str, Field(description="UTC+8", examples=["2025-12-26 11:33:03.146"])]
Address = Annotated[
    str,
    Field(
        min_length=1,
        description="http, https, or oss:// for a temporary upload",
        examples=["https://example.com/face.png"],
    ),
]
Milliseconds = Annotated[int, Field(description="epoch ms")]


def _named(names: Iterable[str]) -> Any:
    """The names as all that a text may be."""
    return Field(json_schema_extra={"enum": [str(name) for name in names]})


StateName = Annotated[str, _named(TaskState)]


_File = Annotated[
    str | None,
    Field(
        json_schema_extra={"enum": ["image", "audio", "background", None]},
        description=f"{_EXPLAINED}: the file at fault, if one is",
    ),
]
_Reason = Annotated[
    str, Field(description=f"{_EXPLAINED}: which rule, in a word", examples=["voice_too_long"])
]
_Explanation = Annotated[
    str,
    Field(
        description=f"{_EXPLAINED}: the value and what was wanted",
        examples=["audio lasts longer than 180 s; wanted 1 to 180 s"],
    ),
]
_Hint = Annotated[str, Field(description=f"{_EXPLAINED}: what would help")]


class Error(TypedDict):
    code: Annotated[str, Field(examples=["InvalidApiKey"])]
    message: str
    request_id: Uuid
    file: NotRequired[_File]
    reason: NotRequired[_Reason]
    explanation: NotRequired[_Explanation]
    hint: NotRequired[_Hint]


class SubmitInput(TypedDict):
    image_url: Address
    audio_url: NotRequired[
        Annotated[
            Address,
            Field(description="Required, but with a text in `parameters.portravox.text`, ours"),
        ]
    ]
    consent: NotRequired[
        Annotated[
            str,
            Field(
                description="Ours: the id of the statement that `/api/v1/consent` tells, where"
                " the server asks for one"
            ),
        ]
    ]


class Statement(TypedDict):
    id: Annotated[str | None, Field(description="To be sent as `input.consent`")]
    text: Annotated[str | None, Field(description="What is agreed to by it")]


class Consent(TypedDict):
    output: Statement
    request_id: Uuid


class Submit(TypedDict):
    model: Literal["liveportrait"]
    input: SubmitInput
    parameters: NotRequired[Annotated[dict[str, Any] | None, WithJsonSchema(_parameters())]]


class SubmittedOutput(TypedDict):
    task_id: Uuid
    task_status: Annotated[str, _named((TaskState.PENDING,))]


class Submitted(TypedDict):
    output: SubmittedOutput
    request_id: Uuid


class DetectInput(TypedDict):
    image_url: Address


class Detect(TypedDict):
    model: Literal["liveportrait-detect"]
    input: DetectInput


DetectedOutput = TypedDict(
    "DetectedOutput",
    {
        "pass": bool,
        "message": Annotated[str, Field(description="Empty where it passes")],
        "reason": NotRequired[
            Annotated[
                str,
                Field(description=f"{_EXPLAINED}: ok, or why not", examples=["face_turned_away"]),
            ]
        ],
        "explanation": NotRequired[
            Annotated[str, Field(description=f"{_EXPLAINED}: the same in a sentence")]
        ],
        "hint": NotRequired[Annotated[str, Field(description=f"{_EXPLAINED}: what would help")]],
        "notices": NotRequired[Annotated[list[str], Field(description=_EXPLAINED)]],
        "width": NotRequired[Annotated[int, Field(description=f"{_EXPLAINED}: px, upright")]],
        "height": NotRequired[Annotated[int, Field(description=f"{_EXPLAINED}: px, upright")]],
        "faces": NotRequired[
            Annotated[
                list[list[list[float]]],
                Field(
                    max_length=MAX_FACES_TOLD,
                    description=f"{_EXPLAINED}: outlines, the face to animate first; x right and"
                    f" y down in px; of up to {MAX_FACES_TOLD} faces",
                ),
            ]
        ],
        "face_reasons": NotRequired[
            Annotated[
                list[str],
                Field(
                    max_length=MAX_FACES_TOLD,
                    description=f"{_EXPLAINED}: of each face, ok or what speaks against choosing it"
                    " by the parameter `face`",
                ),
            ]
        ],
        "face_count": NotRequired[
            Annotated[
                int, Field(description=f"{_EXPLAINED}: faces found; {MAX_FACES_TOLD}: or more")
            ]
        ],
    },
)
"""`pass` is a word of Python, so it stands in quotes."""


class DetectedUsage(TypedDict):
    image_count: Literal[1]


class Detected(TypedDict):
    output: DetectedOutput
    usage: DetectedUsage
    request_id: Uuid


class Convert(TypedDict):
    file: Literal["image", "audio"]
    url: Annotated[str, Field(description="oss://, of a temporary upload")]


class InspectInput(TypedDict):
    url: Address


class Inspect(TypedDict):
    input: InspectInput


class Label(TypedDict):
    scheme: Annotated[str, _named(get_args(Scheme))]
    says_machine_made: bool
    valid: Annotated[bool | None, Field(description="null: was not checked")]
    is_ours: Annotated[bool, Field(description="Whether it names Portravox as the maker")]
    words: str
    fields: dict[str, str]


class InspectedOutput(TypedDict):
    kind: Annotated[str, Field(examples=["MP4"])]
    says_machine_made: bool
    words: str
    marks: list[Label]


class Inspected(TypedDict):
    output: InspectedOutput
    request_id: Uuid


class Progress(TypedDict):
    """How far a task is: ours, beyond the original."""

    stage: str | None
    progress: float
    queue_position: int | None
    remaining_s: float | None


class TaskResults(TypedDict):
    video_url: Annotated[str, Field(json_schema_extra={"format": "uri"})]
    captions_url: NotRequired[
        Annotated[
            str,
            Field(
                json_schema_extra={"format": "uri"},
                description="Ours, of a task with a text or a transcript: WebVTT, or SubRip where"
                " `captions` is srt",
            ),
        ]
    ]


class TaskOutput(TypedDict):
    task_id: str
    task_status: Annotated[str, _named((*TaskState, "UNKNOWN"))]
    submit_time: NotRequired[Time]
    scheduled_time: NotRequired[Time]
    end_time: NotRequired[Time]
    results: NotRequired[TaskResults]
    code: NotRequired[
        Annotated[str, Field(description="Of a FAILED task", examples=["InvalidImage.NoHumanFace"])]
    ]
    message: NotRequired[Annotated[str, Field(description="Of a FAILED task")]]
    file: NotRequired[_File]
    reason: NotRequired[_Reason]
    explanation: NotRequired[_Explanation]
    hint: NotRequired[_Hint]
    stage: NotRequired[Annotated[str | None, Field(description=_PROGRESS)]]
    progress: NotRequired[Annotated[float, Field(ge=0, le=1, description=_PROGRESS)]]
    queue_position: NotRequired[
        Annotated[int | None, Field(description=f"{_PROGRESS}: tasks that come first")]
    ]
    remaining_s: NotRequired[
        Annotated[
            float | None,
            Field(ge=0, description=f"{_PROGRESS}: seconds, estimated; null where nobody can tell"),
        ]
    ]


class TaskUsage(TypedDict):
    video_duration: Annotated[float, Field(description="s")]
    video_ratio: Literal["standard"]


class Task(TypedDict):
    request_id: Uuid
    output: TaskOutput
    usage: NotRequired[TaskUsage]


class TaskRow(TypedDict):
    task_id: Uuid
    status: StateName
    model_name: Annotated[str, Field(examples=[VIDEO_MODEL])]
    gmt_create: Milliseconds
    start_time: NotRequired[Milliseconds]
    end_time: NotRequired[Milliseconds]
    region: Annotated[str, Field(examples=["cn-beijing"])]
    request_id: str
    api_key_id: Annotated[str, Field(examples=["1"])]
    caller_parent_id: Annotated[str, Field(examples=["0"])]
    caller_uid: Annotated[str, Field(examples=["0"])]
    user_api_unique_key: str


class TaskList(TypedDict):
    total: int
    total_page: int
    page_no: int
    page_size: int
    request_id: Uuid
    data: list[TaskRow]


class LiveOutput(TypedDict):
    """What a live session may be on this server."""

    sessions_left: Annotated[int, Field(description="that this key may begin now")]
    idle_s: Annotated[float, Field(description="after so long without a message it ends")]
    session_s: Annotated[float, Field(description="how long one may last")]
    max_side: Annotated[int, Field(description="the longer side of its picture, px, at most")]
    speech: Annotated[bool, Field(description="whether texts are spoken")]
    webrtc: Annotated[bool, Field(description="whether a browser may call over WebRTC")]


class LiveOffer(TypedDict):
    """A session description, as a browser's RTCPeerConnection has it."""

    type: Literal["offer"]
    sdp: str


class LiveAnswerOutput(TypedDict):
    type: Literal["answer"]
    sdp: str


class LiveAnswer(TypedDict):
    output: LiveAnswerOutput
    request_id: Uuid


class Live(TypedDict):
    output: LiveOutput
    request_id: Uuid


class Done(TypedDict):
    request_id: Uuid


class DeliveryAttempt(TypedDict):
    time: Time
    http_status: int | None


class DeliveryRow(TypedDict):
    delivery_id: Uuid
    task_id: Uuid
    status: Annotated[str, _named(DeliveryState)]
    host: Annotated[str, Field(examples=["shop.example"])]
    format: Annotated[str, _named(NoticeFormat)]
    attempts: list[DeliveryAttempt]
    next_time: NotRequired[Time]
    end_time: NotRequired[Time]


class Deliveries(TypedDict):
    total: int
    total_page: int
    page_no: int
    page_size: int
    request_id: Uuid
    data: list[DeliveryRow]


class WebhookSecrets(TypedDict):
    secrets: Annotated[
        list[str],
        Field(
            description="The newest first; two while one takes the other's place",
            examples=[["whsec_…"]],
        ),
    ]


class WebhookSecret(TypedDict):
    request_id: Uuid
    data: WebhookSecrets


class Notice(TypedDict):
    type: Annotated[str, _named(("task.succeeded", "task.failed", "task.canceled"))]
    timestamp: Annotated[
        str, Field(description="When the task ended", examples=["2025-12-26T03:33:22.455Z"])
    ]
    data: Annotated[
        dict[str, object],
        Field(description="`output` of the task, less its results, and `usage`"),
    ]


class UploadCredentials(TypedDict):
    policy: str
    signature: str
    upload_dir: str
    upload_host: str
    oss_access_key_id: str
    x_oss_object_acl: str
    x_oss_forbid_overwrite: str
    expire_in_seconds: int
    max_file_size_mb: int
    capacity_limit_mb: int


class Credentials(TypedDict):
    request_id: Uuid
    data: UploadCredentials


BODIES: tuple[Any, ...] = (
    *(
        Error,
        Consent,
        Submit,
        Submitted,
        Detect,
        Detected,
        Convert,
        Inspect,
        Inspected,
        Task,
        TaskList,
        Live,
        LiveOffer,
        LiveAnswer,
        Done,
    ),
    *(Deliveries, WebhookSecret, Notice, Credentials),
)
"""Those that a request or an answer is as a whole, in the order of the document."""


class _Document(GenerateJsonSchema):
    """Without the titles that say a name once more."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def body_schemas() -> dict[str, Schema]:
    """JSON schemas of all bodies by name, then of the types within them."""
    mode: JsonSchemaMode = "validation"
    _, found = TypeAdapter.json_schemas(
        [(body.__name__, mode, TypeAdapter(body)) for body in BODIES],
        schema_generator=_Document,
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Schema] = found["$defs"]
    for schema in schemas.values():
        schema.pop("title", None)
    names = [body.__name__ for body in BODIES]
    return {name: schemas[name] for name in [*names, *(n for n in schemas if n not in names)]}
