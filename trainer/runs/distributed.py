"""The process group of distributed training, from the environment that torchrun sets."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import distributed

__all__ = ["Ranks", "exit_process", "join_ranks"]

# Gloo's threads release tensors under Python's lock after the collective call has returned. A group that is freed at
# that moment waits for its threads while it holds the lock: a deadlock. So groups are kept until the process ends.
_groups: list[object] = []


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process (`rank`) among `world_size` processes, and its device."""

    rank: int
    world_size: int
    device: torch.device

    def all_gather(self, value: Any) -> list[Any]:
        """Each rank's value, in the order of ranks; plain data only. All ranks must call it."""
        if self.world_size == 1:
            return [value]
        found: list[Any] = [None] * self.world_size
        distributed.all_gather_object(found, value)
        return found


def exit_process(code: int) -> NoReturn:
    """End this process with an exit code; one of several processes ends without Python's own cleanup.

    That cleanup ends gloo's threads in an order in which they sometimes abort the process.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        os._exit(code)
    sys.exit(code)


@contextmanager
def join_ranks() -> Iterator[Ranks]:
    """Join the process group for the duration of the context, if torchrun started several; may be nested."""
    world_size, is_cuda = int(os.environ.get("WORLD_SIZE", "1")), torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if is_cuda else torch.device("cpu")
    if is_cuda:
        torch.cuda.set_device(device)
        torch.set_float32_matmul_precision("high")  # TF32 outside of autocast, as in the authors' training
    if world_size == 1:
        yield Ranks(0, 1, device)
        return
    if distributed.is_initialized():
        yield Ranks(distributed.get_rank(), world_size, device)
        return
    distributed.init_process_group("nccl" if is_cuda else "gloo")
    _groups.append(distributed.group.WORLD)
    try:
        yield Ranks(distributed.get_rank(), world_size, device)
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
