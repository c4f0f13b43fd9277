"""Indexing and searching on many machines with Ray. Nothing here runs unless `--cluster` or `serve` asks for it.

Belongs here: what starts, watches and asks processes on other machines. How pictures are indexed, stored and scored is
in the packages below, which know nothing of a cluster.
"""
