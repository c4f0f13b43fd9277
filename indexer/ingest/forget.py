"""What stays in the index although it was not found: a disk may not be mounted."""

import shlex

from indexer.ingest.scan import Missing, Scan

__all__ = ["missing_files", "not_to_forget"]

LARGE_LOSS = 20  # files; more of them, and more than half of a folder, are not forgotten without being asked


def not_to_forget(scan: Scan, found: Missing, moved: set[int], lost: set[int]) -> list[int]:
    """What stays in the index: what may be on a disk that isn't mounted, and pictures lost in suspicious numbers.

    moved: files that have a new path; lost: files that were the last with their picture.
    """
    kept = [i for i in found.doubtful + found.unconfirmed if i not in moved]
    gone = [i for i in found.gone if i in lost]
    n_pictures = scan.folder.n_pictures - len(kept)
    is_large = len(gone) > LARGE_LOSS and 2 * len(gone) > n_pictures
    if gone and (is_large or len(gone) == n_pictures or scan.n_found == 0):
        kept += gone
    return kept


def missing_files(scan: Scan, n_files: int) -> str:
    """The warning about files that stay, with the command that forgets them."""
    path = shlex.quote(str(scan.path))
    if scan.n_found == 0:
        return (
            f"{scan.path} is empty now; its {n_files} files stay in the index in case a disk is not mounted. "
            f"To forget them: cosmos-search index --forget-missing {path}, or with the folder: cosmos-search remove "
            f"{shlex.quote(str(scan.folder.path))}"
        )
    return (
        f"{n_files} indexed files of {scan.path} are not there; they stay in the index in case a disk is not mounted. "
        f"To forget them: cosmos-search index --forget-missing {path}"
    )
