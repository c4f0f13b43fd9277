"""ONNX Runtime sessions: how they are opened, where they run, and the cache of exported graphs."""

import logging
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import platformdirs
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions

from cosmos_search.models.drafts import draft_folder
from indexer.errors import CosmosSearchError, UsageError

__all__ = [
    "choose_session_device",
    "device_of",
    "is_on_cpu",
    "model_cache_folder",
    "open_cached",
    "open_session",
    "save_optimised",
    "write_beside",
]

Make = Callable[[Path], None]  # writes one file at the path it is given

# A session falls back to the CPU where the CUDA libraries do not load; `device_of` says where it runs.
PROVIDERS = {"cpu": ["CPUExecutionProvider"], "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"]}

log = logging.getLogger(__name__)


def model_cache_folder() -> Path:
    """Where exported graphs lie when nobody says otherwise: the user's cache folder (need not exist yet)."""
    return platformdirs.user_cache_path("cosmos-search") / "models"


def choose_session_device(wanted: str) -> str:
    """The device for sessions, "cpu" or "cuda". "auto" is CUDA where this ONNX Runtime has it, else the CPU.

    Raises UsageError for a device that this ONNX Runtime does not have.
    """
    has_cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if wanted == "auto":
        return "cuda" if has_cuda else "cpu"
    if wanted == "cpu" or (wanted == "cuda" and has_cuda):
        return wanted
    raise UsageError(
        f"The installed ONNX Runtime does not support the device {wanted}; use --device cpu, or for CUDA: "
        "pip uninstall onnxruntime && pip install onnxruntime-gpu"
    )


def open_session(graph: Path, device: str = "cpu") -> InferenceSession:
    """A session on the graph, on this device ("cpu" or "cuda"); threads may share it.

    One thread computes each call and nothing spins: speed comes from calling `run` from as many threads as
    there are cores (164 pictures/s against 125 with one call on both cores), and decoders keep their share.
    """
    return InferenceSession(graph, _options(), providers=PROVIDERS[device])


def open_cached(graph: Path, make: Make, device: str = "cpu") -> InferenceSession:
    """A session on the cached graph, which is made if it is absent, and made anew if it does not open."""
    if graph.exists():
        try:
            return open_session(graph, device)
        except Exception as error:  # ONNX Runtime raises a dozen unrelated classes for a damaged file
            log.warning("%s cannot be opened and is made anew: %s", graph, error)
    write_beside(graph, make)
    return open_session(graph, device)


def write_beside(target: Path, make: Make) -> None:
    """Makes the file, or the folder, under another name in the same folder, then renames it.

    Whoever looks sees no file, the old one or the new one, never half of one; of two processes that write at
    once, one wins. Raises CosmosSearchError if the disk does not take it.
    """
    log.info("Preparing a model for its first use on this machine: %s", target.name)
    try:
        with draft_folder(target.parent) as folder:
            draft = folder / target.name
            make(draft)
            if not target.is_dir():
                draft.replace(target)
    except OSError as error:
        advice = "make room there, or choose another folder: export XDG_CACHE_HOME=/a/folder"
        raise CosmosSearchError(f"Cannot write {target} ({error}); {advice}") from error


def save_optimised(graph: Path, target: Path) -> None:
    """Writes the graph as ONNX Runtime fuses it for the CPU, which halves the time to open it.

    The result belongs to this version of ONNX Runtime; what depends on the processor is decided on opening.
    """
    options = _options()
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def is_on_cpu(session: InferenceSession) -> bool:
    """False where an accelerator answers first."""
    return bool(session.get_providers()[0] == "CPUExecutionProvider")


def device_of(session: InferenceSession, precision: str = "fp32") -> str:
    """Where the session really runs, for a person: "cpu, ONNX Runtime fp32".

    It may have been asked for more: ONNX Runtime falls back to the CPU when its CUDA libraries do not load.
    """
    provider = str(session.get_providers()[0])
    return f"{provider.removesuffix('ExecutionProvider').lower()}, ONNX Runtime {precision}"


def _options() -> SessionOptions:
    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors; warnings about a saved graph say nothing a user can act on
    return options
