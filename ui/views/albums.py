"""Albums and saved searches: their list, and how pictures and searches are added. Files are never changed."""

from urllib.parse import parse_qsl, urlencode

import streamlit as st

from indexer.errors import CosmosSearchError
from indexer.store.albums import FAVOURITES, MAX_NAME, Album
from ui.components.data_uri import encode_jpeg_uri, make_image_html
from ui.counts import format_count
from ui.escape import escape_markdown
from ui.session.address import go
from ui.session.albums import change_album
from ui.session.shared import SharedResources
from ui.session.state import State
from ui.views.advice import show_error

__all__ = ["show_add_to_album", "show_album_heading", "show_albums", "show_save_search"]

COVER_SIDE = 120
ERROR = "album_error"  # key of an error in the session, shown at the next run


def show_albums(shared: SharedResources, state: State) -> None:
    """The whole view."""
    _show_error()
    albums = shared.library.albums()
    if not albums:
        st.info(
            "There are no albums yet. Select pictures and add them to an album, mark favourites in the full view of a "
            "picture, or save a search.",
            icon=":material/photo_album:",
        )
    for album in albums:
        _show_album(shared, album)


def show_album_heading(shared: SharedResources, state: State) -> None:
    """Name of the album that the state names."""
    name = next((album.name for album in shared.library.albums() if album.id == state.album), "This album was deleted")
    st.markdown(f"**{escape_markdown(name)}**", width="content")
    st.button("All pictures", icon=":material/close:", on_click=go, kwargs={"album": None})


def show_save_search(shared: SharedResources, state: State) -> None:
    """A button that stores the search under a name."""
    with st.popover("Save", icon=":material/bookmark_add:"), st.form("save_search", border=False):
        name = st.text_input("Name", key="search_name", value=state.query[:MAX_NAME], max_chars=MAX_NAME)
        if st.form_submit_button("Save search"):
            address = urlencode(state.with_(picture=None).to_address())
            try:
                shared.library.save_search(name, address)
            except CosmosSearchError as error:
                show_error(error)
            else:
                st.success("Saved. It is listed in the Albums view.")


def show_add_to_album(shared: SharedResources) -> None:
    """A button that adds the selected pictures to an album, or removes them from it."""
    _show_error()
    names = [album.name for album in shared.library.albums() if album.search is None]
    with st.popover("Add to album", icon=":material/photo_album:"):
        name = st.selectbox(
            "Album", sorted({FAVOURITES, *names}), key="album_name", accept_new_options=True, index=None,
            placeholder="Choose an album, or enter a new name",
        )  # fmt: skip
        with st.container(horizontal=True):
            st.button("Add", key="add_to_album", on_click=_change, args=(shared, name, True), disabled=not name)
            is_known = name in names
            st.button("Remove from it", on_click=_change, args=(shared, name, False), disabled=not is_known)


def _change(shared: SharedResources, name: str, is_in: bool) -> None:
    ids = st.session_state.get("selected", ())
    try:
        change_album(shared, name, ids, is_in=is_in)
    except CosmosSearchError as error:
        st.session_state[ERROR] = error
        return
    st.session_state.update(selected=[])
    st.toast(f"{'Added to' if is_in else 'Removed from'} {escape_markdown(name)}: {len(ids):,}")


def _show_album(shared: SharedResources, album: Album) -> None:
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        pictures = [] if album.cover is None else shared.library.pictures([album.cover])
        cover = shared.thumbnails.get(pictures[0]) if pictures else None
        if cover is not None:
            st.html(make_image_html(encode_jpeg_uri(cover), "", COVER_SIDE), width="content")
        kind = "saved search" if album.search is not None else format_count(album.n_pictures, "picture")
        st.markdown(f"**{escape_markdown(album.name)}**  \n{kind}")
        st.button("Open", key=f"open_album_{album.id}", on_click=_open, args=(album,))
        with st.popover("Delete"):
            st.markdown("Deletes the album only. The pictures stay in the index, and their files are not changed.")
            st.button("Delete album", key=f"delete_album_{album.id}", on_click=_delete, args=(shared, album))


def _open(album: Album) -> None:
    if album.search is None:
        go(view="search", query="", similar_to=None, album=album.id)
    else:
        st.query_params.from_dict(State.from_address(dict(parse_qsl(album.search))).to_address())


def _delete(shared: SharedResources, album: Album) -> None:
    try:
        shared.library.delete_album(album.id)
    except CosmosSearchError as error:
        st.session_state[ERROR] = error


def _show_error() -> None:
    if (error := st.session_state.pop(ERROR, None)) is not None:
        show_error(error)
