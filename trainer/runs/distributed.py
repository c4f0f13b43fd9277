"""This process among those that train together (torchrun's environment)."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import distributed

__all__ = ["Ranks", "joined_ranks", "leave"]

# Gloo's threads let go of tensors under Python's lock, after the collective call has returned. A group that is freed
# in this moment waits for its threads with the lock held, for ever; so it lives until the process ends.
_groups: list[object] = []


@dataclass(frozen=True, slots=True)
class Ranks:
    """rank of world processes, and the device that is this one's."""

    rank: int
    world: int
    device: torch.device

    def all_of(self, value: Any) -> list[Any]:
        """Each rank's value, in order; plain data only."""
        if self.world == 1:
            return [value]
        found: list[Any] = [None] * self.world
        distributed.all_gather_object(found, value)
        return found


def leave(code: int) -> NoReturn:
    """End this process with a code; where it is one of several, at once.

    Python's own end takes gloo's threads apart in an order in which they now and then abort the process.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        os._exit(code)
    sys.exit(code)


@contextmanager
def joined_ranks() -> Iterator[Ranks]:
    """Join the other processes, if torchrun started any, for as long as this is entered; it may be entered again."""
    world, is_cuda = int(os.environ.get("WORLD_SIZE", "1")), torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if is_cuda else torch.device("cpu")
    if is_cuda:
        torch.cuda.set_device(device)
        torch.set_float32_matmul_precision("high")  # TF32 outside of autocast, as the authors trained
    if world == 1:
        yield Ranks(0, 1, device)
        return
    if distributed.is_initialized():
        yield Ranks(distributed.get_rank(), world, device)
        return
    distributed.init_process_group("nccl" if is_cuda else "gloo")
    _groups.append(distributed.group.WORLD)
    try:
        yield Ranks(distributed.get_rank(), world, device)
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
