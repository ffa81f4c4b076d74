"""The site made of docs/: reference pages from the code, pictures from the renderer."""

import portravox  # noqa: F401 - turns onnxruntime's telemetry off before anything here loads it
