"""Getting models: pulling a published checkpoint, or adding a file or a directory that is at hand."""

import hashlib
import json
import shutil
from pathlib import Path

from cosmos_search.published import PUBLISHED, REPOSITORY
from cosmos_search.shelf import NEEDED, Card, Shelf
from indexer.errors import CosmosSearchError, UsageError

__all__ = ["add_model", "pull_model"]

FAMILIES = ("cosmos", "clip", "siglip")  # model types of the Hugging Face layout that can be used


def pull_model(shelf: Shelf, name: str, role: str = "teacher", endpoint: str | None = None) -> Card:
    """Download a published checkpoint, verify it, keep one of its four copies of the weights, drop the rest.

    A download that broke off goes on where it was. endpoint: another hub than the usual one.
    Raises UsageError for an unknown name, CosmosSearchError without network or for a damaged file.
    """
    published = PUBLISHED.get(name)
    if published is None:
        raise UsageError(f"No model named {name!r} is published; see which are: cosmos-search models")
    shelf.check_is_free(name)
    downloads = shelf.place / ".downloads" / name
    checkpoint = _download(published.file, downloads, endpoint)
    card = _add_checkpoint(shelf, checkpoint, name, role, source=f"{REPOSITORY}/{published.file}")
    shutil.rmtree(downloads)
    return card


def add_model(shelf: Shelf, path: Path, name: str | None = None, role: str = "teacher") -> Card:
    """Install a COSMOS checkpoint (a .pt file), or a model directory in the Hugging Face layout.

    Raises CosmosSearchError for what is neither, and for a name that is taken.
    """
    name = name or path.name.removesuffix(".pt")
    shelf.check_is_free(name)
    if path.is_file():
        return _add_checkpoint(shelf, path, name, role, source=path.name)
    if not path.is_dir():
        raise CosmosSearchError(f"There is no file or directory {path}.")
    return shelf.put(name, path.name, lambda draft: _copy_directory(path, draft))


def _add_checkpoint(shelf: Shelf, path: Path, name: str, role: str, source: str) -> Card:
    from cosmos_search.checkpoint import convert  # torch: only those who convert need it

    return shelf.put(name, source, lambda draft: convert(path, draft, role), role)


def _copy_directory(source: Path, draft: Path) -> None:
    """The parts of a model in the Hugging Face layout; weights only as safetensors, which can't run code."""
    try:
        kind = json.loads((source / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise CosmosSearchError(f"{source} holds no model: its config.json can't be read.") from error
    if kind not in FAMILIES:
        raise CosmosSearchError(f"{source} holds a model of type {kind}; these can be used: {', '.join(FAMILIES)}.")
    missing = [part for part in NEEDED if not (source / part).is_file()]
    if missing:
        raise CosmosSearchError(f"{source} is no complete model: {missing[0]} is missing.")
    for part in NEEDED:
        shutil.copyfile(source / part, draft / part)


def _download(file: str, place: Path, endpoint: str | None) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url  # heavy, and only needed here

    try:
        expected = get_hf_file_metadata(hf_hub_url(REPOSITORY, file, endpoint=endpoint))
    except Exception as error:  # of whichever HTTP library the hub's client uses
        raise CosmosSearchError(
            f"The hub can't be reached, or has no {file} ({error}). Fetch the file from {REPOSITORY} elsewhere and "
            "add it: cosmos-search models add FILE. The encoder in the box works without network."
        ) from error
    try:
        path = Path(hf_hub_download(REPOSITORY, file, local_dir=place, endpoint=endpoint))
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
