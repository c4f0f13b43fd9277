"""Training on the device: losses against the CPU and fp32, speed, memory, a resumed run, and a process group of one."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import distributed
from torch.nn.parallel import DistributedDataParallel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.data.package_photos import list_photos, load_captions
from benchmarks.gpu_parts.measure import format_peak, measure_rate, reset_peak, synchronize
from benchmarks.gpu_parts.networks import TOY
from benchmarks.gpu_parts.rows import Setting, report
from cosmos_search.processing.text import clip_tokenizer
from trainer.config import TrainConfig
from trainer.method.step import Precision, TrainState, training_step
from trainer.method.student import Batch
from trainer.presets import PRESETS
from trainer.runs.distributed import Ranks
from trainer.runs.folder import RunFolder
from trainer.runs.loop import make_train_state

N_STEPS, DRY_STEPS = 10, 4
LR, MOMENTUM = 1e-4, 0.99
CPU_TOLERANCE = 0.01  # relative, of each step's losses in fp32 against the CPU's
HALF_TOLERANCE = 0.05  # relative, in bf16 or fp16 against fp32; GradScaler skips a step or two at first
RESUME_TOLERANCE = 0.01  # relative; attention's gradient is summed in no fixed order on a GPU
N_MICRO_BATCHES = 4


def run(setting: Setting) -> None:
    """Report the rows of this part; torch.compile, which takes longest, comes last."""
    _compare_with_cpu(setting)
    _resume_after_kill(setting)
    torch.set_float32_matmul_precision("high")  # as trainer.runs.distributed sets it for runs on CUDA
    config = _make_config(setting)
    batch = _make_batch(config).to(torch.device(setting.device))
    exact = _measure_steps(setting, "fp32, gradient caching", _enable_gradient_caching(config, "fp32"), batch, None)
    plain = _measure_steps(setting, "bf16", replace(config, precision="bf16"), batch, exact)
    _report_share_of_peak(setting, replace(config, precision="bf16"), batch, plain[1])
    _measure_steps(setting, "fp16 with GradScaler", replace(config, precision="fp16"), batch, exact)
    checkpointed = replace(config, precision="bf16", activation_checkpointing=True)
    _measure_steps(setting, "bf16, activation checkpointing", checkpointed, batch, exact)
    _measure_steps(setting, "bf16, gradient caching", _enable_gradient_caching(config, "bf16"), batch, exact)
    _join_group_of_one(setting, replace(config, precision="bf16"), batch, exact)
    if setting.is_dry:
        report("bf16, torch.compile", "skipped in a dry run: it takes minutes on a CPU")
        return
    _measure_steps(setting, "bf16, torch.compile", replace(config, precision="bf16", torch_compile=True), batch, exact)


def _compare_with_cpu(setting: Setting) -> None:
    config = replace(PRESETS["tiny"], batch=8 if setting.is_dry else 64)
    batch = _make_batch(config)
    n_steps = _choose_n_steps(setting)
    wanted = _train(make_train_state(config, Ranks(0, 1, torch.device("cpu"))), batch, n_steps)
    device = torch.device(setting.device)
    found = _train(make_train_state(config, Ranks(0, 1, device)), batch.to(device), n_steps)
    difference = _find_largest_difference(found, wanted)
    what = f"tiny, {n_steps} steps in fp32 against the CPU, largest relative difference of a loss"
    report(what, f"{difference:.1e}", difference <= CPU_TOLERANCE)


def _measure_steps(
    setting: Setting, label: str, config: TrainConfig, batch: Batch, exact: tuple[list[float], float] | None
) -> tuple[list[float], float]:
    """Train some steps from the same initial state: their losses, and images a second after the first two."""
    reset_peak(setting.device)
    state = make_train_state(config, Ranks(0, 1, torch.device(setting.device)))
    n_warmup = 2
    n_steps = _choose_n_steps(setting) - n_warmup
    losses = _train(state, batch, n_warmup)
    synchronize(setting.device)
    started = time.perf_counter()
    losses += _train(state, batch, n_steps)
    synchronize(setting.device)
    speed = n_steps * config.batch / (time.perf_counter() - started)
    figure = f"{speed:.0f} images/s, {format_peak(setting.device)}"
    what = f"{_name_network(setting)}, batch {config.batch}, {label}"
    if exact is None:
        report(what, figure)
    else:
        difference = _find_largest_difference(losses, exact[0])
        is_within = difference <= HALF_TOLERANCE
        report(what, f"{figure}, {speed / exact[1]:.1f}x fp32, losses within {difference:.1e}", is_within)
    return losses, speed


def _report_share_of_peak(setting: Setting, config: TrainConfig, batch: Batch, speed: float) -> None:
    """Report the counted FLOP/s of a step as a share of what a large bf16 matrix product reaches on this device."""
    state = make_train_state(config, Ranks(0, 1, torch.device(setting.device)))
    with FlopCounterMode(display=False) as counter:
        training_step(state, batch, lr=LR, ema_momentum=MOMENTUM)
    flop = counter.get_total_flops()
    side = 512 if setting.is_dry else 8192
    a = torch.randn(side, side, device=setting.device, dtype=torch.bfloat16)
    peak = measure_rate(lambda: a @ a, 2 * side**3, setting.device)
    achieved = flop * speed / config.batch
    report(
        f"{_name_network(setting)}, bf16, share of a bf16 product's rate",
        f"{achieved / peak:.2f} ({achieved / 1e12:.1f} of {peak / 1e12:.1f} TFLOP/s, {flop / 1e12:.2f} TFLOP a step)",
    )


def _join_group_of_one(setting: Setting, config: TrainConfig, batch: Batch, exact: tuple[list[float], float]) -> None:
    """Report the losses with DDP and gathered features in a group of one process: nccl, or gloo on a CPU."""
    device = torch.device(setting.device)
    backend = "nccl" if setting.device == "cuda" else "gloo"
    meeting = setting.scratch / "process-group"
    meeting.unlink(missing_ok=True)
    distributed.init_process_group(backend, init_method=f"file://{meeting.absolute()}", rank=0, world_size=1)
    try:
        state = make_train_state(config, Ranks(0, 1, device))
        wrapped = DistributedDataParallel(state.forward, [device] if setting.device == "cuda" else None)
        difference = _find_largest_difference(_train(replace(state, forward=wrapped), batch, len(exact[0])), exact[0])
    finally:
        distributed.destroy_process_group()
    what = f"{_name_network(setting)}, bf16, {backend} with one process, losses within"
    report(what, f"{difference:.1e}", difference <= HALF_TOLERANCE)


def _resume_after_kill(setting: Setting) -> None:
    """Report the difference of losses between an uninterrupted run and one that is killed and resumed."""
    place = setting.scratch / "resume"
    shutil.rmtree(place, ignore_errors=True)
    data = _write_samples(place / "data", 48)
    steps = 12 if setting.is_dry else 40
    network = TOY if setting.is_dry else PRESETS["tiny"].network
    config = replace(
        PRESETS["tiny"], network=network, local_side=32, batch=16, n_steps=steps, warmup=4, save_every=4, log_every=1,
        workers=1, precision="bf16",
    )  # fmt: skip
    (place / "config.json").write_text(json.dumps(asdict(config)), encoding="utf-8")
    begin = [sys.executable, "-m", "trainer", "run", "--config", str(place / "config.json"), "--data", str(data)]
    _run([*begin, "--out", str(place / "whole")])
    killed = subprocess.Popen([*begin, "--out", str(place / "killed")], stdout=sys.stderr)
    while killed.poll() is None and not (place / "killed/checkpoints/step-00000004").exists():
        time.sleep(0.01)
    was_running = killed.poll() is None
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    _run([sys.executable, "-m", "trainer", "run", "--resume", str(place / "killed")])
    wanted, found = (_read_logged_losses(place / name) for name in ("whole", "killed"))
    assert len(wanted) == len(found) == steps, (len(wanted), len(found), steps)
    difference = _find_largest_difference(found, wanted)
    state = "killed and resumed" if was_running else "resumed (it ended before it was killed)"
    what = f"a run of {steps} steps, {state}, largest relative difference of a loss"
    report(what, f"{difference:.1e}", difference <= RESUME_TOLERANCE)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)


def _read_logged_losses(run: Path) -> list[float]:
    """The contrastive loss of each step in the metrics log, in order; of a repeated step, the last value."""
    clip = {line["step"]: line["clip"] for line in RunFolder(run).read_metrics() if "clip" in line}
    return [clip[step] for step in sorted(clip)]


def _write_samples(folder: Path, n: int) -> Path:
    """Write n crops of the photos in the package, each with a caption."""
    folder.mkdir(parents=True)
    captions, paths = load_captions(), list_photos()
    for i in range(n):
        with Image.open(paths[i % len(paths)]) as photo:
            photo.convert("RGB").crop((i, i, i + 160, i + 160)).save(folder / f"{i:03}.jpg")
        (folder / f"{i:03}.txt").write_text(f"{captions[i % len(captions)]}. Part {i}.", encoding="utf-8")
    return folder


def _make_config(setting: Setting) -> TrainConfig:
    if setting.is_dry:
        return replace(PRESETS["tiny"], network=TOY, local_side=32, batch=8)
    return replace(PRESETS["cc3m-b16"], batch=256, text_mode="sentences")


def _enable_gradient_caching(config: TrainConfig, precision: Precision) -> TrainConfig:
    return replace(config, precision=precision, n_micro_batches=N_MICRO_BATCHES)


def _choose_n_steps(setting: Setting) -> int:
    return DRY_STEPS if setting.is_dry else N_STEPS


def _name_network(setting: Setting) -> str:
    return "toy" if setting.is_dry else "ViT-B/16"


def _make_batch(config: TrainConfig) -> Batch:
    """Random pixels, and numbered captions of the photos in the package."""
    generator = torch.Generator().manual_seed(0)
    sides = [config.cosmos_network.image_size] * 2 + [config.local_side] * config.n_local_images
    views = tuple(torch.randn(config.batch, 3, side, side, generator=generator) for side in sides)
    captions = load_captions()
    tokenize = partial(_tokenize, captions, config.n_captions)
    ids = torch.stack([tokenize(i) for i in range(config.batch)])
    return Batch.collate(tuple(map(str, range(config.batch))), views, ids)


def _tokenize(captions: list[str], n: int, sample: int) -> torch.Tensor:
    """Token ids of n captions of a sample: (n, context)."""
    texts = [f"number {sample}, {captions[(sample + i) % len(captions)]}" for i in range(n)]
    return torch.from_numpy(clip_tokenizer()(texts))


def _train(state: TrainState, batch: Batch, n: int) -> list[float]:
    """Train n steps; returns the total loss before each."""
    totals = [training_step(state, batch, lr=LR, ema_momentum=MOMENTUM).total for _ in range(n)]
    return [float(total) for total in totals]


def _find_largest_difference(found: list[float], wanted: list[float]) -> float:
    """The largest relative difference of the loss of a step."""
    return max(abs(a - b) / abs(b) for a, b in zip(found, wanted, strict=True))
