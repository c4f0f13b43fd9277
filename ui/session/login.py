"""The door of a page that others in the network can reach: it opens to those who know the token."""

import hmac
import os
from collections import Counter, deque
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from ipaddress import IPv6Network, ip_address
from threading import Lock
from time import monotonic
from typing import Literal

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.settings import TOKEN, TOKEN_KEY

__all__ = ["Login", "require_login", "shared_login"]

WINDOW_S = 20.0  # for so long a wrong token counts
MAX_WRONG_PER_ADDRESS = 5  # in WINDOW_S, from one address


class Login:
    """Compares tokens, counts each address's wrong ones, and keeps which sessions are in. Safe from several threads.

    Once an address has said MAX_WRONG_PER_ADDRESS wrong ones, no token from there is looked at until the oldest has
    left the window. So guessing is slow however many sessions are opened, and who knows the token waits WINDOW_S at
    most after the guessing from the same address has ended. Those who are in stay in.

    There is no limit over all addresses: it would let strangers keep out those who know the token. Against a token of
    128 random bits, as `cosmos-search ui` makes them up, many addresses are no help; it warns of shorter ones.
    Neighbours in an IPv6 network of 64 bits count as one address, since one machine can have them all.
    """

    def __init__(self, token: str, clock: Callable[[], float] = monotonic) -> None:
        self.is_needed = bool(token)
        self._digest = _hash_token(token)
        self._clock = clock
        self._wrong: deque[tuple[float, str]] = deque()  # when and from where
        self._n_wrong: Counter[str] = Counter()
        self._inside: set[str] = set()
        self._guard = Lock()

    def judge(self, said: str, address: str | None) -> Literal["right", "wrong", "wait"]:
        """Whether it is the token; "wait": it was not looked at. address: of the visitor; None: this machine."""
        place = _normalize_address(address)
        with self._guard:
            now = self._clock()
            while self._wrong and self._wrong[0][0] <= now - WINDOW_S:
                _, other = self._wrong.popleft()
                self._n_wrong[other] -= 1
                if not self._n_wrong[other]:
                    del self._n_wrong[other]
            if self._n_wrong[place] >= MAX_WRONG_PER_ADDRESS:
                return "wait"
            if hmac.compare_digest(_hash_token(said), self._digest):
                return "right"
            self._wrong.append((now, place))
            self._n_wrong[place] += 1
            return "wrong"

    def log_in(self, session: str) -> None:
        """From now on. session: an id that the server has made up."""
        self._inside.add(session)

    def is_logged_in(self, session: str) -> bool:
        """Always, where no token is needed."""
        return not self.is_needed or session in self._inside


@cache
def shared_login() -> Login:
    """That of this process. The token is taken out of the environment once: what happens to that later is no matter."""
    return Login(os.environ.pop(TOKEN, ""))


def require_login() -> bool:
    """Whether this visitor may come in; asks for the token where one is needed."""
    gate, run = shared_login(), get_script_run_ctx()
    assert run is not None
    if gate.is_logged_in(run.session_id):
        return True
    st.title("cosmos-search")
    with st.form("gate"):
        said = st.text_input(
            "Token", type="password", key=TOKEN_KEY, help="The one that `cosmos-search ui` printed when it started."
        )
        tried = st.form_submit_button("Open")
    if not tried:
        return False
    verdict = gate.judge(said, st.context.ip_address)
    if verdict == "right":
        gate.log_in(run.session_id)
        st.rerun()
    if verdict == "wait":
        st.error(f"Too many wrong tokens; this one was not looked at. Try again in {WINDOW_S:.0f} seconds.")
    else:
        st.error("That is not the token.")
    return False


def _normalize_address(address: str | None) -> str:
    """What counts as one address."""
    if address is None:
        return "this machine"
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return address
    return str(ip.ipv4_mapped or IPv6Network((int(ip), 64), strict=False))


def _hash_token(token: str) -> bytes:
    """Of one length, so that comparing takes one time; a token from the environment need not be valid text."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
