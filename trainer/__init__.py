"""Produces COSMOS encoders that the indexer and the search use as they are."""
