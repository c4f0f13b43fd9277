"""One adapter for each family of dual encoders: its config, towers, text format and similarity.

A family is found by the `model_type` of its config.json. Importing an adapter does not import torch.
"""
