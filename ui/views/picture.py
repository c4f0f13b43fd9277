"""One picture, looked at closely: where each sentence was found, what is known of it, and where to go from it."""

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.extras import MissingExtraError
from cosmos_search.retrieval.explain import draw_heat, heat_map
from cosmos_search.retrieval.hits import Evidence, Hit
from indexer.errors import PictureError
from indexer.store.records import PictureRecord
from ui.components.cards import Part, colour, facts, parts_of
from ui.components.components import frame
from ui.components.data_uri import data_uri
from ui.components.globe import place_link, place_map
from ui.escape import plain, readable
from ui.files.originals import upright
from ui.session.address import bound, go
from ui.session.shared import Opened
from ui.session.state import State

__all__ = ["picture_view"]

SIDE = 1280  # pixels of its longer side


def picture_view(shared: Opened, state: State, shown: Sequence[Hit] | Sequence[PictureRecord]) -> None:
    """shown: the pictures beside it, for the way to the next one."""
    assert state.picture is not None
    picture = shared.library.picture(state.picture)
    if picture is None:
        st.info("This picture is not indexed any more.")
        st.button("Back to the pictures", on_click=go, kwargs={"picture": None})
        return
    evidence = next((one.evidence for one in shown if isinstance(one, Hit) and one.picture.id == picture.id), ())
    ids = [one.picture.id if isinstance(one, Hit) else one.id for one in shown]
    _ways(state, ids)
    large, beside = st.columns([5, 3], gap="large")
    with large:
        _large(shared, state, picture, evidence, ids)
    with beside:
        _why(state, evidence)
        _known(picture)
        st.button(
            "More like this",
            icon=":material/image_search:",
            on_click=go,
            kwargs={"query": "", "like": picture.id},
            width="stretch",
        )


def _neighbour(state: State, ids: Sequence[int], step: int) -> int | None:
    """The picture before or after the one that is shown."""
    place = ids.index(state.picture) + step if state.picture in ids else -1
    return ids[place] if 0 <= place < len(ids) else None


def _ways(state: State, ids: Sequence[int]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All pictures", icon=":material/arrow_back:", on_click=go, kwargs={"picture": None}, help="Esc")
        for label, icon, step in (("Previous", ":material/chevron_left:", -1), ("Next", ":material/chevron_right:", 1)):
            id_ = _neighbour(state, ids, step)
            st.button(label, icon=icon, disabled=id_ is None, on_click=go, kwargs={"picture": id_})


def _large(
    shared: Opened, state: State, picture: PictureRecord, evidence: Sequence[Evidence], ids: Sequence[int]
) -> None:
    def stepped(step: int) -> None:
        if (id_ := _neighbour(state, ids, step)) is not None:
            go(picture=id_)

    try:
        image = upright(picture, SIDE)
    except PictureError as error:
        st.warning(f"This picture can't be shown: {plain(error)}.", icon=":material/broken_image:")
        return
    parts: Sequence[Part] = parts_of(evidence) if state.where else ()
    if state.heat is not None and state.heat < len(evidence) and not evidence[state.heat].is_example:
        try:
            heat = _heat(shared, picture, image, evidence[state.heat])
        except MissingExtraError as error:
            st.info(plain(error))
        else:
            if heat is None:
                st.caption("This model does not know where in a picture a text is.")
            else:
                image, parts = draw_heat(image, heat, evidence[state.heat].text, colour(state.heat)), ()
    frame(
        key="large",
        image=data_uri(image),
        alt=readable(picture.facts.metadata.caption or picture.paths[0].name),
        size=image.size,
        parts=parts,
        on_drawn=lambda box: go(query="", like=picture.id, box=box),
        on_closed=lambda: go(picture=None),
        on_stepped=stepped,
    )
    st.caption("Drag a box over a part of it to search for that part. Esc: back; arrow keys: the next one.")


def _heat(shared: Opened, picture: PictureRecord, image: Image.Image, part: Evidence) -> NDArray[np.float32] | None:
    encoder = shared.library.encoder
    return shared.remembered("heat", lambda: heat_map(encoder, image, part.text), picture.fingerprint, part.text)


def _why(state: State, evidence: Sequence[Evidence]) -> None:
    """Each sentence with its score, and a switch for its heat map."""
    if not evidence:
        return
    st.markdown("**Why it was found**")
    for number, part in enumerate(parts_of(evidence)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(_bar(part))
            if not evidence[number].is_example:
                key = bound(f"heat_{number}", state.heat == number)
                st.toggle("Heat map", key=key, on_change=_heat_switched, args=(number, key))


def _bar(part: Part) -> str:
    """The sentence, its score, and the score as a bar in its colour."""
    return (
        f'<div style="display:flex;gap:.6em"><span style="flex:1">{escape(part.text)}</span><b>{part.figure}</b></div>'
        f'<div style="height:8px;margin-top:4px;border-radius:4px;background:#8884">'
        f'<div style="width:{100 * part.score:.0f}%;height:8px;border-radius:4px;background:{part.colour}"></div></div>'
    )


def _heat_switched(number: int, key: str) -> None:
    go(heat=number if st.session_state[key] else None)


def _known(picture: PictureRecord) -> None:
    st.markdown("**" + plain(picture.paths[0].name) + "**")
    for name, value in facts(picture):
        st.markdown(f":gray[{name}] &nbsp; {plain(value)}")
    for path in picture.paths:
        st.code(readable(path), language=None, wrap_lines=True)
    m = picture.facts.metadata
    if m.latitude is not None and m.longitude is not None:
        st.image(place_map(m.latitude, m.longitude), width="stretch")
        st.link_button("Open a map in the web", place_link(m.latitude, m.longitude), icon=":material/open_in_new:")
