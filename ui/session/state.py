"""The state of the page, kept in the query parameters of its address, so that it can be bookmarked and shared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from cosmos_search.explore.duplicate_groups import GroupKind
from cosmos_search.retrieval.filters import parse_filters
from cosmos_search.retrieval.query import parse_box, parse_query
from indexer.errors import UsageError
from indexer.pictures.regions import Box
from indexer.store.filter_record import ORIENTATIONS, Filters

__all__ = ["DEFAULT", "MAX_TEXT", "State"]

View = Literal["search", "explore", "albums", "library"]
Sort = Literal["score", "date"]
Explore = Literal["map", "world", "duplicates"]
MAX_PAGE = 10_000
MAX_TEXT = 1000  # characters of a query, and of any other value


@dataclass(frozen=True, slots=True)
class State:
    """What the page shows. Field names are names of query parameters; invalid values are ignored."""

    view: View = "search"
    query: str = ""
    similar_to: int | None = None  # id of the picture to find similar pictures of
    box: Box | None = None  # search for this part of it
    after: str = ""  # filters, as text: dates, a path, a name, a place, a size
    before: str = ""
    folder: str = ""
    camera: str = ""
    near: str = ""
    min_size: str = ""
    orientation: str = ""
    album: int | None = None  # id of the album that has the pictures
    sort: Sort = "score"
    page: int = 1  # of the groups of near duplicates
    all: bool = False  # include unlikely matches
    where: bool = True  # show boxes on the thumbnails
    names: bool = False  # show names and scores on all thumbnails
    picture: int | None = None  # id of the picture in the detail view
    explore: Explore = "map"
    cluster: int | None = None  # selected cluster of the map
    kind: GroupKind = "copies"  # of the groups of duplicates
    copies_of: int | None = None  # id of the picture of which the groups are shown; None: all groups

    @classmethod
    def from_address(cls, address: Mapping[str, str]) -> "State":
        """The state in the query parameters of an address."""
        address = {"similar_to": address["like"], **address} if "like" in address else address  # its earlier name
        values = {name: _parse_value(name, address[name][:MAX_TEXT]) for name in _NAMES if name in address}
        return cls(**{name: value for name, value in values.items() if value is not None})

    def to_address(self) -> dict[str, str]:
        """Query parameters of this state, without default values."""
        changed = {name: getattr(self, name) for name in _NAMES if getattr(self, name) != getattr(DEFAULT, name)}
        return {name: _format_value(value) for name, value in changed.items()}

    def with_(self, **changes: Any) -> "State":
        """A copy with changed fields.

        A changed search starts at page 1 with no picture open. A changed query or example resets `all`, and a changed
        example resets `box`. Another view resets `copies_of`.
        """
        resets: dict[str, Any] = {}
        if not changes.keys() <= {"page", "picture", "where", "names"}:
            resets |= {"page": 1, "picture": None}
        if changes.keys() & {"query", "similar_to"}:
            resets |= {"all": False}
        if "similar_to" in changes:
            resets |= {"box": None}
        if changes.keys() & {"view", "explore", "kind"}:
            resets |= {"copies_of": None}
        return replace(self, **resets | changes)

    @property
    def shown_cluster(self) -> int | None:
        """The cluster of the map whose pictures are shown below it."""
        return self.cluster if self.view == "explore" and self.explore == "map" else None

    @property
    def excluded_texts(self) -> tuple[str, ...]:
        """The texts that the query excludes, if it says nothing else. Raises UsageError for an invalid query."""
        if "text:" not in self.query.casefold():
            return ()
        query = parse_query(self.query)
        return () if query.terms else query.without_texts

    @property
    def filters(self) -> Filters | None:
        """The filters, or None if none is set. Raises UsageError for an invalid value.

        A query that only excludes texts ranks nothing: it is one of the filters.
        """
        filters = parse_filters(
            after=self.after,
            before=self.before,
            directory=self.folder,
            camera=self.camera,
            near=self.near,
            min_size=self.min_size,
            orientation=self.orientation,
        )
        filters = replace(filters, album=self.album, without_texts=self.excluded_texts)
        return None if filters == Filters() else filters


DEFAULT = State()
_NAMES = tuple(field.name for field in fields(State))


def _parse_value(name: str, text: str) -> Any:
    """The value of a query parameter; None if it is not valid."""
    try:
        return _PARSERS.get(name, str)(text)
    except (ValueError, UsageError):
        return None


def _format_value(value: object) -> str:
    if isinstance(value, Box):
        return ",".join(f"{edge:.4g}" for edge in (value.left, value.top, value.right, value.bottom))
    return str(int(value)) if isinstance(value, bool) else str(value)


def _make_choice_parser(*known: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(text)
        return text

    return parse


def _parse_count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise ValueError(text)
    return int(text)


def _parse_page(text: str) -> int:
    return min(max(1, _parse_count(text)), MAX_PAGE)


def _parse_flag(text: str) -> bool:
    return bool(_parse_count(text))


_PARSERS: dict[str, Callable[[str], Any]] = {
    "view": _make_choice_parser(*get_args(View)),
    "sort": _make_choice_parser(*get_args(Sort)),
    "explore": _make_choice_parser(*get_args(Explore)),
    "kind": _make_choice_parser(*get_args(GroupKind)),
    "orientation": _make_choice_parser(*ORIENTATIONS),
    "similar_to": _parse_count,
    "picture": _parse_count,
    "album": _parse_count,
    "cluster": _parse_count,
    "copies_of": _parse_count,
    "page": _parse_page,
    "box": parse_box,
    "all": _parse_flag,
    "where": _parse_flag,
    "names": _parse_flag,
}
