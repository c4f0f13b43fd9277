"""From a query to hits: parsing, scoring, ranking, evidence.

Storing vectors belongs to `indexer.store`, computing them to `cosmos_search.encoders`.
"""
