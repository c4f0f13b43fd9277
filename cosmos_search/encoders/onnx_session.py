"""Open ONNX Runtime sessions on a device, and cache exported graphs on disk."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import onnxruntime
import platformdirs
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions

from cosmos_search.encoders.devices import Device, DeviceError
from cosmos_search.models.drafts import draft_folder
from indexer.errors import CosmosSearchError

__all__ = [
    "SessionDevice",
    "choose_session_device",
    "describe_device",
    "is_on_cpu",
    "model_cache_folder",
    "open_or_make",
    "open_session",
    "optimise_graph",
    "write_atomically",
]

Make = Callable[[Path], None]  # writes a file, or a folder, at the path it is given
SessionDevice = Literal["cpu", "cuda"]

# A session falls back to the CPU if the CUDA libraries cannot be loaded; `describe_device` returns the actual device.
PROVIDERS: dict[SessionDevice, list[str]] = {
    "cpu": ["CPUExecutionProvider"],
    "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"],
}

EXTERNAL_WEIGHTS = "session.optimized_model_external_initializers_file_name"

log = logging.getLogger(__name__)


def model_cache_folder() -> Path:
    """The default folder for exported graphs, in the user's cache folder; it may not exist yet."""
    return platformdirs.user_cache_path("cosmos-search") / "models"


def choose_session_device(wanted: Device) -> SessionDevice:
    """The device for sessions. "auto" is CUDA if the installed ONNX Runtime supports it, else the CPU.

    Raises DeviceError for a device that the installed ONNX Runtime does not support.
    """
    has_cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if wanted == "auto":
        return "cuda" if has_cuda else "cpu"
    if wanted == "cpu" or (wanted == "cuda" and has_cuda):
        return wanted
    reason = "the installed ONNX Runtime does not support it"
    if wanted == "cuda":
        reason += " (to change that: pip uninstall onnxruntime && pip install onnxruntime-gpu)"
    raise DeviceError(wanted, reason)


def open_session(graph: Path | bytes, device: SessionDevice = "cpu", *, packs_weights: bool = True) -> InferenceSession:
    """A session for a graph, in a file or in memory, on a device; threads may share it.

    packs_weights: copy matrices into the order in which they are multiplied; False opens faster and runs slower.

    Each call uses one thread, without spinning. Calling `run` from as many threads as there are cores is faster (164
    pictures/s against 125 with one call on two cores) and leaves time for decoding.
    """
    options = _make_options()
    if not packs_weights:
        options.add_session_config_entry("session.disable_prepacking", "1")
    return InferenceSession(graph, options, providers=PROVIDERS[device])


def open_or_make(
    graph: Path, make: Make, device: SessionDevice = "cpu", *, packs_weights: bool = True
) -> InferenceSession:
    """A session (see `open_session`) for the cached graph, written first if it is missing or cannot be opened."""
    if graph.exists():
        try:
            return open_session(graph, device, packs_weights=packs_weights)
        except Exception as error:  # ONNX Runtime raises a dozen unrelated classes for a damaged file
            log.warning("%s cannot be opened and is written again: %s", graph, error)
    write_atomically(graph, make)
    return open_session(graph, device, packs_weights=packs_weights)


def write_atomically(target: Path, make: Make) -> None:
    """Write a file or a folder under another name in the same folder, then rename it to `target`.

    Files beside the draft whose names begin with its name and a dot (`optimise_graph` writes one) are renamed first.
    Other processes see the old content or the complete new one. If two processes write at the same time, one of the
    results stays. Raises CosmosSearchError if it cannot be written.
    """
    log.info("Preparing a model for its first use on this machine: %s", target.name)
    try:
        with draft_folder(target.parent) as folder:
            draft = folder / target.name
            make(draft)
            for companion in folder.glob(f"{target.name}.*"):
                companion.replace(target.with_name(companion.name))
            if not target.is_dir():
                draft.replace(target)
    except OSError as error:
        advice = "free space there, or choose another folder: export XDG_CACHE_HOME=/a/folder"
        raise CosmosSearchError(f"Cannot write {target} ({error}); {advice}") from error


def optimise_graph(graph: Path, target: Path) -> None:
    """Write the graph with ONNX Runtime's fusions for the CPU, and its weights in another file, named `target`.weights.

    ONNX Runtime maps that file into memory instead of reading it: a graph of 90 MB is opened in 16 ms instead of 67,
    and of its table of words only the rows that a text needs are read. The result is specific to the version of ONNX
    Runtime, but not to the processor.
    """
    options = _make_options()
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry(EXTERNAL_WEIGHTS, f"{target.name}.weights")
    InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def is_on_cpu(session: InferenceSession) -> bool:
    """False if the session runs on an accelerator."""
    return bool(session.get_providers()[0] == "CPUExecutionProvider")


def describe_device(session: InferenceSession, precision: str = "fp32") -> str:
    """The device that the session actually runs on, for display: "cpu, ONNX Runtime fp32"."""
    provider = str(session.get_providers()[0])
    return f"{provider.removesuffix('ExecutionProvider').lower()}, ONNX Runtime {precision}"


def _make_options() -> SessionOptions:
    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only; warnings about a saved graph require no action
    return options
