"""The web page for searching, refining and indexing. It only calls the public library API."""
