"""Download files of a repository on the Hugging Face hub, and verify them. An interrupted download is resumed."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from cosmos_search.models.errors import DownloadError, HubError
from indexer.errors import CosmosSearchError
from indexer.files import open_file

__all__ = ["download_first", "download_one"]


def download_first(repository: str, names: Sequence[str], place: Path, endpoint: str | None) -> Path | None:
    """The first of these files that the repository has, in the folder `place`; None if it has none of them."""
    from huggingface_hub.errors import EntryNotFoundError  # heavy, and only needed here

    for name in names:
        try:
            return download_one(repository, name, place, endpoint)
        except HubError as error:
            if not isinstance(error.__cause__, EntryNotFoundError):
                raise
    return None


def download_one(repository: str, name: str, place: Path, endpoint: str | None) -> Path:
    """The file of this name, in the folder `place`. endpoint: the URL of another hub than the default one.

    Raises HubError, DownloadError, and CosmosSearchError for a file that differs from the published one.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url  # heavy, and only needed here

    try:
        # token=False: the files are public, so the user need not be identified
        expected = get_hf_file_metadata(hf_hub_url(repository, name, endpoint=endpoint), token=False)
    except Exception as error:  # of whichever HTTP library the hub's client uses
        raise HubError(name, repository, str(error)) from error
    try:
        path = Path(hf_hub_download(repository, name, local_dir=place, endpoint=endpoint, token=False))
    except Exception as error:
        raise DownloadError(name, str(error)) from error
    if not _matches_published(path, expected.size, expected.etag):
        shutil.rmtree(place)
        raise CosmosSearchError(f"The downloaded {name} differs from the published file and was deleted; try again.")
    return path


def _matches_published(path: Path, size_bytes: int | None, etag: str | None) -> bool:
    """Compare size and content; a large file's ETag on the hub is the SHA-256 of its content."""
    if size_bytes is not None and path.stat().st_size != size_bytes:
        return False
    if etag is None or len(etag) != 64:
        return True
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == etag
