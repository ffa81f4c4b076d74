"""How the articulation network is made: a corpus of synthesised speech, targets, a training run.

Not part of the product: nothing in portravox imports it, and it needs PyTorch.
"""

import portravox  # noqa: F401 - turns onnxruntime's telemetry off before anything here loads it
