"""HTTP/1.1 connections of clients that may be slow, idle, or too many; everything about requests is in the routes."""

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from math import inf

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from cosmos_search.server.answers import make_error
from cosmos_search.server.errors import StoppingError

__all__ = ["Connection"]

CLOSE = (b"connection", b"close")
STOP_S = 0.5  # for the client to read that the server is stopping


class Connection(H11Protocol):
    """One client's connection, closed while the server waits for it and too few bytes pass.

    uvicorn has no limit for the time in which a request arrives or an answer is read, and answers in plain text when
    there are too many connections. Here the connection that waits for its request the longest makes room for a new one.
    """

    WINDOW_S = 10.0
    MIN_BYTES = 64 << 10  # in each window; no header is as large, so it has one window
    MAX_CONNECTIONS = 512

    _timer: TimerHandle | None = None
    _began = inf  # of the window, by the clock of the event loop
    _n_received = 0  # bytes in the window
    _n_unsent = 0  # bytes at its beginning
    _is_refused = False

    @property
    def is_expecting(self) -> bool:
        """True until a request has arrived completely, and after its answer until the next one has."""
        return self.cycle is None or self.cycle.more_body or self.cycle.response_complete

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._begin_window()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.timeout_keep_alive_task is not None:  # the next request begins
            self._begin_window()
        self._n_received += len(data)
        if not self._is_refused:
            super().data_received(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._begin_window()

    def on_response_complete(self) -> None:
        self._begin_window()
        super().on_response_complete()

    def shutdown(self) -> None:
        """Let the current request be answered, but don't wait for one that is still arriving."""
        if self.cycle is not None and self.cycle.more_body:
            self._refuse(503, str(StoppingError()))
            self.loop.call_later(STOP_S, self.transport.abort)
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(400, msg)

    def _begin_window(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(self.WINDOW_S, self._end_window)
        self._began = self.loop.time()
        self._n_received, self._n_unsent = 0, self.transport.get_write_buffer_size()

    def _end_window(self) -> None:
        """Close the connection if its client was too slow, otherwise begin another window."""
        n_unsent = self.transport.get_write_buffer_size()
        is_stuck = n_unsent and self._n_unsent and self._n_unsent - n_unsent < self.MIN_BYTES
        is_slow = self.is_expecting and self._n_received < self.MIN_BYTES
        is_answered = self._is_refused or (self.is_expecting and self.conn.our_state is h11.DONE)  # but sends on
        if is_stuck or is_answered or (is_slow and not self._n_received):
            self.transport.abort()
        elif is_slow:
            self._refuse(408, f"The request did not arrive within {self.WINDOW_S:g} seconds.")
        else:
            self._begin_window()

    def _make_room(self) -> None:
        """Close the connection whose window is the oldest of those that wait for a request, if there are too many."""
        others = [c for c in self.connections if isinstance(c, Connection) and not c.transport.is_closing()]
        if len(others) <= self.MAX_CONNECTIONS:
            return
        waiting = [other for other in others if other.is_expecting and other is not self]
        if waiting:
            min(waiting, key=lambda other: other._began).transport.abort()
        else:
            self.app = _refuse_one_more

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer a request that has not arrived completely, and close; close at once if it has an answer already.

        What the client still sends is read until the end of the window: otherwise it would not get the answer.
        """
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        if self.cycle is not None:
            self.cycle.disconnected = True  # so that it sends nothing after this
            self.cycle.message_event.set()
        response = make_error(status, sentence)
        head = h11.Response(
            status_code=status, headers=[*response.raw_headers, CLOSE], reason=HTTPStatus(status).phrase.encode()
        )
        events = (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage())
        self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        self.transport.write_eof()
        self._is_refused = True
        self._begin_window()


async def _refuse_one_more(scope: Scope, receive: Receive, send: Send) -> None:
    response = make_error(503, "The server has too many connections. Try again in a moment.")
    response.headers["Connection"] = "close"
    await response(scope, receive, send)
