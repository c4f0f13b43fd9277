"""The training loop: train a student and its teacher from a config, or resume from the last checkpoint."""

import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from random import Random
from threading import Event
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.processing.text import TextTokenizer
from indexer.errors import CosmosSearchError
from trainer.config import TrainConfig
from trainer.data.batches import LoadedBatch, MakeViews, StreamPosition, Views, load_batches
from trainer.data.cached_views import CachedViews
from trainer.data.features import FeatureCache
from trainer.data.samples import Source
from trainer.method.losses import Losses
from trainer.method.network import Network
from trainer.method.optimizer import make_optimizer
from trainer.method.schedules import lr_at, momentum_at
from trainer.method.step import NotFiniteError, TrainState, training_step
from trainer.method.student import Student
from trainer.method.teacher import make_teacher
from trainer.runs.checkpoints import load_state, remove_old_checkpoints, save_state
from trainer.runs.display import ProgressDisplay
from trainer.runs.distributed import Ranks, join_ranks
from trainer.runs.errors import NothingToResumeError
from trainer.runs.folder import Checkpoint, RunFolder
from trainer.runs.metrics_log import MetricsLog
from trainer.runs.networks import make_network
from trainer.runs.records import Progress, Score, check_resumable, describe_order

__all__ = ["DrawAttention", "Evaluate", "make_train_state", "resume", "train"]

N_NAMED = 10  # samples that an error names
Inputs = TextTokenizer | FeatureCache  # of captions, for networks that are trained from pixels; for frozen towers
Evaluate = Callable[[Network, Network], float]  # a score of student and teacher, higher is better
DrawAttention = Callable[[Network], Tensor | None]  # an image of the teacher's attention: (3, height, width), 0..1


def train(
    config: TrainConfig,
    source: Source,
    inputs: Inputs,
    run: Path,
    *,
    init: Network | None = None,
    evaluate: Evaluate | None = None,
    draw_attention: DrawAttention | None = None,
    stop: Event | None = None,
) -> Path:
    """Train from the start, into an empty or new folder, and return the last checkpoint.

    init: the initial network (fine-tuning); by default one is initialized from the config's seed.
    evaluate: scores each checkpoint, so that the best is kept; by default the score is the negated mean L_CLIP since
    the previous checkpoint. draw_attention: makes the image that TensorBoard gets with each checkpoint.
    stop: when it is set, the run ends after the current step with a checkpoint, from which it can be resumed; for a
    run in one process, because several would have to agree on the step.
    """
    folder = RunFolder(run)
    folder.check_new()
    with join_ranks() as ranks, folder.lock(ranks), folder.convert_write_errors():
        folder.check_new()  # again: another run may have been trained there before the lock was held
        if ranks.rank == 0:
            folder.write_config(config)
        state = make_train_state(config, ranks, init)
        loop = _TrainingLoop(config, source, inputs, folder, ranks, state, evaluate, draw_attention, stop)
        return loop.train_to_end(Progress()).path


def resume(
    run: Path,
    source: Source,
    inputs: Inputs,
    *,
    evaluate: Evaluate | None = None,
    draw_attention: DrawAttention | None = None,
    stop: Event | None = None,
) -> Path:
    """Resume a run from its last checkpoint, exactly as if it had not been interrupted; returns the last checkpoint.

    Raises CosmosSearchError if there is no checkpoint, or if the number of processes or the order of the data differs.
    """
    folder = RunFolder(run)
    config = folder.read_config()
    if not folder.checkpoints():
        raise NothingToResumeError(run)
    with join_ranks() as ranks, folder.lock(ranks), folder.convert_write_errors():
        state = make_train_state(config, ranks)
        progress = load_state(folder.checkpoints()[-1], state)
        check_resumable(progress, config, folder.config_file, ranks.world_size)
        loop = _TrainingLoop(config, source, inputs, folder, ranks, state, evaluate, draw_attention, stop)
        return loop.train_to_end(progress).path


def make_train_state(config: TrainConfig, ranks: Ranks, init: Network | None = None) -> TrainState:
    """Student, teacher and optimizer on this process's device. All ranks start with the same network."""
    torch.manual_seed(config.seed)
    student = (init or make_network(config.network)).to(ranks.device).train()
    teacher = make_teacher(student).eval()
    if config.activation_checkpointing and isinstance(student, CosmosModel):
        student.visual.transformer.activation_checkpointing = student.transformer.activation_checkpointing = True
    betas = (config.beta1, config.beta2)
    optimizer = make_optimizer(student, lr=config.lr, weight_decay=config.weight_decay, betas=betas, eps=config.eps)
    return TrainState(
        student=student,
        teacher=teacher,
        optimizer=optimizer,
        forward=_wrap_forward(config, student, ranks),
        method=config.method,
        scaler=torch.amp.GradScaler(ranks.device.type, enabled=config.precision == "fp16"),
        precision=config.precision,
        n_micro_batches=config.n_micro_batches,
    )


def _make_views(config: TrainConfig, inputs: Inputs) -> MakeViews:
    return CachedViews(config, inputs) if isinstance(inputs, FeatureCache) else Views(config, inputs)


def _wrap_forward(config: TrainConfig, student: Network, ranks: Ranks) -> nn.Module:
    """The student's forward pass: compiled if the config says so, in DistributedDataParallel on several ranks."""
    forward: nn.Module = Student(student, config.method)
    if config.torch_compile:
        forward = cast(nn.Module, torch.compile(forward))
    if ranks.world_size == 1:
        return forward
    devices = [ranks.device] if ranks.device.type == "cuda" else None
    return DistributedDataParallel(forward, devices, find_unused_parameters=not config.cross_attention)


class _TrainingLoop:
    """The training loop of one process."""

    def __init__(
        self,
        config: TrainConfig,
        source: Source,
        inputs: Inputs,
        run: RunFolder,
        ranks: Ranks,
        state: TrainState,
        evaluate: Evaluate | None,
        draw_attention: DrawAttention | None,
        stop: Event | None = None,
    ) -> None:
        if config.batch % ranks.world_size:
            raise CosmosSearchError(
                f"A batch of {config.batch} can't be divided evenly among {ranks.world_size} processes."
            )
        self.config, self.source, self.run, self.ranks, self.state = config, source, run, ranks, state
        self.evaluate, self.draw_attention, self.stop_event = evaluate, draw_attention, stop or Event()
        assert stop is None or ranks.world_size == 1, ranks
        self.views = _make_views(config, inputs)
        self.total = config.total_steps(0 if config.n_steps or config.n_samples else source.count())
        if self.total < 1:
            raise CosmosSearchError("There is nothing to train with: no steps, or no samples.")
        self.clip_losses: list[float] = []  # L_CLIP of each step since the last checkpoint
        self.n_skipped = 0  # samples, on this rank

    def train_to_end(self, progress: Progress) -> Checkpoint:
        """Train until the last step, or until the run is to stop, and return the last checkpoint."""
        rank, n_workers = self.ranks.rank, max(1, self.config.workers)
        positions = list(progress.positions[rank] if progress.positions else (StreamPosition(),) * n_workers)
        self.n_skipped = progress.n_skipped[rank] if progress.n_skipped else 0
        metrics_log = MetricsLog(self.run, rank, progress.step)
        last = self._save(progress, positions, metrics_log) if progress.step == 0 else self.run.checkpoints()[-1]
        with ProgressDisplay(self.total, progress.step, is_hidden=rank > 0) as display:
            started = time.perf_counter()
            loader = self._load_batches(progress, positions)
            for step, loaded in zip(range(progress.step, self.total), loader, strict=False):
                loading_seconds = time.perf_counter() - started
                losses = self._train_step(step, loaded)
                positions[loaded.worker] = loaded.position
                self.n_skipped += len(loaded.skipped)
                progress = replace(progress, step=step + 1)
                metrics_log.log_skipped(step, loaded.skipped)
                self._log_step(step, losses, time.perf_counter() - started, loading_seconds, metrics_log, display)
                is_last = step + 1 == self.total or self.stop_event.is_set()
                if (step + 1) % self.config.save_every == 0 or is_last:
                    last = self._save(progress, positions, metrics_log)
                if is_last:
                    break
                started = time.perf_counter()
        metrics_log.close()
        return last

    def _load_batches(self, progress: Progress, positions: list[StreamPosition]) -> Iterator[LoadedBatch]:
        return load_batches(
            self.source,
            self.views,
            self.config.batch // self.ranks.world_size,
            rank=self.ranks.rank,
            world_size=self.ranks.world_size,
            positions=tuple(positions),
            n_done=progress.step,
            pin_memory=self.ranks.device.type == "cuda",
        )

    def _train_step(self, step: int, loaded: LoadedBatch) -> Losses:
        config = self.config
        lr = lr_at(step, config.lr, config.warmup, self.total)
        momentum = config.ema_momentum
        if not config.is_ema_momentum_constant:
            momentum = momentum_at(step, momentum, self.total)
        # Dropout, too, depends on nothing but the position in the run, so that resuming is exact.
        torch.manual_seed(Random(f"{config.seed}|{step}|{self.ranks.rank}").getrandbits(63))
        try:
            losses = training_step(self.state, loaded.batch.to(self.ranks.device), lr=lr, ema_momentum=momentum)
        except NotFiniteError as error:
            different = list(dict.fromkeys(loaded.batch.keys))
            keys = ", ".join(different[:N_NAMED]) + (
                f" and {len(different) - N_NAMED} more" * (len(different) > N_NAMED)
            )
            raise NotFiniteError(
                f"Training stopped at step {step}, lr {lr:g}: {error}. Its samples: {keys}."
            ) from error
        self.clip_losses.append(losses.clip.item())
        return losses

    def _log_step(
        self,
        step: int,
        losses: Losses,
        seconds: float,
        loading_seconds: float,
        metrics_log: MetricsLog,
        display: ProgressDisplay,
    ) -> None:
        """Update the display, and every `log_every` steps the metrics log."""
        speed = self.config.batch / seconds
        postfix = {"clip": f"{losses.clip.item():.3f}", "distill": f"{losses.distill.item():.3f}"}
        postfix["images/s"] = f"{speed:.0f}"
        if self.n_skipped:
            postfix["skipped"] = str(self.n_skipped)
        is_cuda = self.ranks.device.type == "cuda"
        if is_cuda:
            postfix["GPU"] = f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"
        is_logged = step % self.config.log_every == 0 or step + 1 == self.total
        display.update(step + 1, postfix, is_logged=is_logged)
        if not is_logged:
            return
        terms = {field.name: getattr(losses.terms, field.name) for field in fields(losses.terms)}
        values = {"clip": losses.clip.item(), "distill": losses.distill.item()}
        values |= {name: term.item() for name, term in terms.items() if term is not None}
        values["lr"] = self.state.optimizer.param_groups[0]["lr"]
        values["scale"] = self.state.student.logit_scale.exp().item()
        values |= {"images_per_s": speed, "loading": loading_seconds / seconds}
        if is_cuda:
            values["memory_bytes"] = torch.cuda.max_memory_allocated()
        metrics_log.log_metrics(step, values)

    def _save(self, progress: Progress, positions: list[StreamPosition], metrics_log: MetricsLog) -> Checkpoint:
        """Write and score a checkpoint on rank 0, with the positions of all ranks. Step 0 is the initial state."""
        by_rank = self.ranks.all_gather((tuple(positions), self.n_skipped))
        scaler = self.state.scaler.state_dict() if self.state.scaler.is_enabled() else {}
        progress = replace(
            progress,
            positions=tuple(its_positions for its_positions, _ in by_rank),
            order=describe_order(self.config),
            n_skipped=tuple(n_skipped for _, n_skipped in by_rank),
            score=None,  # that of the checkpoint from which the run was resumed
            scaler=tuple(scaler.items()),
        )
        if self.ranks.rank == 0:
            checkpoint = save_state(self.run, self.state, progress)
            self._score(checkpoint, progress, metrics_log)
            remove_old_checkpoints(self.run, self.config.keep_last)
            self._log_attention(progress, metrics_log)
        self.ranks.all_gather(None)  # no rank continues before the checkpoint exists
        return self.run.checkpoint(progress.step)

    def _score(self, checkpoint: Checkpoint, progress: Progress, metrics_log: MetricsLog) -> None:
        """Step 0 is not scored, so it cannot be chosen as best."""
        losses, self.clip_losses = self.clip_losses, []
        if not losses:
            return
        if self.evaluate is None:
            checkpoint.write_score(Score(-sum(losses) / len(losses), "L_CLIP"))
            return
        with torch.inference_mode():
            score = self.evaluate(self.state.student, self.state.teacher)
        checkpoint.write_score(Score(score, "R@1"))
        metrics_log.log_metrics(progress.step - 1, {"score": score})

    def _log_attention(self, progress: Progress, metrics_log: MetricsLog) -> None:
        if self.draw_attention is not None and metrics_log.logs_images:
            with torch.inference_mode():
                image = self.draw_attention(self.state.teacher)
            if image is not None:
                metrics_log.log_image(progress.step, "attention", image)
