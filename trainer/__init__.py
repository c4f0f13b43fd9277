"""Produces COSMOS encoders that the indexer and the search use as they are."""

import cosmos_search  # noqa: F401  it turns telemetry off, before a module here imports transformers
