"""Retrieval quality of the built-in encoder, and of search by sentences and regions. Speed is measured elsewhere."""
