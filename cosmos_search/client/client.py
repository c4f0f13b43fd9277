"""Calls of a running server: searches and pages of pictures. A call needs no encoder and opens no index."""

import json
import logging
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urlsplit

from cosmos_search.client.errors import NoServerError, ServiceError
from cosmos_search.client.timed_response import LargeAnswerError, fetch
from cosmos_search.client.wire import (
    Answer,
    filters_to_dict,
    parse_album,
    parse_answer,
    parse_facets,
    parse_picture,
)
from cosmos_search.limits import MAX_UPLOAD_MB
from cosmos_search.retrieval.errors import ExampleImageError
from indexer.errors import UsageError
from indexer.files import read_file
from indexer.pictures.regions import Box
from indexer.store.filter_record import Filters
from indexer.store.records import PictureRecord

if TYPE_CHECKING:  # a search for a text needs no Pillow
    from PIL import Image

    from indexer.store.albums import Album
    from indexer.store.facets import Facets

__all__ = ["Client"]

T = TypeVar("T")

CONNECT_TIMEOUT_S = 10.0
TIMEOUT_S = 60.0  # of a whole call
MAX_ANSWER_BYTES = 64 << 20  # 10,000 hits have 30 MB
REFUSED = (401, 403, 404)  # by another program, or because of the token

log = logging.getLogger(__name__)


class Client:
    """A running server, which `cosmos-search serve` starts. Thread-safe: each call has a connection of its own.

    A call takes at most `timeout_s` seconds, from the connection to the last byte. Calls raise UsageError for mistakes
    in the arguments, ServiceError if the server can't do what was asked, and NoServerError if none answers in time or
    it refuses the token.
    """

    def __init__(self, url: str, token: str | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        """url: such as "http://127.0.0.1:8502". Raises UsageError if it is not one of HTTP or HTTPS."""
        if "@" in url:  # not quoted: it may hold a password
            raise UsageError(
                "The address of a server has no user name and no password; write http://HOST:PORT, and its token in "
                "COSMOS_SEARCH_TOKEN or the argument token."
            )
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        try:
            self._parts = urlsplit(self.url)
            is_valid = self._parts.scheme in ("http", "https") and bool(self._parts.hostname)
            is_valid = is_valid and not any(c.isspace() or c == "\\" for c in self.url)
            self._port = self._parts.port
            (self._parts.hostname or "").encode("idna")
        except ValueError:
            is_valid = False
        if not is_valid:
            raise UsageError(f"{url!r} is not the address of a server; write http://HOST:PORT.")
        if token is not None and not (token.isascii() and token.isprintable()):
            raise UsageError("The token of the server has characters that HTTP can't send; use letters and digits.")
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def search(
        self,
        text: str = "",
        top: int = 10,
        *,
        similar_to: "str | Path | Image.Image | None" = None,
        box: Box | None = None,
        filters: Filters | None = None,
        include_unlikely: bool = False,
    ) -> Answer:
        """The hits, as `Library.search` of the server's machine finds them. The arguments are those of that method."""
        values: dict[str, Any] = {"text": text, "top": top, "include_unlikely": include_unlikely}
        values["filters"] = filters_to_dict(filters or Filters())
        if similar_to is not None:
            values["image"] = b64encode(_read_image(similar_to)).decode()
        if box is not None:
            values["box"] = [box.left, box.top, box.right, box.bottom]
        answer = self._call("POST", "/v1/search", values)
        return self._parse(lambda: parse_answer(answer))

    def browse(self, filters: Filters | None = None, *, start: int = 0, n: int = 60) -> list[PictureRecord]:
        """`n` pictures without a query, from position `start` on; see `Library.browse`."""
        found = self._list(filters, start, n)
        return self._parse(lambda: [parse_picture(picture) for picture in found["pictures"]])

    def n_matching(self, filters: Filters | None = None) -> int:
        """Number of pictures that pass the filters."""
        found = self._list(filters, 0, 1)
        return self._parse(lambda: int(found["n_matching"]))

    def n_texts_read(self) -> int:
        """Number of pictures whose texts were read; see `Library.n_texts_read`."""
        values = self._call("GET", "/v1/folders")
        return self._parse(lambda: int(values["texts_read"]))

    def facets(self, filters: Filters | None = None) -> "Facets":
        """The values that filters can have; see `Library.facets`."""
        query = urlencode(filters_to_dict(filters or Filters()), doseq=True, errors="surrogateescape")
        values = self._call("GET", f"/v1/facets?{query}")
        return self._parse(lambda: parse_facets(values))

    def albums(self) -> "list[Album]":
        """All albums by name, the favourites first; a filter needs the id of one."""
        values = self._call("GET", "/v1/albums")
        return self._parse(lambda: [parse_album(album) for album in values["albums"]])

    def _list(self, filters: Filters | None, start: int, n: int) -> Any:
        values = filters_to_dict(filters or Filters()) | {"offset": str(start), "limit": str(n)}
        return self._call("GET", f"/v1/pictures?{urlencode(values, doseq=True, errors='surrogateescape')}")

    def _call(self, method: str, path: str, values: Any = None) -> Any:
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        connection = kind(str(self._parts.hostname), self._port, timeout=min(CONNECT_TIMEOUT_S, self._timeout_s))
        body = None if values is None else json.dumps(values)
        headers = self._headers if body is None else self._headers | {"Content-Type": "application/json"}
        limits: Any = {"timeout_s": self._timeout_s, "max_bytes": MAX_ANSWER_BYTES}
        try:
            status, content = fetch(connection, method, f"{self._parts.path}{path}", body, headers, **limits)
            data = json.loads(content)
            if status == 200:
                return data
            reason = str(data["error"])
        except TimeoutError as error:
            raise NoServerError(self.url, f"there was no complete answer within {self._timeout_s:g} s") from error
        except LargeAnswerError as error:
            raise NoServerError(self.url, f"its answer is larger than {MAX_ANSWER_BYTES >> 20} MB") from error
        except OSError as error:
            raise NoServerError(self.url, error.strerror or str(error)) from error
        except (HTTPException, LookupError, RecursionError, TypeError, ValueError) as error:
            raise NoServerError(self.url, "what answers there is another program") from error
        finally:
            connection.close()
        if status in REFUSED:
            raise NoServerError(self.url, reason.rstrip("."))
        raise UsageError(reason) if status == 400 else ServiceError(reason)

    def _parse(self, parse: Callable[[], T]) -> T:
        try:
            return parse()
        except (LookupError, TypeError, ValueError) as error:
            raise NoServerError(self.url, "it is of another version") from error


def _read_image(source: "str | Path | Image.Image") -> bytes:
    """The content of the file, or the image as a PNG. Raises ExampleImageError."""
    if not isinstance(source, str | Path):
        file = BytesIO()
        source.convert("RGB").save(file, "PNG")
        return file.getvalue()
    path = Path(source)
    try:
        return read_file(path, MAX_UPLOAD_MB << 20)
    except OSError as error:
        raise ExampleImageError(path, error.strerror or str(error)) from error
