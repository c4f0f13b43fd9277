"""Bring an index up to date with its folders: scan, read, embed, write, forget.

Storing belongs in `indexer.store`, decoding pictures in `indexer.pictures`.
"""
