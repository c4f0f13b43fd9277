"""The index on disk: the catalog in SQLite, the vectors in FAISS, and queries on both.

Reading pictures and deciding what to index belongs in `indexer.ingest`.
"""
