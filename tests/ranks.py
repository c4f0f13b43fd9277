"""The loss and a step on two gloo processes: `python -m tests.ranks FOLDER` is one of them."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn.parallel import DistributedDataParallel

from tests import ROOT
from tests.learners import micro_batch, micro_learner
from trainer.method.losses import StudentViews, TeacherViews
from trainer.method.step import TrainState, compute_losses, forward_backward, training_step
from trainer.method.student import Batch, Method
from trainer.runs.distributed import exit_process, join_ranks

WORLD = 2


def on_two_ranks(folder, inputs):
    """Run two processes; returns for each rank what `main` saved: losses and gradients."""
    torch.save(inputs, folder / "inputs.pt")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(WORLD), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.ranks", str(folder)]
    started = [
        subprocess.Popen(command, cwd=ROOT, env=os.environ | shared | {"RANK": str(rank)}) for rank in range(WORLD)
    ]
    assert [process.wait(120) for process in started] == [0] * WORLD
    return [torch.load(folder / f"{rank}.pt") for rank in range(WORLD)]


def slices(batch, rank):
    size = len(batch.keys) // WORLD
    cut = slice(rank * size, (rank + 1) * size)
    return Batch(batch.keys[cut], tuple(x[cut] for x in batch.views), tuple(x[cut] for x in batch.ids))


def loss(rank, folder):
    """Losses and gradients of this rank's slice of the features in FOLDER/inputs.pt."""
    inputs = torch.load(folder / "inputs.pt")
    own = {name: x[rank] for name, x in inputs.items() if x.ndim == 4}
    leaves = {name: own[name].requires_grad_() for name in ("si", "st", "xi", "xt")}
    scales = [inputs[name].clone().requires_grad_() for name in ("scale", "dscale")]
    losses = compute_losses(Method(), StudentViews(*leaves.values(), *scales), TeacherViews(own["ti"], own["tt"]))
    losses.total.backward()
    gradients = {f"g_{name}": x.grad for name, x in leaves.items()}
    gradients |= {"g_scale": scales[0].grad, "g_dscale": scales[1].grad}
    return {"clip_loss": losses.clip.detach(), "distill_loss": losses.distill.detach(), **gradients}


def gradients(rank, n_micro_batches):
    learner = micro_learner()
    forward = DistributedDataParallel(learner.forward)
    wrapped = TrainState(
        learner.student,
        learner.teacher,
        learner.optimizer,
        forward,
        learner.method,
        learner.scaler,
        n_micro_batches=n_micro_batches,
    )
    losses = forward_backward(wrapped, slices(micro_batch(), rank))
    return {"total": losses.total} | {name: p.grad for name, p in learner.student.named_parameters()}


def plain_clip(rank):
    """The loss of a second step: DDP checks there that the first one used every parameter or named the unused ones."""
    learner = micro_learner(Method(False, False, False))
    forward = DistributedDataParallel(learner.forward, find_unused_parameters=True)
    wrapped = replace(learner, forward=forward)
    for _ in range(2):
        losses = training_step(wrapped, slices(micro_batch(), rank), lr=1e-3, ema_momentum=0.99)
    return losses.total


def main():
    folder = Path(sys.argv[1])
    with join_ranks() as ranks:
        rank = ranks.rank
        found = {"loss": loss(rank, folder), "whole": gradients(rank, 1), "parts": gradients(rank, 3)}
        found["clip"] = plain_clip(rank)
        torch.save(found, folder / f"{rank}.pt")
    exit_process(0)


if __name__ == "__main__":
    main()
