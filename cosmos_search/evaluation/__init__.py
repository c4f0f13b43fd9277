"""Measures of retrieval and classification."""
