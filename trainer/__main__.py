"""`python -m trainer`, which torchrun starts."""

from trainer.cli import train
from trainer.runs.distributed import leave

if __name__ == "__main__":
    try:
        train(prog_name="cosmos-search-train")
    except SystemExit as end:
        leave(end.code if isinstance(end.code, int) else 1)
