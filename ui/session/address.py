"""The page's address: where a visitor is, and how to go elsewhere. The browser's back button comes with it."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from ui.session.state import State

__all__ = ["bind_widget", "go", "read_state", "show_choice"]


def read_state() -> State:
    """As the address says."""
    return State.from_address(st.query_params.to_dict())


def go(**changes: Any) -> None:
    """To the same place but for these; for callbacks, after which the page is drawn anew."""
    st.query_params.from_dict(read_state().with_(**changes).to_address())


def bind_widget(key: str, value: object) -> str:
    """The key of a widget that is to show `value`, whatever was done with it before."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value
    return key


def show_choice(label: str, name: str, value: str, labels: Mapping[str, str], **also: Any) -> None:
    """One of several values of the address, side by side: `labels` by value. also: what a choice changes besides."""
    st.segmented_control(
        label,
        list(labels),
        key=bind_widget(name, value),
        format_func=labels.__getitem__,
        on_change=lambda: go(**{name: st.session_state[name]}, **also),
        required=True,
        label_visibility="collapsed",
    )
