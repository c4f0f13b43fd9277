"""Training, from a config to a trained student and teacher, and on from where it was stopped."""

import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.network.weights import check_memory
from cosmos_search.processing.text import TextTokenizer
from indexer.errors import CosmosSearchError
from trainer.config import TrainConfig, load_config, save_config
from trainer.data.batches import LoadedBatch, StreamPosition, Views, load_batches
from trainer.data.samples import Source
from trainer.method.losses import Losses
from trainer.method.optimizer import make_optimizer
from trainer.method.schedules import lr_at, momentum_at
from trainer.method.step import NotFiniteError, TrainState, training_step
from trainer.method.student import Student
from trainer.method.teacher import make_teacher
from trainer.runs.checkpoints import (
    Progress,
    checkpoint_folder,
    checkpoints,
    drop_old,
    load_state,
    save_score,
    save_state,
)
from trainer.runs.distributed import Ranks, joined_ranks
from trainer.runs.folder import check_is_new, check_places, claimed, data_order, writing
from trainer.runs.metrics_log import MetricsLog, open_metrics_log

__all__ = ["Evaluate", "Show", "make_learner", "resume", "train"]

Evaluate = Callable[[CosmosModel, CosmosModel], float]  # a score of student and teacher, higher is better
Show = Callable[[CosmosModel], Tensor | None]  # a picture of what the teacher sees: (3, height, width), 0..1


def train(
    config: TrainConfig,
    source: Source,
    tokenizer: TextTokenizer,
    run: Path,
    *,
    init: CosmosModel | None = None,
    evaluate: Evaluate | None = None,
    show: Show | None = None,
) -> Path:
    """Train from the start, into an empty or new folder, and return the last checkpoint.

    init: the network to begin with (fine-tuning); else it is made from the config's seed.
    evaluate: scores each checkpoint, so that the best is kept; else the mean L_CLIP since the last one does.
    show: makes the picture that TensorBoard gets with each checkpoint.
    """
    check_is_new(run)
    with joined_ranks() as ranks, claimed(run, ranks), writing(run):
        check_is_new(run)  # once more: another run may have ended there
        if ranks.rank == 0:
            save_config(config, run / "config.json")
        learner = make_learner(config, ranks, init)
        return _Run(config, source, tokenizer, run, ranks, learner, evaluate, show).go_on(Progress())


def resume(
    run: Path,
    source: Source,
    tokenizer: TextTokenizer,
    *,
    evaluate: Evaluate | None = None,
    show: Show | None = None,
) -> Path:
    """Go on from a run's last checkpoint, as if it had never been stopped, and return the last one.

    Raises CosmosSearchError if there is none, or if the number of processes is another one.
    """
    config = load_config(run / "config.json")
    if not checkpoints(run):
        raise CosmosSearchError(f"{run} has no checkpoint yet; start it again, as before: run --out {run} ...")
    with joined_ranks() as ranks, claimed(run, ranks), writing(run):
        found = checkpoints(run)
        learner = make_learner(config, ranks)
        progress = load_state(found[-1], learner)
        check_places(run, config, progress, ranks)
        return _Run(config, source, tokenizer, run, ranks, learner, evaluate, show).go_on(progress)


def make_learner(config: TrainConfig, ranks: Ranks, init: CosmosModel | None = None) -> TrainState:
    """Student, teacher and optimizer on this process's device. All ranks begin with the same network."""
    if init is None:
        with torch.device("meta"):
            check_memory(CosmosModel(config.network), "the config")
    torch.manual_seed(config.seed)
    student = (init or CosmosModel(config.network)).to(ranks.device).train()
    teacher = make_teacher(student).eval()
    if config.activation_checkpointing:
        student.visual.transformer.activation_checkpointing = student.transformer.activation_checkpointing = True
    betas = (config.beta1, config.beta2)
    optimizer = make_optimizer(student, lr=config.lr, weight_decay=config.weight_decay, betas=betas, eps=config.eps)
    return TrainState(
        student=student,
        teacher=teacher,
        optimizer=optimizer,
        forward=_forward(config, student, ranks),
        method=config.method,
        scaler=torch.amp.GradScaler(ranks.device.type, enabled=config.precision == "fp16"),
        precision=config.precision,
        n_micro_batches=config.n_micro_batches,
    )


def _forward(config: TrainConfig, student: CosmosModel, ranks: Ranks) -> nn.Module:
    forward: nn.Module = Student(student, config.method)
    if config.torch_compile:
        forward = cast(nn.Module, torch.compile(forward))
    if ranks.world == 1:
        return forward
    devices = [ranks.device] if ranks.device.type == "cuda" else None
    return DistributedDataParallel(forward, devices, find_unused_parameters=not config.cross_attention)


class _Run:
    """One process's part of a run."""

    def __init__(
        self,
        config: TrainConfig,
        source: Source,
        tokenizer: TextTokenizer,
        run: Path,
        ranks: Ranks,
        learner: TrainState,
        evaluate: Evaluate | None,
        show: Show | None,
    ) -> None:
        if config.batch % ranks.world:
            raise CosmosSearchError(f"A batch of {config.batch} can't be shared evenly by {ranks.world} processes.")
        self.config, self.source, self.run = config, source, run
        self.ranks, self.learner, self.evaluate, self.show = ranks, learner, evaluate, show
        self.views = Views(config, tokenizer)
        self.total = config.total_steps(0 if config.n_steps or config.n_samples else source.count())
        if self.total < 1:
            raise CosmosSearchError("There is nothing to train with: no steps, or no samples.")
        self.clips: list[float] = []  # L_CLIP since the last checkpoint
        self.n_refused = 0  # samples, on this rank

    def go_on(self, progress: Progress) -> Path:
        """Train to the end, and return the last checkpoint."""
        places = list(
            progress.places[self.ranks.rank] if progress.places else (StreamPosition(),) * max(1, self.config.workers)
        )
        self.n_refused = progress.n_refused[self.ranks.rank] if progress.n_refused else 0
        metrics_log = open_metrics_log(self.run, self.ranks.rank, progress.step)
        last = self._save(progress, places, metrics_log) if progress.step == 0 else checkpoints(self.run)[-1]
        is_hidden = True if self.ranks.rank else None  # None: shown on a terminal only
        with tqdm(total=self.total, initial=progress.step, disable=is_hidden, unit="step", dynamic_ncols=True) as bar:
            began = time.perf_counter()
            for step, loaded in zip(range(progress.step, self.total), self._loaded(progress, places), strict=False):
                waited = time.perf_counter() - began
                losses = self._step(step, loaded)
                places[loaded.worker] = loaded.position
                self.n_refused += len(loaded.skipped)
                progress = replace(progress, step=step + 1)
                metrics_log.refuse(step, loaded.skipped)
                self._note(step, losses, time.perf_counter() - began, waited, metrics_log, bar)
                if (step + 1) % self.config.save_every == 0 or step + 1 == self.total:
                    last = self._save(progress, places, metrics_log)
                began = time.perf_counter()
        metrics_log.close()
        return last

    def _loaded(self, progress: Progress, places: list[StreamPosition]) -> Iterator[LoadedBatch]:
        size, ranks = self.config.batch // self.ranks.world, self.ranks
        turn = {"rank": ranks.rank, "world": ranks.world, "n_done": progress.step}
        is_cuda = ranks.device.type == "cuda"
        return load_batches(self.source, self.views, size, positions=tuple(places), pin_memory=is_cuda, **turn)

    def _step(self, step: int, loaded: LoadedBatch) -> Losses:
        config = self.config
        lr = lr_at(step, config.lr, config.warmup, self.total)
        momentum = (
            config.ema_momentum
            if config.is_ema_momentum_constant
            else momentum_at(step, config.ema_momentum, self.total)
        )
        try:
            losses = training_step(self.learner, loaded.batch.to(self.ranks.device), lr=lr, ema_momentum=momentum)
        except NotFiniteError as error:
            keys = ", ".join(loaded.batch.keys)
            raise NotFiniteError(
                f"Training stopped at step {step}, lr {lr:g}: {error}. Its samples: {keys}."
            ) from error
        self.clips.append(losses.clip.item())
        return losses

    def _note(
        self, step: int, losses: Losses, seconds: float, waited: float, metrics_log: MetricsLog, bar: "tqdm[None]"
    ) -> None:
        """Into the metrics_log and onto the bar."""
        speed = self.config.batch / seconds
        shown = {"clip": f"{losses.clip.item():.3f}", "distill": f"{losses.distill.item():.3f}"}
        shown["images/s"] = f"{speed:.0f}"
        if self.n_refused:
            shown["refused"] = str(self.n_refused)
        is_cuda = self.ranks.device.type == "cuda"
        if is_cuda:
            shown["GPU"] = f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"
        bar.set_postfix(shown, refresh=False)
        bar.update()
        if step % self.config.log_every and step + 1 != self.total:
            return
        groups = {field.name: getattr(losses.groups, field.name) for field in fields(losses.groups)}
        values = {"clip": losses.clip.item(), "distill": losses.distill.item()}
        values |= {name: group.item() for name, group in groups.items() if group is not None}
        values["lr"] = self.learner.optimizer.param_groups[0]["lr"]
        values["scale"] = self.learner.student.logit_scale.exp().item()
        values |= {"images_per_s": speed, "loading": waited / seconds}
        if is_cuda:
            values["memory_bytes"] = torch.cuda.max_memory_allocated()
        metrics_log.measure(step, values)

    def _save(self, progress: Progress, places: list[StreamPosition], metrics_log: MetricsLog) -> Path:
        """On rank 0, with the place of all; then its score. The checkpoint of step 0 is the beginning itself."""
        everyone = self.ranks.all_of((tuple(places), self.n_refused))
        scaler = self.learner.scaler.state_dict() if self.learner.scaler.is_enabled() else {}
        progress = replace(
            progress,
            places=tuple(its_places for its_places, _ in everyone),
            order=data_order(self.config),
            n_refused=tuple(n_refused for _, n_refused in everyone),
            scaler=tuple(scaler.items()),
        )
        if self.ranks.rank == 0:
            folder = save_state(self.run, self.learner, progress)
            self._score(folder, progress, metrics_log)
            drop_old(self.run, self.config.keep_last)
            self._show(progress, metrics_log)
        self.ranks.all_of(None)  # nobody goes on before it is there
        return checkpoint_folder(self.run, progress.step)

    def _score(self, folder: Path, progress: Progress, metrics_log: MetricsLog) -> None:
        """The beginning has none: nobody would want it as the best."""
        clips, self.clips = self.clips, []
        if not clips:
            return
        if self.evaluate is None:
            save_score(folder, -sum(clips) / len(clips), "L_CLIP")
            return
        with torch.inference_mode():
            score = self.evaluate(self.learner.student, self.learner.teacher)
        save_score(folder, score, "R@1")
        metrics_log.measure(progress.step - 1, {"score": score})

    def _show(self, progress: Progress, metrics_log: MetricsLog) -> None:
        if self.show is not None and metrics_log.shows_pictures:
            with torch.inference_mode():
                picture = self.show(self.learner.teacher)
            if picture is not None:
                metrics_log.show(progress.step, "attention", picture)
