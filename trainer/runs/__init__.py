"""A training run: its folder, checkpoints and log, starting, resuming, several processes, export."""
