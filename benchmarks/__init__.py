"""Campaigns too heavy for the tests: speed and quality, measured on finished videos."""

import portravox  # noqa: F401 - turns onnxruntime's telemetry off before anything here loads it
