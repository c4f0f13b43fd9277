"""From a run to what `cosmos-search models add` takes: one network in the Hugging Face layout, and its tokenizer."""

import shutil
from pathlib import Path

from safetensors import SafetensorError

from cosmos_search.models.drafts import draft_folder
from cosmos_search.network.checkpoint import save_model
from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer, clip_tokenizer
from indexer.errors import CosmosSearchError, UsageError
from trainer.config import TrainConfig, load_config
from trainer.runs.checkpoints import best_checkpoint, checkpoints, load_student_and_teacher

__all__ = ["TOKENIZER", "chosen_checkpoint", "export", "run_networks", "run_tokenizer"]

TOKENIZER = "tokenizer.json"  # in a run's folder, where it isn't CLIP's
WHICH = ("best", "last")


def export(run: Path, folder: Path, *, role: str = "teacher", which: str = "best") -> Path:
    """Write the teacher or the student of a run's best or last checkpoint into a new folder; returns the checkpoint.

    Raises CosmosSearchError if the run has none or the folder is taken.
    """
    if folder.exists():
        raise UsageError(f"{folder} is there already; choose another folder, or remove it first.")
    checkpoint = chosen_checkpoint(run, which)
    network = run_networks(run, checkpoint)[role]
    try:
        with draft_folder(folder.absolute().parent) as place:
            draft = place / "model"
            save_model(network, draft, config_from=_like(run, network, draft))
            draft.rename(folder)
    except (OSError, SafetensorError) as error:
        raise CosmosSearchError(f"{folder} could not be written ({error}).") from error
    return checkpoint


def chosen_checkpoint(run: Path, which: str) -> Path:
    """A run's best or last checkpoint, or the one named, as "step-00001000"."""
    found = {path.name: path for path in checkpoints(run)}
    if not found:
        raise CosmosSearchError(f"{run} is no folder of a run, or has no checkpoint yet.")
    if which == "best":
        return best_checkpoint(run) or checkpoints(run)[-1]
    if which == "last":
        return checkpoints(run)[-1]
    if which not in found:
        raise UsageError(f"{run} has no checkpoint {which}; there are: best, last, {', '.join(found)}")
    return found[which]


def run_networks(run: Path, checkpoint: Path) -> dict[str, CosmosModel]:
    """Student and teacher by these names, for inference."""
    config = load_config(run / "config.json")
    student, teacher = (CosmosModel(config.network).eval() for _ in range(2))
    load_student_and_teacher(checkpoint, student, teacher)
    return {"student": student, "teacher": teacher}


def run_tokenizer(run: Path, config: TrainConfig) -> TextTokenizer:
    """The run's own, or CLIP's. Raises CosmosSearchError if its vocabulary is not the network's."""
    length = config.network.context_length
    own = run / TOKENIZER
    tokenizer = TextTokenizer.from_file(own, length) if own.exists() else clip_tokenizer(length)
    if tokenizer.end >= config.network.vocab_size:
        raise CosmosSearchError(
            f"The network has {config.network.vocab_size} tokens and the tokenizer more; name its own: --tokenizer FILE"
        )
    return tokenizer


def _like(run: Path, network: CosmosModel, draft: Path) -> Path | None:
    """A folder with the run's own tokenizer and how pictures are prepared; None where both are CLIP's."""
    if not (run / TOKENIZER).exists():
        return None
    draft.mkdir(parents=True)
    shutil.copyfile(run / TOKENIZER, draft / TOKENIZER)
    Preprocess(network.config.image_size).save(draft / "preprocessor_config.json")
    return draft
