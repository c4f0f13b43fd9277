"""Picture files: find them, decode them within limits, read their metadata, divide them into regions.

No code for indexes, encoders or queries belongs here.
"""
