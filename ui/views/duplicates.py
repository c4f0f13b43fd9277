"""The part of the Explore view that shows copies of pictures and bursts, and lists the files that need not be kept."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from cosmos_search.explore.duplicate_groups import DuplicateGroup, Duplicates
from indexer.store.records import PictureRecord
from ui.components.cards import Card, make_card
from ui.counts import format_count
from ui.escape import escape_markdown, replace_surrogates
from ui.files.downloads import format_groups_csv, format_other_paths
from ui.session.address import bind_widget, go, show_choice
from ui.session.shared import SharedResources
from ui.session.state import State
from ui.views.grid import show_picture_grid

__all__ = ["show_duplicates"]

GROUPS_PER_PAGE = 10
MAX_PICTURES = 60  # shown of a group
EXPLANATIONS = {
    "copies": "The same picture: smaller, re-encoded, slightly cropped, brighter or turned. The pixels of each copy "
    "were compared with those of the best one.",
    "burst": "One scene, photographed by one camera within seconds. These are different pictures.",
}


def show_duplicates(shared: SharedResources, state: State) -> None:
    """The groups of one kind, with downloads of their lists. Nothing is deleted here or elsewhere."""
    found = _find_groups(shared)
    if state.copies_of is not None:
        _show_copies(shared, state, found, state.copies_of)
        return
    labels = {
        "copies": f"Copies ({len(found.of_kind('copies')):,})",
        "burst": f"Bursts ({len(found.of_kind('burst')):,})",
    }
    show_choice("Kind", "kind", state.kind, labels)
    st.caption(EXPLANATIONS[state.kind])
    if found.n_unreadable:
        pictures = f"{format_count(found.n_unreadable, 'picture')} {'was' if found.n_unreadable == 1 else 'were'}"
        st.caption(f"{pictures} left out, because files can't be read any more.")
    groups = found.of_kind(state.kind)
    if not groups:
        name = "copies" if state.kind == "copies" else "bursts"
        st.info(f"No {name} among {format_count(found.n_pictures, 'picture')}.", icon=":material/check_circle:")
        return
    _show_downloads(groups)
    n_pages = -(-len(groups) // GROUPS_PER_PAGE)
    page = min(state.page, n_pages)
    first = (page - 1) * GROUPS_PER_PAGE
    for number, group in enumerate(groups[first : first + GROUPS_PER_PAGE], first + 1):
        _show_group(shared, state, group, number)
    if n_pages > 1:
        key = bind_widget("group_page", page)
        st.pagination(n_pages, key=key, on_change=lambda: go(page=st.session_state["group_page"]))


def _show_copies(shared: SharedResources, state: State, found: Duplicates, id_: int) -> None:
    """The groups with one picture, which was asked for."""
    st.button("All groups", icon=":material/close:", on_click=go, kwargs={"copies_of": None})
    groups = [group for group in found.groups if any(picture.id == id_ for picture in group.pictures)]
    for number, group in enumerate(groups, 1):
        st.caption(EXPLANATIONS[group.kind])
        _show_group(shared, state, group, number)
    if not groups:
        st.info("There are no copies of this picture.", icon=":material/check_circle:")


def _find_groups(shared: SharedResources) -> Duplicates:
    """All groups, with a progress bar while they are computed."""
    placeholder = st.empty()

    def show_share(share: float) -> None:
        placeholder.progress(min(1.0, share), text="Comparing all pictures; each is read once …")

    found = shared.cached_until_idle("duplicates", lambda: shared.library.near_duplicates(on_progress=show_share))
    placeholder.empty()
    return found


def _show_downloads(groups: Sequence[DuplicateGroup]) -> None:
    n_others = sum(len(group.other_paths) for group in groups)
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(
            f"Keep the best of each group, list the **{format_count(n_others, 'other')}**. "
            "Nothing is ever deleted by this program.",
            width="content",
        )
        st.download_button(
            "List as CSV", format_groups_csv(groups), "duplicates.csv", "text/csv", on_click="ignore", key="groups_csv"
        )
        st.download_button(
            "List of paths", format_other_paths(groups), "duplicates.txt", "text/plain", on_click="ignore"
        )


def _show_group(shared: SharedResources, state: State, group: DuplicateGroup, number: int) -> None:
    """A framed group: the best picture first, with the reason why it is the best."""
    with st.container(border=True):
        n_files = 1 + len(group.other_paths)
        why = f": {', '.join(group.reasons)}" if group.reasons else ": all are equally good"
        st.markdown(f"**Group {number:,}** · {n_files:,} files · best{why}")
        cards = [_make_card(picture, group) for picture in group.pictures[:MAX_PICTURES]]
        show_picture_grid(state, cards, key=f"group_{group.kind}_{number}", names=True)
        if len(group.pictures) > MAX_PICTURES:
            st.caption(f"The first {MAX_PICTURES:,} of {len(group.pictures):,}.")
        same = [path for picture in group.pictures for path in picture.paths[1:] if path in group.other_paths]
        for path in same:
            st.caption(f"Same content: {escape_markdown(replace_surrogates(path))}")


def _make_card(picture: PictureRecord, group: DuplicateGroup) -> Card:
    """The card of a picture with its size and format; the best one has a badge."""
    suffix = replace_surrogates(picture.paths[0].suffix.lstrip(".").upper())
    taken = picture.facts.metadata.taken_at
    notes = [f"{picture.facts.width} × {picture.facts.height}", suffix, f"{taken:%d %b %Y, %H:%M:%S}" if taken else ""]
    card = make_card(picture)
    badge = "Best" if picture.id == group.best.id else ""
    return replace(card, note=" · ".join(filter(None, notes)), badge=badge)
