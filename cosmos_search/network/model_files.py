"""Find and read the files of a model directory from an untrusted source."""

from collections.abc import Sequence
from pathlib import Path

from cosmos_search.model_config import MAX_TOKENIZER_BYTES
from indexer.errors import CosmosSearchError
from indexer.files import read_file

__all__ = ["find_files", "read_part"]


def find_files(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """The existing ones of these files, by name.

    A link must lead to a file of the same model: in a snapshot of the hub's cache every file is a link into the
    folder `blobs` of that model. Raises CosmosSearchError for another link, and for anything but a regular file.
    """
    place = folder.resolve()
    allowed = [place, *([place.parents[1] / "blobs"] if place.parent.name == "snapshots" else [])]
    found = {}
    for name in names:
        try:
            file = (folder / name).resolve(strict=True)
        except (OSError, RuntimeError):  # missing, or a broken or circular link
            continue
        if not any(file.is_relative_to(part) for part in allowed):
            raise CosmosSearchError(f"{folder / name} can't be used: it is a link to a file outside the model.")
        if not file.is_file():
            raise CosmosSearchError(f"{folder / name} can't be used: it is not a file.")
        found[name] = file
    return found


def read_part(folder: Path, name: str) -> bytes:
    """The content of a file beside the weights. Raises CosmosSearchError if it is missing, too large, or not a file."""
    files = find_files(folder, (name,))
    if name not in files:
        raise CosmosSearchError(f"{folder} can't be used: it has no {name}.")
    try:
        return read_file(files[name], MAX_TOKENIZER_BYTES)
    except OSError as error:
        raise CosmosSearchError(f"{folder / name} can't be used: {error.strerror or error}.") from error
