"""The COSMOS network in torch, and checkpoints in their several layouts.

Indexes and ONNX Runtime do not belong here.
"""
