"""The built-in encoder: ConSE with an ImageNet classifier and a sentence encoder, and a head trained on photos.

It needs no download. Installed models belong to `cosmos_search.encoders.dual_encoder`.
"""
