"""Install models: download a published checkpoint, or add a local file or directory."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from cosmos_search.extras import require_extra
from cosmos_search.model_config import MINI_NETWORK, Role, read_kind
from cosmos_search.models.errors import DownloadError, HubError, UnpublishedModelError
from cosmos_search.models.published import PUBLISHED, REPOSITORY, PublishedModel
from cosmos_search.models.store import MINI, MINI_CONSE, NEEDED, WEIGHTS, ModelCard, ModelStore, default_model
from cosmos_search.models.trained import CALIBRATION_PARTS, TRAINED_FILE, find_trained
from cosmos_search.network.model_files import find_files, read_part
from indexer.errors import CosmosSearchError
from indexer.files import open_file

__all__ = ["ModelRow", "add_model", "list_models", "pull_model"]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A row of the list of models: one that is installed, published, or both."""

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
    """The two built-in encoders, then installed models of other origins, then the published ones."""
    default = default_model(store)
    rows = [
        ModelRow(MINI, MINI_NETWORK, "ImageNet, Flickr8k", None, 0, default == MINI),
        ModelRow(MINI_CONSE, MINI_NETWORK, "ImageNet", None, 0, False),
    ]
    cards = {card.name: card for card in store.cards()}
    for card in cards.values():
        if card.name not in PUBLISHED:
            size = store.size_bytes(card.name)
            rows.append(ModelRow(card.name, card.network, card.source, None, size, default == card.name))
    for name, model in PUBLISHED.items():
        size_or_none = store.size_bytes(name) if name in cards else None
        rows.append(ModelRow(name, model.network, model.trained_on, model, size_or_none, default == name))
    return rows


def pull_model(store: ModelStore, name: str, role: Role = "teacher", endpoint: str | None = None) -> ModelCard:
    """Download a published checkpoint, verify it, and install one of its four copies of the weights.

    An interrupted download is resumed. endpoint: the URL of another hub than the default one.
    Raises UnpublishedModelError, HubError, DownloadError, and CosmosSearchError for a damaged file.
    """
    published = PUBLISHED.get(name)
    if published is None:
        raise UnpublishedModelError(name)
    store.check_is_free(name)
    require_extra("Pulling a model", "models", "torch", "transformers")
    downloads = store.place / ".downloads" / name
    checkpoint = _download(published.file, downloads, endpoint)
    try:
        card = _add_checkpoint(store, checkpoint, name, role, source=f"{REPOSITORY}/{published.file}")
    except CosmosSearchError as error:
        if not isinstance(error.__cause__, OSError | SafetensorError):  # else the disk was full: keep the download
            shutil.rmtree(downloads)
        raise
    shutil.rmtree(downloads)
    return card


def add_model(
    store: ModelStore,
    path: Path,
    name: str | None = None,
    role: Role = "teacher",
    config_from: Path | None = None,
) -> ModelCard:
    """Install a COSMOS checkpoint (a .pt file), a model directory in the Hugging Face layout, or an exported run.

    The last is a training run of the built-in encoder: a folder with TRAINED_FILE, or a .safetensors file.
    config_from: for a checkpoint of unusual sizes, a directory with its other files; see
    `cosmos_search.network.checkpoint.convert`. Raises CosmosSearchError for a path that is none of these, and for a
    name that is taken.
    """
    trained = find_trained(path)
    name = _choose_name(path.absolute()) if name is None else name
    store.check_is_free(name)
    if trained is not None:
        return store.put(name, path.name, lambda draft: _copy_trained(trained, draft))
    require_extra("Adding a model", "models", "torch", "transformers")
    if path.is_file():
        return _add_checkpoint(store, path, name, role, source=path.name, config_from=config_from)
    if not path.is_dir():
        if path.exists():
            raise CosmosSearchError(f"{path} holds no model: it is neither a file nor a directory.")
        raise CosmosSearchError(f"There is no file or directory {path} with a model.")
    return store.put(name, path.name, lambda draft: _copy_directory(path, draft))


def _choose_name(path: Path) -> str:
    """The name of a file or folder; that of its folder for TRAINED_FILE, since all exported runs have this file."""
    if path.name == TRAINED_FILE:
        return path.parent.name
    return path.name.removesuffix(".pt").removesuffix(".safetensors")


def _copy_trained(file: Path, draft: Path) -> None:
    try:
        shutil.copyfile(file, draft / TRAINED_FILE)
        for part in CALIBRATION_PARTS:
            if (found := file.with_name(part)).is_file():
                shutil.copyfile(found, draft / part)
    except OSError as error:
        raise CosmosSearchError(f"{file} can't be copied ({error}).") from error


def _add_checkpoint(
    store: ModelStore, path: Path, name: str, role: Role, source: str, config_from: Path | None = None
) -> ModelCard:
    from cosmos_search.network.checkpoint import convert  # imports torch, which only converting needs

    origins = dict.fromkeys(NEEDED, source)
    if config_from is not None:
        origins |= {part: str(config_from / part) for part in NEEDED if part != WEIGHTS}
    return store.put(name, source, lambda draft: convert(path, draft, role, config_from), role, origins)


def _copy_directory(source: Path, draft: Path) -> None:
    """Copy the files of a model in the hub's layout, or convert those of another layout; weights as safetensors only.

    A safetensors file, unlike a pickle, cannot run code; a pickle is read without running the code in it.
    """
    # imports torch, which only installing needs
    from cosmos_search.models.convert_parts import PICKLE, convert_pickle, convert_tokenizer
    from cosmos_search.models.open_clip import OPEN_CLIP_CONFIG, convert_open_clip
    from cosmos_search.network.towers import check_weights

    parts = find_files(source, (*NEEDED, PICKLE, OPEN_CLIP_CONFIG))
    try:
        if OPEN_CLIP_CONFIG in parts and not {"config.json", WEIGHTS} <= parts.keys():
            convert_open_clip(source, draft)
            return
        if "config.json" not in parts:
            raise CosmosSearchError(f"{source} holds no model: it has no config.json.")
        read_kind(source)
        if "preprocessor_config.json" not in parts or not {WEIGHTS, PICKLE} & parts.keys():
            missing = next(part for part in NEEDED if part not in parts)
            raise CosmosSearchError(f"{source} is not a complete model: {missing} is missing.")
        if WEIGHTS in parts:
            check_weights(source, parts[WEIGHTS])  # before gigabytes are copied
        for part in ("config.json", "preprocessor_config.json"):
            (draft / part).write_bytes(read_part(source, part))
        if "tokenizer.json" in parts:
            (draft / "tokenizer.json").write_bytes(read_part(source, "tokenizer.json"))
        else:
            convert_tokenizer(source, draft / "tokenizer.json")
        if WEIGHTS in parts:
            shutil.copyfile(parts[WEIGHTS], draft / WEIGHTS)
        else:
            convert_pickle(source, draft / WEIGHTS)
    except OSError as error:
        raise CosmosSearchError(f"{source} can't be copied ({error}).") from error


def _download(file: str, place: Path, endpoint: str | None) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url  # heavy, and only needed here

    try:
        # token=False: the files are public, so the user need not be identified
        expected = get_hf_file_metadata(hf_hub_url(REPOSITORY, file, endpoint=endpoint), token=False)
    except Exception as error:  # of whichever HTTP library the hub's client uses
        raise HubError(file, REPOSITORY, str(error)) from error
    try:
        path = Path(hf_hub_download(REPOSITORY, file, local_dir=place, endpoint=endpoint, token=False))
    except Exception as error:
        raise DownloadError(file, str(error)) from error
    if not _matches_published(path, expected.size, expected.etag):
        shutil.rmtree(place)
        raise CosmosSearchError(f"The downloaded {file} differs from the published file and was deleted; try again.")
    return path


def _matches_published(path: Path, size_bytes: int | None, etag: str | None) -> bool:
    """Compare size and content; a large file's ETag on the hub is the SHA-256 of its content."""
    if size_bytes is not None and path.stat().st_size != size_bytes:
        return False
    if etag is None or len(etag) != 64:
        return True
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == etag
