"""Training runs: starting and resuming, the loop, checkpoints, metrics, several processes, export.

What a step computes is in `trainer.method`; where its batches come from, in `trainer.data`. All files of a run are
read and written in `folder`.
"""
