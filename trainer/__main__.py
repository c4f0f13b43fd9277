"""`python -m trainer`, the entry point for torchrun."""

import sys

from trainer.cli import train

if __name__ == "__main__":
    try:
        train(prog_name="cosmos-search-train")
    except SystemExit as end:
        if "torch" not in sys.modules:
            raise
        from trainer.runs.distributed import exit_process

        exit_process(end.code if isinstance(end.code, int) else 1)
