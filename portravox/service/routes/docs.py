"""The API's description, for programs and for people; the page needs nothing from elsewhere.

Flow      openapi.document -> routes.docs -> a browser: Swagger UI; where scripts are off, a list
"""

from __future__ import annotations

import json
from functools import cache
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service.openapi import document
from portravox.service.routes.studio import versioned
from portravox.studio.files import reference

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#8881;padding:1rem;overflow:auto}code{font-size:.9em}"
    "td,th{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}"
    ":root{color-scheme:light dark}"
)
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the viewer sets some styles itself
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


async def openapi(request: Request) -> Response:
    del request
    return Response(_document(), media_type="application/json")


async def page(request: Request) -> Response:
    del request
    return Response(_page(), media_type="text/html", headers={"content-security-policy": _POLICY})


async def asset(request: Request) -> Response:
    return versioned(reference(), request)


@cache  # it takes 30 ms, and anybody may ask
def _document() -> bytes:
    return json.dumps(document(), ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _page() -> str:
    described = document()
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>Portravox API</title>{_VIEWER.replace('@', reference().version)}"
        f"<noscript><style>{_STYLE}</style>"
        f"<h1>Portravox {escape(described['info']['version'])}</h1>"
        f"<p>{escape(described['info']['description'])}"
        " The same for programs: <a href=/openapi.json>openapi.json</a></p>"
    ]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            parts.append(_operation(path, method, operation))
    parts.append("<h2>Bodies</h2>")
    for name, schema in described["components"]["schemas"].items():
        shown = escape(json.dumps(schema, indent=2, ensure_ascii=False))
        parts.append(f"<h3 id={escape(name)}>{escape(name)}</h3><pre><code>{shown}</code></pre>")
    return "".join([*parts, "</noscript>"])


_VIEWER = (
    "<link rel=icon type=image/svg+xml href='data:,'>"
    "<link rel=stylesheet href=docs/@/swagger-ui.css>"
    "<link rel=stylesheet href=docs/@/reference.css>"
    "<script defer src=docs/@/swagger-ui-bundle.js></script>"
    "<script defer src=docs/@/start.js></script>"
    "<header class=bar><strong>Portravox API</strong><a href=./>The studio</a>"
    "<a href=openapi.json>openapi.json</a></header><main id=reference></main>"
)
"""Swagger UI, and the way to the studio; @: the version of its files."""


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = [
        (f"{parameter['in']} <code>{escape(parameter['name'])}</code>", parameter["description"])
        for parameter in operation.get("parameters", [])
    ]
    rows += [
        (f"<code>{status}</code>", response["description"])
        for status, response in operation["responses"].items()
    ]
    table = "".join(f"<tr><td>{what}<td>{escape(said)}" for what, said in rows)
    return (
        f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(operation['summary'])}</p><table>{table}</table>"
    )


ROUTES = (
    Route("/openapi.json", openapi, methods=["GET"]),
    Route("/docs", page, methods=["GET"]),
    Route("/docs/{version}/{path}", asset, methods=["GET"]),
)
