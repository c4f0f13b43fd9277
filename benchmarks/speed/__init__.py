"""Speed of encoding, indexing, searching, starting, training and the page. Quality is measured elsewhere."""
