"""Pictures in files: found, decoded within limits, their metadata read, cut into regions.

Nothing here knows an index, a model or a query.
"""
