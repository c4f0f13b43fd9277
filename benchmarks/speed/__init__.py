"""How fast: encoding, indexing, searching, starting, training, the page."""
