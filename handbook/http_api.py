"""The reference of the HTTP API, from the document that the service gives at /openapi.json.

Flow      portravox.service.openapi -> http_api -> docs/reference/http.md
"""

from __future__ import annotations

import json
from typing import Any

from handbook.markdown import anchor, block, code, table
from portravox.service.bodies import BODIES
from portravox.service.openapi import document


def section() -> str:
    """All paths, then all bodies."""
    described = document()
    parts = ["## Requests"]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            parts += _request(f"{method.upper()} {path}", operation)
    parts.append("## Bodies")
    schemas = described["components"]["schemas"]
    for name in (body.__name__ for body in BODIES):
        parts += _body(name, _whole(schemas[name], schemas))
    return "\n\n".join(parts)


def _request(title: str, operation: dict[str, Any]) -> list[str]:
    parts = [f"### {code(title)} {{ #{anchor(title)} }}", f"{operation['summary']}."]
    if operation.get("security") == []:
        parts.append("Needs no key.")
    parameters = [
        (p["in"], code(p["name"]), _kind(p["schema"]), p["description"])
        for p in operation.get("parameters", [])
    ]
    if parameters:
        parts.append(table(("in", "name", "", ""), parameters))
    body = operation.get("requestBody", {}).get("content", {})
    if body:
        said = [f"{code(kind)}: {_kind(content['schema'])}" for kind, content in body.items()]
        parts.append(f"Body: {'; '.join(said)}.")
    answers = [
        (code(status), _content(answer), answer["description"])
        for status, answer in operation["responses"].items()
    ]
    parts.append(table(("status", "body", ""), answers))
    return parts


def _content(answer: dict[str, Any]) -> str:
    return "; ".join(
        _kind(content["schema"]) if kind == "application/json" else code(kind)
        for kind, content in answer.get("content", {}).items()
    )


def _body(name: str, schema: dict[str, Any]) -> list[str]:
    parts = [f"### {name} {{ #{_anchor_of(name)} }}"]
    if schema.get("description"):
        parts.append(schema["description"])
    rows = _rows(schema, "")
    if not rows:
        return [*parts, block(json.dumps(schema, indent=2, ensure_ascii=False), "json")]
    return [*parts, table(("field", "", "", ""), rows)]


def _whole(schema: Any, schemas: dict[str, Any]) -> Any:
    """A schema with those it refers to in their place."""
    if isinstance(schema, list):
        return [_whole(part, schemas) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _whole(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    return {name: _whole(part, schemas) for name, part in schema.items()}


def _rows(schema: dict[str, Any], prefix: str) -> list[tuple[str, str, str, str]]:
    rows = []
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        needed = "" if name in required else "optional"
        rows.append((code(path), _kind(field), needed, field.get("description", "")))
        rows += _rows(field, f"{path}.")
        if isinstance(field.get("items"), dict):
            rows += _rows(field["items"], f"{path}[].")
    return rows


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{_anchor_of(name)})"
    if "anyOf" in schema:
        schema = next(kind for kind in schema["anyOf"] if kind.get("type") != "null")
    said = []
    if "const" in schema:
        said.append(f"always {code(json.dumps(schema['const']))}")
    elif "enum" in schema:
        said.append(", ".join(code(json.dumps(v)) for v in schema["enum"] if v is not None))
    else:
        kinds = schema.get("type", "any")
        kinds = [kinds] if isinstance(kinds, str) else [k for k in kinds if k != "null"]
        said.append(" or ".join(kinds))
    if "minimum" in schema and "maximum" in schema:
        said.append(f"{schema['minimum']} to {schema['maximum']}")
    elif "minimum" in schema:
        said.append(f"from {schema['minimum']}")
    if "default" in schema:
        said.append(f"default {code(json.dumps(schema['default']))}")
    for example in schema.get("examples", []):
        said.append(f"such as {code(example if isinstance(example, str) else json.dumps(example))}")
    return ", ".join(said)


def _anchor_of(name: str) -> str:
    return f"body-{anchor(name)}"
