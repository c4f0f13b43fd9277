"""Explore a collection without a query: a map of the embeddings, and near duplicates.

Ranking pictures for a query belongs to `cosmos_search.retrieval`.
"""
