"""The COSMOS network in torch, and checkpoints in its several layouts.

Nothing here knows an index or ONNX Runtime.
"""
