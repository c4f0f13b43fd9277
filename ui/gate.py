"""The door of a page that others in the network can reach: it opens to those who know the token."""

import hmac
import os
from time import sleep

import streamlit as st

from ui.agreed import TOKEN

__all__ = ["is_open"]

PAUSE_S = 1.0  # after a wrong try


def is_open() -> bool:
    """Whether this visitor may come in; asks for the token where one is needed."""
    wanted = os.environ.get(TOKEN, "")
    if not wanted or st.session_state.get("is_known"):
        return True
    st.title("cosmos-search")
    with st.form("gate"):
        said = st.text_input("Token", type="password", help="The one that `cosmos-search ui` printed when it started.")
        tried = st.form_submit_button("Open")
    if not tried:
        return False
    if hmac.compare_digest(said.encode(), wanted.encode()):
        st.session_state["is_known"] = True
        st.rerun()
    sleep(PAUSE_S)
    st.error("That is not the token.")
    return False
