"""`python -m trainer`, which torchrun starts."""

from trainer.cli import train

train(prog_name="cosmos-search-train")
