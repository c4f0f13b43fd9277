"""Read and change the state in the query parameters of the address, so that the browser's back button works."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from ui.session.state import State

__all__ = ["bind_widget", "go", "read_state", "show_choice"]


def read_state() -> State:
    """The state in the query parameters of the current address."""
    return State.from_address(st.query_params.to_dict())


def go(**changes: Any) -> None:
    """Change fields of the state in the address. For callbacks, after which Streamlit reruns the page."""
    st.query_params.from_dict(read_state().with_(**changes).to_address())


def bind_widget(key: str, value: object) -> str:
    """Set the session value of a widget, so that it shows `value`; returns its key."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value
    return key


def show_choice(label: str, name: str, value: str, labels: Mapping[str, str], **also: Any) -> None:
    """A segmented control that sets the state field `name`.

    labels: label for each value. also: further changes of the state when a value is selected.
    """
    st.segmented_control(
        label,
        list(labels),
        key=bind_widget(name, value),
        format_func=labels.__getitem__,
        on_change=lambda: go(**{name: st.session_state[name]}, **also),
        required=True,
        label_visibility="collapsed",
    )
