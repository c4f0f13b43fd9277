"""Groups of pictures: copies of each other, or photos of a burst."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cosmos_search.explore.best_picture import Reason
from indexer.store.records import PictureRecord

__all__ = ["DuplicateGroup", "Duplicates", "GroupKind", "list_files", "split_components"]

GroupKind = Literal["copies", "burst"]


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Files that show the same picture ("copies"), or photos of one scene that were taken within seconds ("burst")."""

    kind: GroupKind
    best: PictureRecord
    reasons: tuple[Reason, ...]  # why `best` is the best; none: they are equally good, and it is the first by path
    others: tuple[PictureRecord, ...]  # none: `best` has several files of the same content

    @property
    def pictures(self) -> tuple[PictureRecord, ...]:
        """All pictures of the group, the best one first."""
        return (self.best, *self.others)

    @property
    def keep(self) -> Path:
        """The file to keep."""
        return self.best.paths[0]

    @property
    def other_paths(self) -> tuple[Path, ...]:
        """All other files. Names of the kept file itself (links, a directory mounted twice) are left out."""
        paths = (path for picture in self.pictures for path in picture.paths)
        return tuple(path for path in paths if path != self.keep and not _is_same_file(path, self.keep))

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON: the kind, the file to keep with the reasons, the other files, and the pictures."""
        return {
            "kind": self.kind,
            "keep": str(self.keep),
            "reasons": list(self.reasons),
            "others": [str(path) for path in self.other_paths],
            "pictures": [picture.to_dict() for picture in self.pictures],
        }


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The groups of an index: copies before bursts, larger groups first."""

    groups: tuple[DuplicateGroup, ...]
    n_pictures: int  # that were compared
    n_unreadable: int  # pictures that were left out, because no file of them can be read any more

    def of_kind(self, kind: GroupKind) -> tuple[DuplicateGroup, ...]:
        """The groups of this kind."""
        return tuple(group for group in self.groups if group.kind == kind)

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        groups = [group.to_dict() for group in self.groups]
        return {"groups": groups, "n_pictures": self.n_pictures, "n_unreadable": self.n_unreadable}


def list_files(groups: Sequence[DuplicateGroup]) -> Iterator[tuple[int, GroupKind, str, str, Path]]:
    """A row for each file: number of the group from 1, kind, "keep" or "other", reasons, path."""
    for number, group in enumerate(groups, 1):
        yield number, group.kind, "keep", ", ".join(group.reasons), group.keep
        for path in group.other_paths:
            yield number, group.kind, "other", "", path


def split_components(neighbours: Mapping[int, set[int]]) -> Iterator[set[int]]:
    """The connected components of a graph. neighbours: of each node."""
    left = set(neighbours)
    while left:
        component, new = set[int](), {left.pop()}
        while new:
            component |= new
            new = set[int]().union(*(neighbours[node] for node in new)) - component
        left -= component
        yield component


def _is_same_file(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # it was deleted
        return False
