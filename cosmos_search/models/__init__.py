"""Models on the disk: which are published, which are installed, how one is installed.

Running them is `cosmos_search.encoders`.
"""
