"""Image-text retrieval and zero-shot classification, measured with any `Encoder`.

No torch here. Reading a data set of captioned pictures is the caller's; running a network is `cosmos_search.encoders`.
"""
