"""Getting models: pulling a published checkpoint, or adding a file or a directory that is at hand."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from cosmos_search.extras import require_extra
from cosmos_search.model_config import read_kind
from cosmos_search.models.published import PUBLISHED, REPOSITORY, PublishedModel
from cosmos_search.models.store import MINI, NEEDED, WEIGHTS, ModelCard, ModelStore, default_model
from cosmos_search.network.model_files import find_files, read_part
from indexer.errors import CosmosSearchError, UsageError

__all__ = ["ModelRow", "add_model", "list_models", "pull_model"]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model in the list: one that is installed, one that is published, or both."""

    name: str
    network: str
    trained_on: str
    published: PublishedModel | None
    size_bytes: int | None  # on disk; None: not installed
    is_default: bool

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON; the figures are None for a model that is not published."""
        figures = self.published
        return {
            "name": self.name,
            "network": self.network,
            "trained_on": self.trained_on,
            "coco_r1": figures and list(figures.coco),
            "flickr30k_r1": figures and list(figures.flickr30k),
            "imagenet_top1": figures and figures.imagenet,
            "installed": self.size_bytes is not None,
            "size_bytes": self.size_bytes,
            "default": self.is_default,
        }


def list_models(store: ModelStore) -> list[ModelRow]:
    """The encoder in the box, what is installed, and what could be."""
    default = default_model(store)
    rows = [ModelRow(MINI, "EfficientNet-Lite2", "ImageNet", None, 0, default == MINI)]
    cards = {card.name: card for card in store.cards()}
    for card in cards.values():
        if card.name not in PUBLISHED:
            size = store.size_bytes(card.name)
            rows.append(ModelRow(card.name, card.network, card.source, None, size, default == card.name))
    for name, model in PUBLISHED.items():
        size_or_none = store.size_bytes(name) if name in cards else None
        rows.append(ModelRow(name, model.network, model.trained_on, model, size_or_none, default == name))
    return rows


def pull_model(store: ModelStore, name: str, role: str = "teacher", endpoint: str | None = None) -> ModelCard:
    """Download a published checkpoint, verify it, keep one of its four copies of the weights, drop the rest.

    A download that broke off goes on where it was. endpoint: another hub than the usual one.
    Raises UsageError for an unknown name, CosmosSearchError without network or for a damaged file.
    """
    published = PUBLISHED.get(name)
    if published is None:
        raise UsageError(f"No model named {name!r} is published; see which are: cosmos-search models")
    store.check_is_free(name)
    require_extra("Pulling a model", "models", "torch", "transformers")
    downloads = store.place / ".downloads" / name
    checkpoint = _download(published.file, downloads, endpoint)
    try:
        card = _add_checkpoint(store, checkpoint, name, role, source=f"{REPOSITORY}/{published.file}")
    except CosmosSearchError as error:
        if not isinstance(error.__cause__, OSError | SafetensorError):  # else the disk was full: go on with the file
            shutil.rmtree(downloads)
        raise
    shutil.rmtree(downloads)
    return card


def add_model(
    store: ModelStore, path: Path, name: str | None = None, role: str = "teacher", like: Path | None = None
) -> ModelCard:
    """Install a COSMOS checkpoint (a .pt file), or a model directory in the Hugging Face layout.

    like: a directory with what a checkpoint of unusual size doesn't tell; see `network.checkpoint.convert`.
    Raises CosmosSearchError for what is neither, and for a name that is taken.
    """
    name = path.absolute().name.removesuffix(".pt") if name is None else name
    store.check_is_free(name)
    require_extra("Adding a model", "models", "torch", "transformers")
    if path.is_file():
        return _add_checkpoint(store, path, name, role, source=path.name, like=like)
    if not path.is_dir():
        if path.exists():
            raise CosmosSearchError(f"{path} holds no model: it is neither a file nor a directory.")
        raise CosmosSearchError(f"There is no file or directory {path} with a model.")
    return store.put(name, path.name, lambda draft: _copy_directory(path, draft))


def _add_checkpoint(
    store: ModelStore, path: Path, name: str, role: str, source: str, like: Path | None = None
) -> ModelCard:
    from cosmos_search.network.checkpoint import convert  # torch: only those who convert need it

    origins = dict.fromkeys(NEEDED, source)
    if like is not None:
        origins |= {part: str(like / part) for part in NEEDED if part != WEIGHTS}
    return store.put(name, source, lambda draft: convert(path, draft, role, like), role, origins)


def _copy_directory(source: Path, draft: Path) -> None:
    """The parts of a model in the Hugging Face layout; weights only as safetensors, which can't run code."""
    from cosmos_search.network.towers import check_weights  # torch: only those who install need it

    parts = find_files(source, NEEDED)
    if "config.json" not in parts:
        raise CosmosSearchError(f"{source} holds no model: it has no config.json.")
    kind = read_kind(source)
    if missing := [part for part in NEEDED if part not in parts]:
        raise CosmosSearchError(f"{source} is no complete model: {missing[0]} is missing.")
    check_weights(source, kind, parts[WEIGHTS])  # before gigabytes are copied
    try:
        for part in (part for part in NEEDED if part != WEIGHTS):
            (draft / part).write_bytes(read_part(source, part))
        shutil.copyfile(parts[WEIGHTS], draft / WEIGHTS)
    except OSError as error:
        raise CosmosSearchError(f"{source} can't be copied ({error}).") from error


def _download(file: str, place: Path, endpoint: str | None) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url  # heavy, and only needed here

    try:
        # token=False: the files are public, and who asks for them is nobody's business
        expected = get_hf_file_metadata(hf_hub_url(REPOSITORY, file, endpoint=endpoint), token=False)
    except Exception as error:  # of whichever HTTP library the hub's client uses
        raise CosmosSearchError(
            f"The hub can't be reached, or has no {file} ({error}). Fetch the file from {REPOSITORY} elsewhere and "
            "add it: cosmos-search models add FILE. The encoder in the box works without network."
        ) from error
    try:
        path = Path(hf_hub_download(REPOSITORY, file, local_dir=place, endpoint=endpoint, token=False))
    except Exception as error:
        raise CosmosSearchError(
            f"The download of {file} broke off ({error}). What has come is kept; go on with the same command."
        ) from error
    if not _is_as_published(path, expected.size, expected.etag):
        shutil.rmtree(place)
        raise CosmosSearchError(f"{file} did not arrive as it was published and is removed; pull it again.")
    return path


def _is_as_published(path: Path, size_bytes: int | None, etag: str | None) -> bool:
    """A large file's ETag on the hub is the SHA-256 of its content."""
    if size_bytes is not None and path.stat().st_size != size_bytes:
        return False
    if etag is None or len(etag) != 64:
        return True
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest() == etag
