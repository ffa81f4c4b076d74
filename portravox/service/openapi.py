"""The contract as an OpenAPI document: what `/openapi.json` gives and `/docs` shows.

Flow      openapi.document -> routes.docs

Written by hand, since the routes read bodies themselves, in the order of checks that the original
has; a test holds the paths here and the routes together.
"""

from __future__ import annotations

from typing import Any

from portravox import __version__
from portravox.options import EXTENSION, OPTIONS, ORIGINAL
from portravox.service.request_middleware import API
from portravox.service.routes.uploads import UPLOAD_PATH
from portravox.service.schemas import DETECT_MODEL, SERVED, VIDEO_MODEL
from portravox.service.storage.local import FILES_PATH
from portravox.service.tasks.outbox import DeliveryState, NoticeFormat
from portravox.service.webhooks.schemas import FORMAT_HEADER, URL_HEADER
from portravox.service.worker.messages import MAX_FACES_TOLD

Schema = dict[str, Any]


def _object(properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _text(example: str, description: str = "") -> Schema:
    schema: Schema = {"type": "string", "example": example}
    return {**schema, "description": description} if description else schema


_ID = {"type": "string", "format": "uuid"}
_TIME = _text("2025-12-26 11:33:03.146", "UTC+8")
_ADDRESS = {
    "type": "string",
    "minLength": 1,
    "description": "http, https, or oss:// for a temporary upload",
    "example": "https://example.com/face.png",
}
_EXPLAINED = "Ours, with ?explain=true"
_WEB_ADDRESS = {"type": "string", "pattern": "^https?://", "example": "https://shop.example/hook"}
_FORMATS = [str(form) for form in NoticeFormat]
_STATES = ["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED"]

_PARAMETERS: Schema = {
    "type": ["object", "null"],
    "properties": {
        **{name: option.json_schema() for name, option in ORIGINAL.items()},
        EXTENSION: {
            "type": ["object", "null"],
            "description": "Ours, beyond the original",
            "additionalProperties": False,
            "properties": {name: OPTIONS[name].json_schema() for name in SERVED},
        },
    },
}

_SCHEMAS: dict[str, Schema] = {
    "Error": _object({"code": _text("InvalidApiKey"), "message": _text("…"), "request_id": _ID}),
    "Submit": _object(
        {
            "model": {"type": "string", "enum": [VIDEO_MODEL]},
            "input": _object({"image_url": _ADDRESS, "audio_url": _ADDRESS}),
            "parameters": _PARAMETERS,
        },
        optional=("parameters",),
    ),
    "Submitted": _object(
        {
            "output": _object({"task_id": _ID, "task_status": {"enum": ["PENDING"]}}),
            "request_id": _ID,
        }
    ),
    "Detect": _object(
        {
            "model": {"type": "string", "enum": [DETECT_MODEL]},
            "input": _object({"image_url": _ADDRESS}),
        }
    ),
    "Detected": _object(
        {
            "output": _object(
                {
                    "pass": {"type": "boolean"},
                    "message": {"type": "string", "description": "Empty where it passes"},
                    "reason": _text("face_turned_away", f"{_EXPLAINED}: ok, or why not"),
                    "explanation": _text("", f"{_EXPLAINED}: the same in a sentence"),
                    "hint": _text("", f"{_EXPLAINED}: what would help"),
                    "notices": {"type": "array", "items": {"type": "string"}},
                    "width": {"type": "integer", "description": f"{_EXPLAINED}: px, upright"},
                    "height": {"type": "integer"},
                    "faces": {
                        "type": "array",
                        "description": f"{_EXPLAINED}: outlines, the face to animate first; x"
                        f" right and y down in px; of up to {MAX_FACES_TOLD} faces",
                        "maxItems": MAX_FACES_TOLD,
                        "items": {
                            "type": "array",
                            "items": {"type": "array", "items": {"type": "number"}},
                        },
                    },
                    "face_count": {
                        "type": "integer",
                        "description": f"{_EXPLAINED}: faces found; {MAX_FACES_TOLD}: or more",
                    },
                },
                optional=(
                    "reason",
                    "explanation",
                    "hint",
                    "notices",
                    "width",
                    "height",
                    "faces",
                    "face_count",
                ),
            ),
            "usage": _object({"image_count": {"const": 1}}),
            "request_id": _ID,
        }
    ),
    "Task": _object(
        {
            "request_id": _ID,
            "output": _object(
                {
                    "task_id": {"type": "string"},
                    "task_status": {"enum": [*_STATES, "UNKNOWN"]},
                    "submit_time": _TIME,
                    "scheduled_time": _TIME,
                    "end_time": _TIME,
                    "results": _object({"video_url": {"type": "string", "format": "uri"}}),
                    "code": _text("InvalidImage.NoHumanFace", "of a FAILED task"),
                    "message": {"type": "string"},
                    "stage": {
                        "type": ["string", "null"],
                        "description": "Ours, with ?progress=true",
                    },
                    "progress": {
                        "type": "number",
                        "minimum": 0,
                        "maximum": 1,
                        "description": "Ours, with ?progress=true",
                    },
                    "queue_position": {
                        "type": ["integer", "null"],
                        "description": "Ours, with ?progress=true: tasks that come first",
                    },
                    "remaining_s": {
                        "type": ["number", "null"],
                        "minimum": 0,
                        "description": "Ours, with ?progress=true: seconds, estimated; null where"
                        " nobody can tell",
                    },
                },
                optional=(
                    "submit_time",
                    "scheduled_time",
                    "end_time",
                    "results",
                    "code",
                    "message",
                    "stage",
                    "progress",
                    "queue_position",
                    "remaining_s",
                ),
            ),
            "usage": _object(
                {"video_duration": {"type": "number"}, "video_ratio": {"const": "standard"}}
            ),
        },
        optional=("usage",),
    ),
    "TaskList": _object(
        {
            **{
                name: {"type": "integer"}
                for name in ("total", "total_page", "page_no", "page_size")
            },
            "request_id": _ID,
            "data": {
                "type": "array",
                "items": _object(
                    {
                        "task_id": _ID,
                        "status": {"enum": _STATES},
                        "model_name": _text(VIDEO_MODEL),
                        "gmt_create": {"type": "integer", "description": "epoch ms"},
                        "start_time": {"type": "integer"},
                        "end_time": {"type": "integer"},
                        "region": _text("cn-beijing"),
                        "request_id": {"type": "string"},
                        "api_key_id": _text("1"),
                        "caller_parent_id": _text("0"),
                        "caller_uid": _text("0"),
                        "user_api_unique_key": {"type": "string"},
                    },
                    optional=("start_time", "end_time"),
                ),
            },
        }
    ),
    "Done": _object({"request_id": _ID}),
    "Deliveries": _object(
        {
            **{
                name: {"type": "integer"}
                for name in ("total", "total_page", "page_no", "page_size")
            },
            "request_id": _ID,
            "data": {
                "type": "array",
                "items": _object(
                    {
                        "delivery_id": _ID,
                        "task_id": _ID,
                        "status": {"enum": [str(state) for state in DeliveryState]},
                        "host": _text("shop.example"),
                        "format": {"enum": _FORMATS},
                        "attempts": {
                            "type": "array",
                            "items": _object(
                                {"time": _TIME, "http_status": {"type": ["integer", "null"]}}
                            ),
                        },
                        "next_time": _TIME,
                        "end_time": _TIME,
                    },
                    optional=("next_time", "end_time"),
                ),
            },
        }
    ),
    "WebhookSecret": _object(
        {
            "request_id": _ID,
            "data": _object(
                {
                    "secrets": {
                        "type": "array",
                        "items": _text("whsec_…"),
                        "description": "The newest first; two while one takes the other's place",
                    }
                }
            ),
        }
    ),
    "Notice": _object(
        {
            "type": {"enum": ["task.succeeded", "task.failed", "task.canceled"]},
            "timestamp": _text("2025-12-26T03:33:22.455Z", "When the task ended"),
            "data": {
                "type": "object",
                "description": "`output` of the task, less its results, and `usage`",
            },
        }
    ),
    "Credentials": _object(
        {
            "request_id": _ID,
            "data": _object(
                {
                    **{
                        name: {"type": "string"}
                        for name in (
                            "policy",
                            "signature",
                            "upload_dir",
                            "upload_host",
                            "oss_access_key_id",
                            "x_oss_object_acl",
                            "x_oss_forbid_overwrite",
                        )
                    },
                    **{
                        name: {"type": "integer"}
                        for name in ("expire_in_seconds", "max_file_size_mb", "capacity_limit_mb")
                    },
                }
            ),
        }
    ),
}


def _json(name: str) -> Schema:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _answers(name: str, *statuses: int) -> Schema:
    errors = {
        str(status): {"description": "Refused: see `code`", "content": _json("Error")}
        for status in statuses
    }
    return {"200": {"description": "Done", "content": _json(name)}, **errors}


def _in(place: str, name: str, schema: Schema, description: str = "") -> Schema:
    return {
        "name": name,
        "in": place,
        "schema": schema,
        "required": place == "path",
        "description": description,
    }


def _posts(name: str) -> Schema:
    return {"required": True, "content": _json(name)}


_EVENT: Schema = {
    "type": "object",
    "properties": {
        "event": {"const": "task"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/Task"},
        },
    },
}
_ENABLE = {"type": "string", "enum": ["enable"]}
_OSS = _in("header", "X-DashScope-OssResourceResolve", _ENABLE, "needed for oss:// addresses")
_ASYNC = {**_in("header", "X-DashScope-Async", _ENABLE), "required": True}
_TASK = _in("path", "task_id", {"type": "string"})
_PUBLIC: Schema = {"security": []}
_POLL = (401, 429, 500, 503)
_CALL = (400, 401, 403, 404, 408, 413, 429, 500, 503)

_VIDEO_ANSWERS = {
    "200": {"description": "The video", "content": {"video/mp4": {}}},
    "206": {"description": "The part asked for", "content": {"video/mp4": {}}},
    "403": {"description": "Expired or changed", "content": _json("Error")},
    "404": {"description": "Gone", "content": _json("Error")},
    "416": {"description": "No such part"},
}

PATHS: dict[str, dict[str, Schema]] = {
    f"{API}/services/aigc/image2video/video-synthesis": {
        "post": {
            "summary": "Submit: a portrait and a recording become a task",
            "parameters": [
                _ASYNC,
                _OSS,
                _in(
                    "header",
                    "Idempotency-Key",
                    {"type": "string", "maxLength": 255},
                    "Ours: the same key again gives the same task",
                ),
                _in("header", URL_HEADER, _WEB_ADDRESS, "Ours: to be told of the task's end"),
                _in(
                    "header",
                    FORMAT_HEADER,
                    {"type": "string", "enum": _FORMATS},
                    "Ours: as Standard Webhooks, or as the original's events",
                ),
            ],
            "requestBody": _posts("Submit"),
            "responses": _answers("Submitted", *_CALL, 409),
        }
    },
    f"{API}/services/aigc/image2video/face-detect": {
        "post": {
            "summary": "Detect: whether a picture will do",
            "parameters": [
                _OSS,
                _in("query", "explain", {"type": "string"}, "Ours: true tells why, and where"),
            ],
            "requestBody": _posts("Detect"),
            "responses": _answers("Detected", *_CALL),
        }
    },
    f"{API}/tasks": {
        "get": {
            "summary": "List tasks, the newest first",
            "parameters": [
                _in("query", "page_no", {"type": "integer", "minimum": 1, "default": 1}),
                _in("query", "page_size", {"type": "integer", "minimum": 1, "default": 10}),
                _in("query", "start_time", _text("20251226113303"), "UTC+8"),
                _in("query", "end_time", _text("20251226113303"), "UTC+8"),
                *(
                    _in("query", name, {"type": "string"})
                    for name in ("task_id", "model_name", "status", "api_key_id", "region")
                ),
            ],
            "responses": _answers("TaskList", 400, *_POLL),
        }
    },
    f"{API}/tasks/{{task_id}}": {
        "get": {
            "summary": "How a task stands; UNKNOWN where there is none",
            "parameters": [
                _TASK,
                _in("query", "progress", {"type": "string"}, "Ours: true tells more"),
            ],
            "responses": _answers("Task", *_POLL),
        }
    },
    f"{API}/tasks/{{task_id}}/cancel": {
        "post": {
            "summary": "Cancel a PENDING task",
            "parameters": [
                _TASK,
                _in("query", "force", {"type": "string"}, "Ours: true ends a RUNNING one, too"),
            ],
            "responses": _answers("Done", 400, *_POLL),
        }
    },
    f"{API}/tasks/{{task_id}}/events": {
        "get": {
            "summary": "Ours: what happens to a task, as server-sent events",
            "parameters": [_TASK],
            "responses": {
                **_answers("Task", *_POLL),
                "200": {
                    "description": "Events `task` with the answer of the query",
                    "content": {"text/event-stream": {"schema": _EVENT}},
                },
            },
        }
    },
    f"{API}/webhooks": {
        "get": {
            "summary": "Ours: notices of ended tasks, of the latest task first",
            "parameters": [
                _in("query", "page_no", {"type": "integer", "minimum": 1, "default": 1}),
                _in("query", "page_size", {"type": "integer", "minimum": 1, "default": 10}),
                _in("query", "task_id", {"type": "string"}),
            ],
            "responses": _answers("Deliveries", 400, *_POLL),
        }
    },
    f"{API}/webhooks/secret": {
        "get": {
            "summary": "Ours: what notices of this key's tasks are signed with",
            "responses": _answers("WebhookSecret", *_POLL),
        }
    },
    f"{API}/tasks/{{task_id}}/preview": {
        "get": {
            "summary": "Ours: the latest frame of a video that is being made",
            "parameters": [_TASK],
            "responses": {
                **_answers("Error", *_POLL),
                "200": {"description": "A small picture", "content": {"image/jpeg": {}}},
                "204": {"description": "There is none, or none yet"},
            },
        }
    },
    f"{API}/uploads": {
        "get": {
            "summary": "Credentials for a temporary upload",
            "parameters": [
                {**_in("query", "action", {"enum": ["getPolicy"]}), "required": True},
                {**_in("query", "model", _text(VIDEO_MODEL)), "required": True},
            ],
            "responses": _answers("Credentials", 400, *_POLL),
        }
    },
    UPLOAD_PATH: {
        "post": {
            "summary": "The form of a temporary upload; `file` comes last",
            "requestBody": {
                "required": True,
                "content": {
                    "multipart/form-data": {
                        "schema": _object(
                            {
                                **{
                                    name: {"type": "string"}
                                    for name in ("OSSAccessKeyId", "Signature", "policy", "key")
                                },
                                "file": {"type": "string", "format": "binary"},
                            }
                        )
                    }
                },
            },
            "responses": {
                "200": {"description": "Stored; the body is empty"},
                **{
                    str(status): {"description": "Refused", "content": _json("Error")}
                    for status in (400, 403, 408, 409, 500)
                },
            },
            **_PUBLIC,
        }
    },
    f"{FILES_PATH}{{name}}": {
        "get": {
            "summary": "A video, by the link that its task tells",
            "parameters": [
                _in("path", "name", {"type": "string"}),
                _in("query", "Expires", {"type": "string"}),
                _in("query", "Signature", {"type": "string"}),
                _in("header", "Range", {"type": "string"}),
            ],
            "responses": _VIDEO_ANSWERS,
            **_PUBLIC,
        }
    },
}


def document() -> Schema:
    """The whole of it, OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Portravox",
            "version": __version__,
            "description": "DashScope's liveportrait API, and a little more. Paths below"
            f" {API} work with and without a slash at the end.",
        },
        "security": [{"key": []}],
        "paths": PATHS,
        "webhooks": {
            "taskEnded": {
                "post": {
                    "summary": "Ours: a task has ended; signed as Standard Webhooks wants",
                    "requestBody": _posts("Notice"),
                    "responses": {"2XX": {"description": "Anything else is tried again"}},
                }
            }
        },
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }
