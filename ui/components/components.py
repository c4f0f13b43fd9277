"""Streamlit components of the page: a grid of pictures, a picture with boxes, two maps of pictures, a list of folders.

Each has its CSS and JavaScript beside this file, without a build step. The scripts are modules that the browser loads
from `ui.routes` and keeps; a component's message has only their address. Data is inserted as text, never as HTML.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from indexer.pictures.regions import Box
from ui.components.cards import Card, Part
from ui.components.outline import Outline
from ui.settings import SCRIPTS

__all__ = [
    "FolderEntry",
    "FolderList",
    "GridData",
    "show_folders",
    "show_frame",
    "show_grid",
    "show_map",
    "show_search_helper",
]

MapKind = Literal["similar", "world"]
NOTES: dict[MapKind, str] = {  # while its data are on the way
    "similar": "Computing the map. The first time takes some seconds …",
    "world": "Loading the map …",
}
HERE = Path(__file__).parent
# Several lines, because Streamlit takes one line for the name of a file.
LOADER = 'const {{ default: show }} = await import(new URL("{url}", document.baseURI).href);\nexport default show;\n'


def _register_component(name: str, html: str) -> Any:
    css = (HERE / f"{name}.css").read_text(encoding="utf-8")
    js = LOADER.format(url=f"{SCRIPTS.lstrip('/')}/{name}.js")
    return st.components.v2.component(f"cosmos_search_{name}", html=html, css=css, js=js)


_grid = _register_component("grid", '<div class="grid"></div>')
_frame = _register_component("frame", '<div class="holder"></div>')
_map = _register_component("map", '<div class="map"></div>')
_folders = _register_component(
    "folders",
    '<div class="folders"><ul class="path" aria-label="Path"></ul><p class="status" role="status"></p>'
    '<ul class="list" aria-label="Folders"></ul></div>',
)
_search_helper = _register_component("search", "<span></span>")


@dataclass(frozen=True, slots=True)
class GridData:
    """What a grid needs to begin; it requests the rest from `ui.routes`."""

    address: str  # query parameters of the search
    outline: Outline  # of the first pictures
    cards: Sequence[Card]  # of the first pictures
    n: int | None  # all pictures; None: not known yet
    is_complete: bool  # the outline has all pictures
    picture: int | None  # the open one
    selected: Sequence[int]
    boxes: bool  # show regions on the pictures
    names: bool  # show names and scores on all pictures, not only on that under the mouse
    ticket: str  # admits to the routes; empty if no login is needed


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """A folder in a list. count: what it holds, as text."""

    name: str
    count: str
    is_readable: bool


@dataclass(frozen=True, slots=True)
class FolderList:
    """An open folder. crumbs: the names of the folders that lead to it. status: what it holds, as text."""

    serial: int  # another number for each opened folder
    crumbs: Sequence[str]
    folders: Sequence[FolderEntry]
    status: str


def show_grid(
    data: GridData,
    *,
    key: str,
    on_find_similar: Callable[[int], None],
    on_find_copies: Callable[[int], None],
    on_find_part: Callable[[int, Box], None],
    on_select: Callable[[Sequence[int]], None],
) -> None:
    """A grid of pictures, which opens them in the full window. Arrow keys move the focus, Enter opens, space selects.

    on_find_similar, on_find_copies: get the id of a picture. on_find_part: gets the id and a part of the picture.
    on_select: gets all selected ids, including those of other searches.
    """

    def find_part() -> None:
        part = st.session_state[key].part
        on_find_part(int(part["id"]), Box(*map(float, part["box"])))

    _grid(
        key=key,
        data=asdict(data),
        on_similar_change=lambda: on_find_similar(int(st.session_state[key].similar)),
        on_copies_change=lambda: on_find_copies(int(st.session_state[key].copies)),
        on_part_change=find_part,
        on_selected_change=lambda: on_select([int(id_) for id_ in st.session_state[key].selected]),
    )


def show_folders(
    folders: FolderList, *, key: str, on_open: Callable[[int], None], on_crumb: Callable[[int], None]
) -> None:
    """A list of folders to open. on_open gets the index of a folder, on_crumb that of one in the path."""

    def call(handler: Callable[[int], None], name: str) -> None:
        value = st.session_state[key][name]
        if value["serial"] == folders.serial:  # else it was sent from a list that is not shown any more
            handler(int(value["index"]))

    _folders(
        key=key,
        data=asdict(folders),
        on_folder_change=lambda: call(on_open, "folder"),
        on_crumb_change=lambda: call(on_crumb, "crumb"),
    )


def show_search_helper(ticket: str, query: str, *, key: str, on_filter: Callable[[dict[str, str]], None]) -> None:
    """Makes `/` go to the search box, and offers it recent searches and names in the collection. Shows nothing.

    query: the present one. on_filter: gets the filters that a chosen name stands for, by their names in the state.
    """
    _search_helper(
        key=key,
        data={"ticket": ticket, "query": query},
        height=1,
        on_filter_change=lambda: on_filter(dict(st.session_state[key].filter)),
    )


def show_frame(
    *,
    key: str,
    image: str | None,
    alt: str,
    size: tuple[int, int],
    parts: Sequence[Part] = (),
    on_draw: Callable[[Box], None] | None = None,
) -> None:
    """A picture with the boxes of its parts; without an image, a blank canvas with the text `alt`.

    image: a data URI. size: width and height, for the aspect ratio. on_draw: gets each box that is drawn.
    """
    handlers: dict[str, Callable[[], None]] = {}
    if on_draw is not None:
        handlers["on_box_change"] = lambda: on_draw(Box(*map(float, st.session_state[key].box)))
    _frame(
        key=key,
        data={
            "image": image,
            "alt": alt,
            "width": size[0],
            "height": size[1],
            "parts": [asdict(part) for part in parts],
            "drawable": on_draw is not None,
        },
        **handlers,
    )


def show_map(
    kind: MapKind,
    version: str,
    ticket: str,
    *,
    key: str,
    is_short: bool = False,
    on_open: Callable[[int], None],
    on_select_cluster: Callable[[int], None] | None = None,
    on_list: Callable[[str], None] | None = None,
) -> None:
    """A map of pictures, which requests its data.

    version: changes with the index. ticket: admits to the routes. is_short: there are pictures below the map.
    on_open gets the id of a picture, on_select_cluster the index of a cluster of similar pictures, on_list the circle
    around a place, as the filter `near` has it.
    """
    handlers: dict[str, Callable[[], None]] = {}
    if on_select_cluster is not None:
        handlers["on_cluster_change"] = lambda: on_select_cluster(int(st.session_state[key].cluster))
    if on_list is not None:
        handlers["on_near_change"] = lambda: on_list(str(st.session_state[key].near))
    _map(
        key=key,
        data={"kind": kind, "version": version, "ticket": ticket, "note": NOTES[kind], "is_short": is_short},
        on_open_change=lambda: on_open(int(st.session_state[key].open)),
        **handlers,
    )
