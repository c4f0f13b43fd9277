"""The detail view of a picture: regions and scores of the sentences, heat maps, metadata, navigation."""

from collections.abc import Sequence
from functools import partial
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.extras import MissingExtraError
from cosmos_search.retrieval.explain import draw_heat, heat_map, refine_evidence
from cosmos_search.retrieval.hits import Evidence, Hit
from indexer.errors import CosmosSearchError, PictureError
from indexer.pictures.regions import WHOLE
from indexer.store.records import PictureRecord, TextLine
from ui.components.cards import Part, get_colour, list_facts, make_parts, make_text_parts
from ui.components.components import show_frame
from ui.components.data_uri import encode_data_uri
from ui.components.globe import draw_place_map, make_map_link
from ui.escape import escape_markdown, replace_surrogates
from ui.files.originals import read_upright
from ui.session.address import bind_widget, go
from ui.session.shared import SharedResources
from ui.session.state import State
from ui.views.advice import show_error

__all__ = ["show_picture"]

SIDE = 1280  # pixels of the longer side


def show_picture(shared: SharedResources, state: State, results: Sequence[Hit] | Sequence[PictureRecord]) -> None:
    """The picture that the state names, or a message if it is not indexed any more.

    results: the current results, for evidence and for the previous and next picture.
    """
    assert state.picture is not None
    picture = shared.library.picture(state.picture)
    if picture is None:
        st.info("This picture is not indexed any more.")
        st.button("Back to the pictures", on_click=go, kwargs={"picture": None})
        return
    hit = next((one for one in results if isinstance(one, Hit) and one.picture.id == picture.id), None)
    evidence, texts = (hit.evidence, hit.texts) if hit is not None else ((), ())
    ids = [one.picture.id if isinstance(one, Hit) else one.id for one in results]
    _show_navigation(state, ids)
    left, right = st.columns([5, 3], gap="large")
    with left:
        _show_image(shared, state, picture, evidence, texts, ids)
    with right:
        _show_evidence(state, evidence, texts)
        _show_facts(picture)
        st.button(
            "More like this",
            icon=":material/image_search:",
            on_click=go,
            kwargs={"query": "", "similar_to": picture.id},
            width="stretch",
        )


def _find_neighbour(state: State, ids: Sequence[int], step: int) -> int | None:
    """The id of the previous (-1) or next (1) picture in the results; None at the ends."""
    index = ids.index(state.picture) + step if state.picture in ids else -1
    return ids[index] if 0 <= index < len(ids) else None


def _show_navigation(state: State, ids: Sequence[int]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All pictures", icon=":material/arrow_back:", on_click=go, kwargs={"picture": None}, help="Esc")
        for label, icon, step in (("Previous", ":material/chevron_left:", -1), ("Next", ":material/chevron_right:", 1)):
            id_ = _find_neighbour(state, ids, step)
            st.button(label, icon=icon, disabled=id_ is None, on_click=go, kwargs={"picture": id_})


def _show_image(
    shared: SharedResources,
    state: State,
    picture: PictureRecord,
    evidence: Sequence[Evidence],
    texts: Sequence[TextLine],
    ids: Sequence[int],
) -> None:
    def show_neighbour(step: int) -> None:
        if (id_ := _find_neighbour(state, ids, step)) is not None:
            go(picture=id_)

    try:
        image = read_upright(picture, SIDE)
    except PictureError as error:
        show_error(error)
        return
    parts: Sequence[Part] = make_parts(evidence) if state.where else ()
    if state.heat is not None and state.heat < len(evidence) and not evidence[state.heat].is_example:
        try:
            heat = _compute_heat_map(shared, picture, image, evidence[state.heat].text)
        except MissingExtraError as error:
            show_error(error)
        else:
            if heat is None:
                st.caption("This model has no heat maps.")
            else:
                image, parts = draw_heat(image, heat, evidence[state.heat].text, get_colour(state.heat)), ()
    elif state.where:
        parts = (*make_parts(_refine_boxes(shared, picture, image, evidence)), *make_text_parts(texts))
    show_frame(
        key="picture",
        image=encode_data_uri(image),
        alt=replace_surrogates(picture.facts.metadata.caption or picture.paths[0].name),
        size=image.size,
        parts=parts,
        on_draw=lambda box: go(query="", similar_to=picture.id, box=box),
        on_close=lambda: go(picture=None),
        on_step=show_neighbour,
    )
    st.caption(
        "Drag a box over a part of the picture to search for it. Esc: back. Arrow keys: previous and next picture."
    )


def _refine_boxes(
    shared: SharedResources, picture: PictureRecord, image: Image.Image, evidence: Sequence[Evidence]
) -> Sequence[Evidence]:
    """The evidence with refined boxes where boxes are drawn; as it is if the heat maps cannot be made."""
    try:
        return [
            part if part.is_negative else refine_evidence(part, partial(_compute_heat_map, shared, picture, image))
            for part in evidence
        ]
    except CosmosSearchError:  # shown when a heat map is asked for
        return evidence


def _compute_heat_map(
    shared: SharedResources, picture: PictureRecord, image: Image.Image, text: str
) -> NDArray[np.float32] | None:
    encoder = shared.library.encoder
    return shared.get_or_compute("heat", lambda: heat_map(encoder, image, text), picture.fingerprint, text)


def _show_evidence(state: State, evidence: Sequence[Evidence], texts: Sequence[TextLine]) -> None:
    """Each sentence with its score and a switch for its heat map, and the texts that have words of the query."""
    if not evidence:
        return

    def switch_heat_map(number: int, key: str) -> None:
        go(heat=number if st.session_state[key] else None)

    st.markdown("**Why it matches**")
    for number, part in enumerate(make_parts(evidence)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(_render_score_bar(part, is_whole=evidence[number].box == WHOLE))
            if not evidence[number].is_example:
                key = bind_widget(f"heat_{number}", state.heat == number)
                st.toggle("Heat map", key=key, on_change=switch_heat_map, args=(number, key))

    for part in make_text_parts(texts):
        mark = f'<span style="color:{part.colour}">■</span>'
        st.html(f"<div>{mark} {escape(part.text)}</div>")


def _render_score_bar(part: Part, *, is_whole: bool) -> str:
    """HTML with the sentence, its score, and the score as a bar. is_whole: no box is drawn for it."""
    note = ' <small style="opacity:.6">whole picture</small>' if is_whole else ""
    return (
        f'<div style="display:flex;gap:.6em"><span style="flex:1">{escape(part.text)}{note}</span>'
        f"<b>{part.score_text}</b></div>"
        f'<div style="height:8px;margin-top:4px;border-radius:4px;background:#8884">'
        f'<div style="width:{100 * part.score:.0f}%;height:8px;border-radius:4px;background:{part.colour}"></div></div>'
    )


def _show_facts(picture: PictureRecord) -> None:
    st.markdown("**" + escape_markdown(picture.paths[0].name) + "**")
    for name, value in list_facts(picture):
        st.markdown(f":gray[{name}] &nbsp; {escape_markdown(value)}")
    for path in picture.paths:
        st.code(replace_surrogates(path), language=None, wrap_lines=True)
    m = picture.facts.metadata
    if m.latitude is not None and m.longitude is not None:
        st.image(draw_place_map(m.latitude, m.longitude), width="stretch")
        st.link_button("Open in OpenStreetMap", make_map_link(m.latitude, m.longitude), icon=":material/open_in_new:")
