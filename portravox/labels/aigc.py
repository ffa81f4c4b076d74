"""The entry of a file's metadata that says that it is made by a machine, by whom, and its number.

Flow      labels.aigc -> media.encode; inspection reads it back

Source: GB 45438-2025 (labelling of synthetic content, China), an implicit label in the metadata
under the key AIGC.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import portravox
from portravox.errors import SettingOutOfRange

METADATA_KEY = "AIGC"

PRODUCER = "Portravox"
"""Named as the producer where whoever runs the program says no other name."""

COMMENT = "AI-generated video, made by Portravox"
"""In every video's metadata, with the version after it."""

MAX_PRODUCER = 100
"""Characters of a producer's name; our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AiLabel:
    """Who made the video, for its metadata."""

    producer: str = PRODUCER
    """Name or registration number of whoever runs the program, 1 to MAX_PRODUCER characters."""

    content_id: str = ""
    """The producer's own number for this video; `content_id()` makes one from its inputs."""

    propagator: str = ""
    """Name of whoever publishes it, where known."""

    propagate_id: str = ""

    def __post_init__(self) -> None:
        check_producer(self.producer)

    def metadata(self) -> dict[str, str]:
        """The keys to write into the file."""
        aigc = {
            "Label": "1",  # 1: certainly generated; 2 and 3 are for likely and suspected
            "ContentProducer": self.producer,
            "ProduceID": self.content_id,
            "ReservedCode1": "",
            "ContentPropagator": self.propagator,
            "PropagateID": self.propagate_id,
            "ReservedCode2": "",
        }
        return {
            METADATA_KEY: json.dumps(aigc, ensure_ascii=False, separators=(",", ":")),
            "comment": f"{COMMENT} {portravox.__version__}",
        }


def check_producer(name: str) -> str:
    """Return the name. Raises SettingOutOfRange where it is empty, too long or not printable."""
    if not 1 <= len(name) <= MAX_PRODUCER or not name.isprintable() or name.isspace():
        raise SettingOutOfRange("producer", name, f"a name of 1 to {MAX_PRODUCER} characters")
    return name


def content_id(*parts: bytes) -> str:
    """Make the number of a video: 32 hex digits, the same for the same parts in the same order.

    parts   all that the video depends on: picture, voice, options, version; and the task, where
            one input may become several videos
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))  # so that "ab", "c" is not "a", "bc"
        digest.update(part)
    return digest.hexdigest()[:32]


def read_aigc(metadata: Mapping[str, str]) -> dict[str, str] | None:
    """The AIGC entry of a file's metadata; None where there is none or it is not JSON."""
    return parse_aigc(metadata.get(METADATA_KEY, ""))


def parse_aigc(entry: str) -> dict[str, str] | None:
    """The fields of an AIGC entry; None where it is no JSON object. In files of others it may be
    wrapped once more: {"AIGC": {...}}."""
    try:
        fields = json.loads(entry)
    except (ValueError, RecursionError):
        return None
    if isinstance(fields, dict) and isinstance(fields.get(METADATA_KEY), dict):
        fields = fields[METADATA_KEY]
    return {str(k): str(v) for k, v in fields.items()} if isinstance(fields, dict) else None


def faults_of(fields: Mapping[str, str]) -> list[str]:
    """What an AIGC entry lacks against GB 45438-2025, annex E, in words; none where it is whole."""
    faults = []
    if fields.get("Label") not in LABELS:
        faults.append(f"Label is {fields.get('Label')!r}; wanted one of {', '.join(LABELS)}")
    faults += [
        f"{name} is empty" for name in ("ContentProducer", "ProduceID") if not fields.get(name)
    ]
    return faults


LABELS: Mapping[str, str] = MappingProxyType(
    {"1": "generated", "2": "probably generated", "3": "suspected to be generated"}
)
"""What `Label` may be, in words."""


def label_in_words(fields: Mapping[str, str]) -> str:
    """What the entry says of the content."""
    return LABELS.get(fields.get("Label", ""), "nothing that the standard knows")
