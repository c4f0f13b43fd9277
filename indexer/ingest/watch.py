"""Wait for changes in folders, which may vanish and return: their disk is unmounted, or they are renamed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Event

from indexer.ingest.errors import WatchError
from indexer.pictures.ignore import IGNORE_FILE
from indexer.pictures.suffixes import readable
from indexer.pictures.walk import is_left_out

__all__ = ["watch_folders"]

QUIET_MS, MAX_WAIT_MS = 500, 10_000  # a batch ends after a pause in the changes, or after this time
TICK_MS = 1000  # between two looks whether the folders are there
Present = dict[Path, tuple[int, int]]  # the folders that are there, with their device and inode


def watch_folders(list_folders: Callable[[], Sequence[Path]], stop: Event) -> Iterator[set[Path]]:
    """The directories to look through, in batches: at first all folders, then those in which something has changed.

    All folders again when one of them has come, returned, or is on another disk. An empty set each second without
    changes. Ends after `stop` was set. list_folders: is called each second, so that it can change. Needs the package
    watchfiles. Raises WatchError.
    """
    from watchfiles import watch

    while not stop.is_set():
        present = _find_present(list_folders())
        if not present:
            yield set()
            stop.wait(TICK_MS / 1000)
            continue
        batches = watch(
            *present,
            watch_filter=None,
            step=QUIET_MS,
            debounce=MAX_WAIT_MS,
            rust_timeout=TICK_MS,
            yield_on_timeout=True,
            stop_event=stop,
            raise_interrupt=False,
            ignore_permission_denied=True,
        )
        is_first = True  # the changes are collected from now on, so that none is missed during the first look
        try:
            for changes in batches:
                yield set(present) if is_first else _find_directories((Path(path) for _, path in changes), present)
                is_first = False
                if _find_present(list_folders()) != present:
                    break
        except FileNotFoundError:  # a folder vanished just now
            stop.wait(TICK_MS / 1000)
        except OSError as error:
            raise WatchError(error.strerror or str(error)) from error
        finally:
            batches.close()


def _find_present(folders: Iterable[Path]) -> Present:
    found = {}
    for folder in folders:
        try:
            status = folder.stat()
            if folder.is_dir():
                found[folder] = status.st_dev, status.st_ino
        except OSError:  # it is not there, or its server does not answer
            continue
    return found


def _find_directories(changed: Iterable[Path], folders: Iterable[Path]) -> set[Path]:
    """The innermost directories that are there of the changed files and directories that may matter to an index."""
    found = set()
    for path in filter(_may_matter, changed):
        folder = next((folder for folder in folders if path.is_relative_to(folder)), None)
        inside = path.parts[len(folder.parts) :] if folder is not None else ()
        if folder is None or any(is_left_out(part) for part in inside if part != IGNORE_FILE):
            continue
        directory = path if path == folder else path.parent
        while directory != folder and not directory.is_dir():
            directory = directory.parent
        if directory.is_dir():
            found.add(directory)
    return found


def _may_matter(path: Path) -> bool:
    """False for a file that is there and no picture. What is not there may have been a directory of pictures."""
    return path.suffix.lower() in readable() or path.name == IGNORE_FILE or not path.is_file()
