"""Whether a picture will do, for callers who wait: what detect calls ask.

Flow      routes.detect -> Detector -> children -> child, where the picture is fetched and judged
"""

from __future__ import annotations

from typing import Protocol


class Detector(Protocol):
    """Looks at pictures of strangers, elsewhere than in the server's own process."""

    async def has_face(self, image_url: str, *, key_group: str) -> bool:
        """Whether the picture shows a face that can be animated.

        Raises Refusal for a picture that cannot be fetched or read or is beyond the limits, and
        where no answer came in time.
        """
