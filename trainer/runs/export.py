"""Exporting a network of a run, with its tokenizer, in the Hugging Face layout, for `cosmos-search models add`."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file

from cosmos_search.model_config import Role
from cosmos_search.models.drafts import draft_folder
from cosmos_search.models.trained import TRAINED_FILE
from cosmos_search.network.checkpoint import save_model
from cosmos_search.network.mini import MiniNetwork
from cosmos_search.processing.image import Preprocess
from indexer.errors import CosmosSearchError, UsageError
from trainer.runs.checkpoints import choose_checkpoint, load_networks
from trainer.runs.folder import RunFolder

__all__ = ["export"]


def export(run: Path, folder: Path, *, role: Role = "teacher", which: str = "best") -> Path:
    """Write the teacher or the student of a checkpoint into a new folder; returns the checkpoint's folder.

    which: see `choose_checkpoint`. Raises CosmosSearchError if the run has none or the folder exists.
    """
    if folder.exists():
        raise UsageError(f"{folder} already exists; choose another folder, or remove it first.")
    files = RunFolder(run)
    checkpoint = choose_checkpoint(files, which)
    network = load_networks(files, checkpoint)[role]
    try:
        with draft_folder(folder.absolute().parent) as parent:
            draft = parent / "model"
            if isinstance(network, MiniNetwork):
                draft.mkdir(parents=True)
                save_file(network.export_tensors(), draft / TRAINED_FILE)
                draft.rename(folder)
                return checkpoint.path
            if files.has_tokenizer:  # else both the tokenizer and the preprocessing are CLIP's
                draft.mkdir(parents=True)
                files.copy_tokenizer(draft)
                Preprocess(network.config.image_size).save(draft / "preprocessor_config.json")
            save_model(network, draft, config_from=draft if files.has_tokenizer else None)
            draft.rename(folder)
    except (OSError, SafetensorError) as error:
        raise CosmosSearchError(f"{folder} could not be written ({error}).") from error
    return checkpoint.path
