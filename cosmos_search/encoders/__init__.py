"""Encoders: pictures and texts to vectors, in ONNX Runtime or torch.

An encoder knows no index and no query.
"""
