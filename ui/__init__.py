"""The web page: search, see why, refine. A skin over the library API."""
