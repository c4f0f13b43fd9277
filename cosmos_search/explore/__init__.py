"""Explore a collection without a query: a map of the embeddings, and near duplicates. Ranking is `retrieval`."""
