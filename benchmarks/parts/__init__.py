"""The experiment on learning from parts (docs/experiment.md)."""
