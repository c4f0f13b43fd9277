"""Choose the missing files that stay in the index, because their disk may not be mounted."""

from indexer.ingest.scan import Missing, Scan

__all__ = ["choose_files_to_keep"]

LARGE_LOSS = 20  # files; a larger loss, if it is also more than half of a folder, is not forgotten automatically


def choose_files_to_keep(scan: Scan, found: Missing, moved: set[int], lost: set[int]) -> list[int]:
    """The missing files that stay: those whose disk may not be mounted, and large losses.

    moved: ids of files that have a new path; lost: ids of files that were the last with their picture.
    """
    kept = [i for i in found.doubtful + found.unconfirmed if i not in moved]
    gone = [i for i in found.gone if i in lost]
    n_pictures = scan.folder.n_pictures - len(kept)
    is_large = len(gone) > LARGE_LOSS and 2 * len(gone) > n_pictures
    if gone and (is_large or len(gone) == n_pictures or scan.n_found == 0):
        kept += gone
    return kept
