"""`python -m tests.run_training RUN DATA TOKENIZER [resume] [stop STEP] [room BYTES]`: one training process."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import torch

from cosmos_search.processing.text import TextTokenizer
from tests import ROOT
from tests.micro import MICRO
from tests.pictures import CONFIG
from trainer.config import load_config
from trainer.data.samples import open_source
from trainer.runs import loop
from trainer.runs.distributed import exit_process


def run_apart(run, data, letters_folder, *words, launcher=()):
    """A run in a process of its own, or in those that a launcher starts."""
    command = [*(launcher or [sys.executable, "-m"]), "tests.run_training", run, data, letters_folder, *words]
    return subprocess.run(
        list(map(str, command)), cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )


class Killed(loop._TrainingLoop):
    """Kills its process after a given step."""

    stop = -1

    def _log_step(self, step, *rest):
        super()._log_step(step, *rest)
        if step == self.stop:
            os.kill(os.getpid(), signal.SIGKILL)


def main():
    torch.set_num_threads(1)
    run, data, tokenizer, *words = sys.argv[1:]
    arguments = open_source(Path(data)), TextTokenizer.from_file(Path(tokenizer), MICRO.context_length), Path(run)
    if "stop" in words:
        Killed.stop = int(words[words.index("stop") + 1])
        loop._TrainingLoop = Killed
    if "room" in words:  # no file may be longer, as on a full disk
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, 2 * (int(words[words.index("room") + 1]),))
    if "resume" in words:
        loop.resume(arguments[2], *arguments[:2])
    else:
        config = Path(f"{run}.json")
        loop.train(load_config(config) if config.exists() else CONFIG, *arguments)


if __name__ == "__main__":
    main()
    exit_process(0)
