"""The door of a page that others in the network can reach: it opens to those who know the token."""

import hmac
import os
from collections import deque
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import Literal

import streamlit as st

from ui.settings import TOKEN

__all__ = ["Gate", "is_open", "shared_gate"]

WINDOW_S = 20.0  # for so long a wrong token counts
MAX_WRONG_PER_ADDRESS = 5  # in WINDOW_S
MAX_WRONG = 20  # in WINDOW_S, over all addresses: at most one guess a second


class Gate:
    """Compares tokens, and counts the wrong ones over all sessions. Safe from several threads.

    Once the wrong tokens of an address, or of all addresses, have reached their limit, no token is looked at until
    the oldest has left the window. So guessing is slow however many sessions are opened; a visitor who knows the token
    waits WINDOW_S at most after the guessing has ended, or after another address has stopped short of MAX_WRONG.
    Those who are in stay in.
    """

    def __init__(self, token: str, clock: Callable[[], float] = monotonic) -> None:
        self.is_needed = bool(token)
        self._digest = _digest(token)
        self._clock = clock
        self._wrong: deque[tuple[float, str | None]] = deque()  # when and from which address
        self._guard = Lock()

    def judge(self, said: str, address: str | None) -> Literal["right", "wrong", "wait"]:
        """Whether it is the token; "wait": it was not looked at. address: of the visitor; None: this machine."""
        with self._guard:
            now = self._clock()
            while self._wrong and self._wrong[0][0] <= now - WINDOW_S:
                self._wrong.popleft()
            n_here = sum(other == address for _, other in self._wrong)
            if n_here >= MAX_WRONG_PER_ADDRESS or len(self._wrong) >= MAX_WRONG:
                return "wait"
            if hmac.compare_digest(_digest(said), self._digest):
                return "right"
            self._wrong.append((now, address))
            return "wrong"


@cache
def shared_gate() -> Gate:
    """That of this process. The token is taken out of the environment once: what happens to that later is no matter."""
    return Gate(os.environ.pop(TOKEN, ""))


def is_open() -> bool:
    """Whether this visitor may come in; asks for the token where one is needed."""
    gate = shared_gate()
    if not gate.is_needed or st.session_state.get("passed") is gate:  # an object that no browser can send
        return True
    st.title("cosmos-search")
    with st.form("gate"):
        said = st.text_input("Token", type="password", help="The one that `cosmos-search ui` printed when it started.")
        tried = st.form_submit_button("Open")
    if not tried:
        return False
    verdict = gate.judge(said, st.context.ip_address)
    if verdict == "right":
        st.session_state["passed"] = gate
        st.rerun()
    if verdict == "wait":
        st.error(f"Too many wrong tokens; this one was not looked at. Try again in {WINDOW_S:.0f} seconds.")
    else:
        st.error("That is not the token.")
    return False


def _digest(token: str) -> bytes:
    """Of one length, so that comparing takes one time; a token from the environment need not be valid text."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
