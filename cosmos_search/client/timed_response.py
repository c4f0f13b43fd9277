"""The answer of a server, read until a deadline and up to a size: a server may send a byte a second, or without end."""

from http.client import HTTPConnection, HTTPResponse
from io import BufferedReader, RawIOBase
from time import monotonic
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from socket import socket

    from _typeshed import WriteableBuffer

__all__ = ["LargeAnswerError", "fetch"]


class LargeAnswerError(Exception):
    """The answer has more bytes than it may."""


def fetch(
    connection: HTTPConnection,
    method: str,
    path: str,
    body: str | None,
    headers: dict[str, str],
    *,
    timeout_s: float,
    max_bytes: int,
) -> tuple[int, bytes]:
    """Status and content of the answer. timeout_s: from the connection to the last byte.

    Raises TimeoutError, LargeAnswerError, or OSError and HTTPException as `http.client` does.
    """
    deadline = monotonic() + timeout_s
    connection.connect()
    connection.sock.settimeout(timeout_s)  # sending has this time in total
    connection.request(method, path, body, headers)
    stream = _TimedStream(connection.sock, deadline)
    with HTTPResponse(cast("socket", stream), method=method) as response:
        response.begin()
        content = response.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise LargeAnswerError
        return response.status, content


class _TimedStream(RawIOBase):
    """Reads a socket until a point in time, by the clock `monotonic`."""

    def __init__(self, source: "socket", deadline: float) -> None:
        self._source = source
        self._deadline = deadline

    def makefile(self, mode: str) -> BufferedReader:
        """All that HTTPResponse wants of a socket."""
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        seconds = self._deadline - monotonic()
        if seconds <= 0:
            raise TimeoutError
        self._source.settimeout(seconds)
        return self._source.recv_into(buffer)
