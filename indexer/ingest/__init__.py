"""Bring an index up to date with its folders: scan, read, embed, write, forget.

How things are stored is `indexer.store`; how a picture is read is `indexer.pictures`.
"""
