"""Models on disk: which are published, which are installed, and how one is installed.

Running a model belongs to `cosmos_search.encoders`.
"""
