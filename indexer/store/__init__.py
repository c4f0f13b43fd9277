"""The index on the disk: the catalog in SQLite, the vectors in FAISS, and what can be asked of them.

Nothing here reads a picture or decides what is indexed; that is `indexer.ingest`.
"""
