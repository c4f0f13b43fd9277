"""Install models: download a published checkpoint, or add a local file or directory."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from cosmos_search.extras import require_extra
from cosmos_search.json_files import read_object
from cosmos_search.model_config import MINI_NETWORK, Role, read_kind
from cosmos_search.models.download import download_first, download_one
from cosmos_search.models.errors import DownloadError, HubError, UnpublishedModelError
from cosmos_search.models.published import PUBLISHED, PublishedModel
from cosmos_search.models.store import MINI, MINI_CONSE, NEEDED, WEIGHTS, ModelCard, ModelStore, default_model
from cosmos_search.models.trained import CALIBRATION_PARTS, TRAINED_FILE, find_trained
from cosmos_search.network.model_files import find_files, read_part
from indexer.errors import CosmosSearchError

__all__ = ["ModelRow", "add_model", "count_downloaded_bytes", "list_models", "pull_model"]

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")  # of a repository: owner/name
GOOD_FOR_MINI = "English, small, fast"
SMALL_PARTS = (
    *("config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"),
    *("vocab.txt", "merges.txt", "spiece.model", "open_clip_config.json"),
)


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A row of the list of models: one that is installed, published, or both."""

    name: str
    network: str
    trained_on: str
    published: PublishedModel | None
    size_bytes: int | None  # on disk; None: not installed
    is_default: bool
    good_for: str  # "English, fast"; "" if that is not known

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON; the figures are None for a model that is not published."""
        figures = self.published
        return {
            "name": self.name,
            "network": self.network,
            "trained_on": self.trained_on,
            "good_for": self.good_for,
            "coco_r1": figures and figures.coco and list(figures.coco),
            "flickr30k_r1": figures and figures.flickr30k and list(figures.flickr30k),
            "imagenet_top1": figures and figures.imagenet,
            "figures_from": (figures and figures.source) or None,
            "licence": figures and figures.licence,
            "download_bytes": figures and figures.download_bytes,
            "repository": figures and figures.repository,
            "installed": self.size_bytes is not None,
            "size_bytes": self.size_bytes,
            "default": self.is_default,
        }


def list_models(store: ModelStore) -> list[ModelRow]:
    """The two built-in encoders, then installed models of other origins, then the published ones."""
    default = default_model(store)
    rows = [
        ModelRow(MINI, MINI_NETWORK, "ImageNet, Flickr8k", None, 0, default == MINI, GOOD_FOR_MINI),
        ModelRow(MINI_CONSE, MINI_NETWORK, "ImageNet", None, 0, False, "English, to compare"),
    ]
    cards = {card.name: card for card in store.cards()}
    for card in cards.values():
        if card.name not in PUBLISHED:
            size = store.size_bytes(card.name)
            good_for = "English" if card.is_english else ""
            rows.append(ModelRow(card.name, card.network, card.source, None, size, default == card.name, good_for))
    for name, model in PUBLISHED.items():
        size_or_none = store.size_bytes(name) if name in cards else None
        is_default = default == name
        rows.append(ModelRow(name, model.network, model.trained_on, model, size_or_none, is_default, model.good_for))
    return rows


def pull_model(
    store: ModelStore, name: str, role: Role = "teacher", endpoint: str | None = None, as_name: str | None = None
) -> ModelCard:
    """Download a published model, or any repository of the hub with a supported one, verify it, and install it.

    name: of a published model, or a repository: "owner/name". role: of a COSMOS checkpoint, of whose four copies of
    the weights one is kept. endpoint: the URL of another hub than the default one. as_name: what to call it here.
    An interrupted download is resumed. Raises UnpublishedModelError, HubError, DownloadError, and CosmosSearchError
    for a damaged file and for a model that is not supported.
    """
    published = PUBLISHED.get(name)
    if published is None and HUB_ID.fullmatch(name) is None:
        raise UnpublishedModelError(name)
    repository = published.repository if published is not None else name
    installed = as_name or name.rpartition("/")[2]
    store.check_is_free(installed)
    require_extra("Pulling a model", "models", "torch", "transformers")
    downloads = _downloads_of(store, name)
    try:
        if published is not None and published.checkpoint is not None:
            file = download_one(repository, published.checkpoint, downloads, endpoint)
            card = _add_checkpoint(store, file, installed, role, source=f"{repository}/{published.checkpoint}")
        else:
            _download_directory(repository, downloads, endpoint)
            card = store.put(installed, repository, lambda draft: _copy_directory(downloads, draft))
    except (HubError, DownloadError):
        raise  # the parts that have arrived are kept
    except CosmosSearchError as error:
        if not isinstance(error.__cause__, OSError | SafetensorError):  # else the disk was full: keep the download
            shutil.rmtree(downloads, ignore_errors=True)
        if str(downloads) in str(error):
            raise CosmosSearchError(str(error).replace(str(downloads), repository)) from error
        raise
    shutil.rmtree(downloads)
    return card


def count_downloaded_bytes(store: ModelStore, name: str) -> int:
    """The size of what has arrived of a model that is being pulled."""
    sizes = 0
    for path in _downloads_of(store, name).rglob("*"):
        try:
            sizes += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # renamed meanwhile
            continue
    return sizes


def _downloads_of(store: ModelStore, name: str) -> Path:
    return store.place / ".downloads" / name.replace("/", "--")


def _download_directory(repository: str, downloads: Path, endpoint: str | None) -> None:
    """The small files that a model directory of any layout has, then its weights."""
    for part in SMALL_PARTS:
        download_first(repository, (part,), downloads, endpoint)
    names = (WEIGHTS, "open_clip_model.safetensors", "pytorch_model.bin")
    if download_first(repository, names, downloads, endpoint) is None:
        raise CosmosSearchError(
            f"The repository {repository} has no weights that can be read: none of {', '.join(names)}."
        )


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
    from cosmos_search.models.naflex import NAFLEX, convert_naflex
    from cosmos_search.models.open_clip import OPEN_CLIP_CONFIG, convert_open_clip
    from cosmos_search.network.towers import check_weights

    parts = find_files(source, (*NEEDED, PICKLE, OPEN_CLIP_CONFIG))
    try:
        if OPEN_CLIP_CONFIG in parts and not {"config.json", WEIGHTS} <= parts.keys():
            convert_open_clip(source, draft)
            return
        if "config.json" not in parts:
            raise CosmosSearchError(f"{source} holds no model: it has no config.json.")
        is_naflex = read_object(source / "config.json").get("model_type") == NAFLEX
        if not is_naflex:
            read_kind(source)
        if "preprocessor_config.json" not in parts or not {WEIGHTS, PICKLE} & parts.keys():
            missing = next(part for part in NEEDED if part not in parts)
            raise CosmosSearchError(f"{source} is not a complete model: {missing} is missing.")
        if "tokenizer.json" in parts:
            (draft / "tokenizer.json").write_bytes(read_part(source, "tokenizer.json"))
        else:
            convert_tokenizer(source, draft / "tokenizer.json")
        if is_naflex:
            convert_naflex(source, draft)
            return
        if WEIGHTS in parts:
            check_weights(source, parts[WEIGHTS])  # before gigabytes are copied
        for part in ("config.json", "preprocessor_config.json"):
            (draft / part).write_bytes(read_part(source, part))
        if WEIGHTS in parts:
            shutil.copyfile(parts[WEIGHTS], draft / WEIGHTS)
        else:
            convert_pickle(source, draft / WEIGHTS)
    except OSError as error:
        raise CosmosSearchError(f"{source} can't be copied ({error}).") from error
