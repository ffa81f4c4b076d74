"""What a signed manifest says of a video: that a machine made it, of what, for whom, when.

Flow      pipeline, service -> Origin -> definition -> labels.c2pa_library
          labels.manifest compares a finished manifest with it

Sources: C2PA 2.2, Content Credentials (actions, ingredients, claims); IPTC NewsCodes, digital
source type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import portravox

GENERATOR = "Portravox"

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""What comes of a photograph that trained networks move: IPTC's "edited using generative AI"."""

CREATED = "c2pa.created"
ACTIONS = "c2pa.actions.v2"
INGREDIENT = "c2pa.ingredient.v3"
BINDING = "c2pa.hash.bmff.v3"
"""Labels of assertions, as C2PA has them."""

TITLE = "video.mp4"
"""Of every video: a file's own name may hold a person's."""

TASK, PRODUCER = "portravox.task", "portravox.producer"
"""Parameters of the action, of our own."""

MAX_FACTS = 400
"""Characters of what an input says of itself. Our choice."""

Role = Literal["portrait", "voice", "background"]
ROLES: tuple[Role, ...] = get_args(Role)

_MIME = re.compile(r"(image|audio|video|application)/[a-z0-9.+-]{1,40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """What the video was made of, without its name."""

    role: Role
    sha256: str
    """Of the file, 64 hexadecimal digits."""

    mime_type: str = "application/octet-stream"

    facts: str = ""
    """What labels of AI-made content the file itself carried, in words; empty where none."""

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256) or not _MIME.fullmatch(self.mime_type):
            raise ValueError("not a digest, or not a kind of file")
        if len(self.facts) > MAX_FACTS or not (self.facts.isprintable() or not self.facts):
            raise ValueError(f"wanted up to {MAX_FACTS} characters of what a file says")

    @property
    def instance_id(self) -> str:
        """By which a reader knows the very file."""
        return f"sha256:{self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """All that the manifest of one video says."""

    ingredients: tuple[Ingredient, ...]
    made_at: str
    """UTC, as 2026-11-29T07:00:00Z"""

    producer: str
    task_id: str = ""
    """Of a server; empty on the command line."""


def now_in_words() -> str:
    """The time now, as `Origin.made_at` has it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def action(origin: Origin) -> dict[str, Any]:
    """The action that made the video, without the references to what it was made of."""
    parameters = {PRODUCER: origin.producer}
    if origin.task_id:
        parameters[TASK] = origin.task_id
    return {
        "action": CREATED,
        "when": origin.made_at,
        "digitalSourceType": SOURCE_TYPE,
        "softwareAgent": generator(),
        "parameters": parameters,
    }


def generator() -> dict[str, str]:
    """Who wrote the claim."""
    return {"name": GENERATOR, "version": portravox.__version__}


def definition(origin: Origin) -> Mapping[str, Any]:
    """The manifest as the C2PA library takes it."""
    done = action(origin)
    ids = [ingredient.role for ingredient in origin.ingredients]
    done["parameters"] = {"ingredientIds": ids, **done["parameters"]}
    return {
        "claim_version": 2,
        "claim_generator_info": [generator()],
        "title": TITLE,
        "format": "video/mp4",
        "assertions": [{"label": ACTIONS, "data": {"actions": [done]}, "created": True}],
        "ingredients": [
            {
                "label": ingredient.role,
                "title": ingredient.role,
                "format": ingredient.mime_type,
                "instance_id": ingredient.instance_id,
                "relationship": "inputTo",
                **({"description": ingredient.facts} if ingredient.facts else {}),
            }
            for ingredient in origin.ingredients
        ],
    }
