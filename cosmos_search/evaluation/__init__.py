"""Image-text retrieval and zero-shot classification, measured with any `Encoder`.

No torch here. Callers read data sets of captioned pictures; running a network belongs to `cosmos_search.encoders`.
"""
