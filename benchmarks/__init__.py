"""Measurements of speed and quality. Each script prints a table and the machine; README.md keeps the results."""

import cosmos_search  # noqa: F401 (turns telemetry off before ONNX Runtime is imported)
