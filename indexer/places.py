"""Where an index is: in a directory, or in a database on a PostgreSQL server."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qsl, urlencode

__all__ = ["SERVER_URL", "Place", "ServerPlace"]

# The connection URIs of libpq, of which a character of a name or password that has a meaning here is percent-encoded.
SERVER_URL = re.compile(
    r"(?P<scheme>postgres(?:ql)?://)(?:(?P<user>[^:@/?]*)(?::(?P<password>[^@/?]*))?@)?"
    r"(?P<hosts>[^@/?]*)(?P<database>/[^@/?]*)?(?:\?(?P<query>[^?@]*))?"
)
SHOWN = ("dbname", "host", "hostaddr", "options", "port", "service", "user")  # parameters that are no secrets


@dataclass(frozen=True, slots=True, repr=False)
class ServerPlace:
    """A catalog in a database on a PostgreSQL server. As a text, the URL without the password."""

    url: str  # of libpq; it may contain a password

    def __str__(self) -> str:
        parts = SERVER_URL.fullmatch(self.url)
        if parts is None:
            return "postgresql://"
        user = f"{parts['user']}@" if parts["user"] else ""
        query = urlencode([(k, v) for k, v in parse_qsl(parts["query"] or "") if k in SHOWN], safe="/:,")
        return f"{parts['scheme']}{user}{parts['hosts']}{parts['database'] or ''}{'?' if query else ''}{query}"

    def __repr__(self) -> str:
        return f"ServerPlace({str(self)!r})"


Place: TypeAlias = Path | ServerPlace
