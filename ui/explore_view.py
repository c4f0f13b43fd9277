"""Exploring without words: a map of the collection, and pictures that are nearly the same."""

import streamlit as st

from ui.opened import Opened
from ui.state import State

__all__ = ["explore_view"]


def explore_view(shared: Opened, state: State) -> None:
    st.write("soon")
