"""Scripts that measure, each printing a table; README.md here keeps the results."""

import cosmos_search  # noqa: F401 (turns telemetry off before ONNX Runtime is imported)
