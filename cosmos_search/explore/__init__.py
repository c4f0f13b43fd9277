"""A collection without a query: a map of it, and pictures that look alike."""
