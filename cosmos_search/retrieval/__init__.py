"""From a query to hits: parsing, scoring, ranking, evidence.

How vectors are stored is `indexer.store`; how they are made is `cosmos_search.encoders`.
"""
