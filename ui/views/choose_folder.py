"""Choose a folder of the computer that runs the page, by looking into folders or by its path."""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from indexer.errors import CosmosSearchError, UsageError
from indexer.ingest.errors import FolderError
from indexer.ingest.scan_plan import resolve_folder
from indexer.pictures.ignore import IGNORE_FILE
from ui.components.components import FolderEntry, FolderList, show_folders
from ui.escape import escape_markdown, replace_surrogates
from ui.files.folders import Count, FolderListing, Subfolder, check_choosable, find_home, find_start, list_folder
from ui.views.advice import advise_install, show_error

__all__ = ["ERROR", "show_folder_chooser"]

PLACE, SERIAL = "chosen_folder", "chosen_serial"  # keys of the open folder in the session, and of its number
ERROR = "folder_error"  # key of an error in the session, which is shown below the chooser
MAX_NAME = 40  # characters on the button

OnChoose = Callable[[Sequence[Path]], None]


def show_folder_chooser(on_choose: OnChoose, *, is_busy: bool, show_options: Callable[[], None] | None = None) -> None:
    """A list of folders, a button that chooses the open one, and a field for the path of any other folder.

    show_options: shows what else is chosen, beside the button.
    """
    home = find_home()
    listing = _list_open_folder(home)
    if listing is not None:
        _show_listing(listing)
    with st.container(horizontal=True, vertical_alignment="bottom", key="index_row"):
        if show_options is not None:
            show_options()
        if listing is not None:
            name = _shorten(_get_name(listing.path, home))
            st.button(
                f"Index {escape_markdown(name)}",
                key="index_folder",
                type="primary",
                disabled=is_busy or listing.count == Count(),
                on_click=_choose,
                args=(on_choose, listing.path, home),
            )
    if listing is not None and listing.count.n_needs_extra:
        st.caption(f"HEIC and raw files are skipped. {advise_install('formats')}")
    if (error := st.session_state.pop(ERROR, None)) is not None:
        show_error(error)
    with st.expander("Folder elsewhere on that computer", expanded=listing is None):
        _show_path_field(on_choose)


def _list_open_folder(home: Path) -> FolderListing | None:
    """The open folder; the home folder if it was deleted. None if there is none that can be read."""
    place: Path = st.session_state.setdefault(PLACE, find_start(home))
    st.session_state.setdefault(SERIAL, 0)
    for path in (place, home):
        try:
            return list_folder(path, home)
        except FolderError:
            st.session_state[PLACE] = home
            st.session_state[SERIAL] += 1
    return None


def _show_listing(listing: FolderListing) -> None:
    folders = [
        FolderEntry(replace_surrogates(one.name), _describe_subfolder(one), one.is_readable)
        for one in listing.subfolders
    ]
    names = ["Home folder", *(replace_surrogates(path.name) for path in listing.crumbs[1:])]
    show_folders(
        FolderList(st.session_state[SERIAL], names, folders, _describe(listing)),
        key="folders",
        on_open=lambda i: _open([one.path for one in listing.subfolders], i),
        on_crumb=lambda i: _open(listing.crumbs, i),
    )


def _describe_subfolder(folder: Subfolder) -> str:
    if not folder.is_readable:
        return "can't be opened"
    return f"left out by {IGNORE_FILE}" if folder.is_ignored else _format_count(folder.count)


def _describe(listing: FolderListing) -> str:
    if listing.problem is not None:
        return f"No pictures here can be indexed: {replace_surrogates(listing.problem)}"
    count = _format_count(listing.count) or "pictures were not counted"
    n = len(listing.subfolders)
    folders = f"{n:,} {'folder' if n == 1 else 'folders'}" if n else "no folders"
    more = f", and {listing.n_not_shown:,} that are not listed" if listing.n_not_shown else ""
    return f"In this folder: {count}, {folders}{more}"


def _format_count(count: Count) -> str:
    """Text such as "1,204 pictures", "more than 50,000 pictures"; "" if time was up before any was found."""
    n = count.n_pictures
    if not count.is_complete:
        return f"more than {n:,} pictures" if n else ""
    more = f", {count.n_needs_extra:,} HEIC or raw files" if count.n_needs_extra else ""
    return (f"{n:,} {'picture' if n == 1 else 'pictures'}" if n else "no pictures") + more


def _open(paths: Sequence[Path], index: int) -> None:
    """Callback: open one of the folders, unless it was deleted or replaced by a link since."""
    try:
        if 0 <= index < len(paths):
            st.session_state[PLACE] = check_choosable(paths[index], find_home())
            st.session_state[SERIAL] += 1
    except FolderError as error:
        st.session_state[ERROR] = error


def _choose(on_choose: OnChoose, path: Path, home: Path) -> None:
    try:
        on_choose([check_choosable(path, home)])
    except CosmosSearchError as error:
        st.session_state[ERROR] = error


def _show_path_field(on_choose: OnChoose) -> None:
    with st.form("add", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Folder with pictures", key="folder_to_add", placeholder=str(find_home() / "Pictures"))
        st.form_submit_button("Index", on_click=_choose_path, args=(on_choose,))


def _choose_path(on_choose: OnChoose) -> None:
    path = st.session_state["folder_to_add"].strip()
    # Visitors do not know the server's current directory.
    if not (path.startswith("~") or Path(path).is_absolute()):
        st.session_state[ERROR] = UsageError("Enter the full path of a folder, starting at the root or at ~.")
        return
    try:
        on_choose([resolve_folder(Path(path))])
    except CosmosSearchError as error:
        st.session_state[ERROR] = error


def _get_name(path: Path, home: Path) -> str:
    return "the home folder" if path == home.resolve() else path.name


def _shorten(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
