"""Encoders: from pictures and texts to vectors, in ONNX Runtime or torch.

Indexes, queries and the installation of models do not belong here.
"""
