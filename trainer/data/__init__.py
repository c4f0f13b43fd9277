"""Training data: annotation lists, webdataset shards, captions, image crops, batches of views.

Networks and losses belong in `trainer.method`, the files of a run in `trainer.runs`.
"""
