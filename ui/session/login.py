"""Login by token for a page that other machines can reach."""

import hmac
import os
from collections import Counter, deque
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from ipaddress import IPv6Network, ip_address
from secrets import token_urlsafe
from threading import Lock
from time import monotonic
from typing import Literal

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.settings import TOKEN, TOKEN_KEY

__all__ = ["Login", "get_own_ticket", "require_login", "shared_login"]

WINDOW_S = 20.0  # wrong tokens are counted for this long
TOKEN_HELP = "The token was printed in the terminal in which this page was started."
MAX_WRONG_PER_ADDRESS = 5  # in WINDOW_S, from one address


class Login:
    """Token check with a rate limit per address, and the set of sessions that are logged in. Thread-safe.

    After MAX_WRONG_PER_ADDRESS wrong tokens from one address, tokens from it are not compared until the oldest wrong
    one is older than WINDOW_S. The limit holds over all sessions. A visitor with the right token waits at most WINDOW_S
    after the last guess from the same address. Sessions that are logged in are not affected.

    There is no limit over all addresses, because it would let an attacker lock out everyone. The tokens that
    `cosmos-search ui` generates have 256 random bits, so guessing from many addresses does not help; it warns of short
    tokens. Addresses in one IPv6 /64 network count as one address, because one machine can use all of them.
    """

    def __init__(self, token: str, clock: Callable[[], float] = monotonic) -> None:
        self.is_needed = bool(token)
        self._digest = _hash_token(token)
        self._clock = clock
        self._wrong: deque[tuple[float, str]] = deque()  # time, address
        self._n_wrong: Counter[str] = Counter()
        self._logged_in: set[str] = set()
        self._tickets: dict[str, str] = {}  # by session
        self._guard = Lock()

    def check_token(self, token: str, address: str | None) -> Literal["right", "wrong", "wait"]:
        """Compare a token; "wait": too many wrong ones, not compared. address: of the visitor; None: this machine."""
        key = _normalize_address(address)
        with self._guard:
            now = self._clock()
            while self._wrong and self._wrong[0][0] <= now - WINDOW_S:
                _, other = self._wrong.popleft()
                self._n_wrong[other] -= 1
                if not self._n_wrong[other]:
                    del self._n_wrong[other]
            if self._n_wrong[key] >= MAX_WRONG_PER_ADDRESS:
                return "wait"
            if hmac.compare_digest(_hash_token(token), self._digest):
                return "right"
            self._wrong.append((now, key))
            self._n_wrong[key] += 1
            return "wrong"

    def log_in(self, session: str) -> None:
        """Mark a session as logged in. session: an id that the server has generated."""
        self._logged_in.add(session)

    def get_ticket(self, session: str) -> str:
        """A secret with which the browser of a session requests pictures; empty if no token is needed."""
        if not self.is_needed:
            return ""
        assert self.is_logged_in(session)
        with self._guard:
            return self._tickets.setdefault(session, token_urlsafe())

    def is_ticket(self, ticket: str) -> bool:
        """True for the ticket of a session, or if no token is needed."""
        with self._guard:
            known = list(self._tickets.values())
        return not self.is_needed or any(hmac.compare_digest(_hash_token(ticket), _hash_token(one)) for one in known)

    def is_logged_in(self, session: str) -> bool:
        """True if the session is logged in, or if no token is needed."""
        return not self.is_needed or session in self._logged_in


@cache
def shared_login() -> Login:
    """The login of this process. Reads the token once and removes it from the environment."""
    return Login(os.environ.pop(TOKEN, ""))


def require_login() -> bool:
    """True if the visitor is logged in or no token is needed; otherwise shows the login form."""
    login, context = shared_login(), get_script_run_ctx()
    assert context is not None
    if login.is_logged_in(context.session_id):
        return True
    st.title("cosmos-search")
    with st.form("login"):
        token = st.text_input("Token", type="password", key=TOKEN_KEY, help=TOKEN_HELP)
        is_submitted = st.form_submit_button("Log in")
    if not is_submitted:
        return False
    verdict = login.check_token(token, st.context.ip_address)
    if verdict == "right":
        login.log_in(context.session_id)
        st.rerun()
    if verdict == "wait":
        st.error(f"Too many wrong tokens; this one was not checked. Try again in {WINDOW_S:.0f} seconds.")
    else:
        st.error("Wrong token.")
    return False


def get_own_ticket() -> str:
    """The ticket of the current session, see `Login.get_ticket`."""
    context = get_script_run_ctx()
    assert context is not None
    return shared_login().get_ticket(context.session_id)


def _normalize_address(address: str | None) -> str:
    """The address by which wrong tokens are counted."""
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
    """SHA-256 of a token, so that comparing takes constant time. The token may hold surrogates."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
