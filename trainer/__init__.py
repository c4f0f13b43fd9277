"""Training of COSMOS encoders, which are exported as models for indexing and search."""

import cosmos_search  # noqa: F401  disables telemetry before a module here imports transformers
