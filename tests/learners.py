"""Micro networks and batches for the tests of training, and a slow version of the contrastive loss."""

import torch
from torch.nn import functional as F

from cosmos_search.network.cosmos import CosmosModel
from tests.micro import MICRO
from trainer.method.optimizer import make_optimizer
from trainer.method.step import TrainState
from trainer.method.student import Batch, Method, Student
from trainer.method.teacher import make_teacher


def micro_learner(method=None, **options):
    torch.manual_seed(0)
    student = CosmosModel(MICRO)
    method = method or Method()
    optimizer = make_optimizer(student, lr=1e-3, weight_decay=0.5, betas=(0.9, 0.98), eps=1e-4)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    return TrainState(student, make_teacher(student), optimizer, Student(student, method), method, scaler, **options)


def micro_batch(n_samples=6, n_local=2, n_captions=4, seed=0):
    random = torch.Generator().manual_seed(seed)
    sides = [MICRO.image_size] * 2 + [MICRO.image_size // 2] * n_local
    views = tuple(torch.randn(n_samples, 3, side, side, generator=random) for side in sides)
    ids = torch.randint(1, 94, (n_samples, n_captions, MICRO.context_length), generator=random)
    ids[:, :, 7] = 95
    return Batch(tuple(f"sample {i}" for i in range(n_samples)), views, tuple(ids.unbind(1)))


def slow_nce(a, b, scale):
    """Written by hand, pair by pair, every matrix whole."""
    losses = []
    for x in a:
        for y in b:
            logits = scale * x @ y.T
            right = torch.arange(len(x))
            losses.append((F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2)
    return sum(losses) / len(losses)
