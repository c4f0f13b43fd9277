"""The built-in encoder, cosmos-mini: ConSE with an ImageNet classifier and a sentence encoder.

It needs no download and no training. Installed models belong to `cosmos_search.encoders.dual_encoder`.
"""
