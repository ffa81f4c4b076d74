"""The contract as an OpenAPI document: what `/openapi.json` gives and `/docs` shows.

Flow      bodies -> openapi.document -> routes.docs

Bodies come from their types. Paths are written by hand, since the routes read requests themselves,
in the order of checks that the original has; a test holds the paths here and the routes together.
"""

from __future__ import annotations

from typing import Any

from portravox import __version__
from portravox.service.bodies import VIDEO_MODEL, body_schemas
from portravox.service.request_middleware import API
from portravox.service.storage.local import FILES_PATH
from portravox.service.storage.uploads import UPLOAD_PATH
from portravox.service.tasks.outbox import NoticeFormat
from portravox.service.webhooks.schemas import FORMAT_HEADER, URL_HEADER

Schema = dict[str, Any]


def _text(example: str) -> Schema:
    return {"type": "string", "examples": [example]}


_WEB_ADDRESS = {
    "type": "string",
    "pattern": "^https?://",
    "examples": ["https://shop.example/hook"],
}
_FORMATS = [str(form) for form in NoticeFormat]


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


_UPLOAD_FIELDS = ("OSSAccessKeyId", "Signature", "policy", "key")
_UPLOAD_FORM: Schema = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in _UPLOAD_FIELDS},
        "file": {"type": "string", "format": "binary"},
    },
    "required": [*_UPLOAD_FIELDS, "file"],
}
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
_EXPLAIN = _in(
    "query",
    "explain",
    {"type": "string"},
    "Ours: true tells why it FAILED: file, rule, value, hint",
)
_PUBLIC: Schema = {"security": []}
_NO_HTTP = (400, 431)
"""Whatever is called: what is no valid HTTP, or has more headers than any client sends."""

_POLL = (*_NO_HTTP, 401, 429, 500, 503)
_CALL = (*_NO_HTTP, 401, 403, 404, 408, 413, 429, 500, 503)

_VIDEO_ANSWERS = {
    "200": {
        "description": "The video, or its captions",
        "content": {"video/mp4": {}, "text/vtt": {}, "application/x-subrip": {}},
    },
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
    f"{API}/convert": {
        "post": {
            "summary": "Ours: an upload of any kind that is read, as JPEG or WAV",
            "requestBody": _posts("Convert"),
            "responses": {
                **_answers("Done", *_CALL),
                "200": {
                    "description": "The file",
                    "content": {"image/jpeg": {}, "audio/wav": {}},
                },
            },
        }
    },
    f"{API}/consent": {
        "get": {
            "summary": "Ours: the statement to agree to with each task, if there is one",
            "responses": _answers("Consent", *_NO_HTTP, 500, 503),
            **_PUBLIC,
        }
    },
    f"{API}/inspect": {
        "post": {
            "summary": "Ours: which labels of AI-made content a file carries",
            "parameters": [_OSS],
            "requestBody": _posts("Inspect"),
            "responses": _answers("Inspected", *_CALL),
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
            "responses": _answers("TaskList", *_POLL),
        }
    },
    f"{API}/tasks/{{task_id}}": {
        "get": {
            "summary": "How a task stands; UNKNOWN where there is none",
            "parameters": [
                _TASK,
                _in("query", "progress", {"type": "string"}, "Ours: true tells more"),
                _EXPLAIN,
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
            "responses": _answers("Done", *_POLL),
        }
    },
    f"{API}/tasks/{{task_id}}/events": {
        "get": {
            "summary": "Ours: what happens to a task, as server-sent events",
            "parameters": [_TASK, _EXPLAIN],
            "responses": {
                **_answers("Task", *_POLL),
                "200": {
                    "description": "Events `task` with the answer of the query",
                    "content": {"text/event-stream": {"schema": _EVENT}},
                },
            },
        }
    },
    f"{API}/live": {
        "get": {
            "summary": "Ours: a live session over a WebSocket; without Upgrade, what it may be",
            "description": "A WebSocket brings speech in while it comes and a portrait that speaks"
            " it out; its messages are described in docs/live.md. In a browser the key travels as a"
            " subprotocol, `bearer.KEY`, beside `portravox.live`.",
            "responses": {
                **_answers("Live", *_POLL, 403),
                "101": {"description": "A WebSocket begins"},
            },
        }
    },
    f"{API}/live/webrtc": {
        "post": {
            "summary": "Ours: a live session over WebRTC",
            "description": "An offer with a microphone, a video and a data channel, and its answer."
            " The messages on the data channel are those of the WebSocket: docs/live.md.",
            "requestBody": _posts("LiveOffer"),
            "responses": _answers("LiveAnswer", *_POLL, 400, 403),
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
            "responses": _answers("Deliveries", *_POLL),
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
    f"{API}/tasks/{{task_id}}/stream": {
        "get": {
            "summary": "Ours: the video of a RUNNING task while it is made",
            "description": "A fragmented MP4, from the first frame. It waits up to 15 s for it to"
            " begin. An answer that ends before its last chunk is no whole video: its attempt broke"
            " off.",
            "parameters": [_TASK],
            "responses": {
                **_answers("Error", 404, 409, *_POLL),
                "200": {"description": "The video as it grows", "content": {"video/mp4": {}}},
                "302": {"description": "It is ready: the way to it"},
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
            "responses": _answers("Credentials", *_POLL),
        }
    },
    UPLOAD_PATH: {
        "post": {
            "summary": "The form of a temporary upload; `file` comes last",
            "requestBody": {
                "required": True,
                "content": {"multipart/form-data": {"schema": _UPLOAD_FORM}},
            },
            "responses": {
                "200": {"description": "Stored; the body is empty"},
                **{
                    str(status): {"description": "Refused", "content": _json("Error")}
                    for status in (*_NO_HTTP, 403, 408, 409, 500)
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
            "schemas": body_schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }
