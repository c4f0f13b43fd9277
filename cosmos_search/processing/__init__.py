"""The inputs of networks: from pictures to pixels, and from texts to token ids.

No torch here; networks belong to `cosmos_search.network`.
"""
