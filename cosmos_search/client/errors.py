"""The errors of servers and their clients, as records."""

from dataclasses import dataclass

from indexer.errors import CosmosSearchError

__all__ = ["ListenError", "NoServerError", "ServiceError"]


@dataclass(eq=False)
class ListenError(CosmosSearchError):
    """A server can't listen at an address."""

    host: str
    port: int
    reason: str

    def __str__(self) -> str:
        return f"Cannot listen on {self.host}:{self.port} ({self.reason})."


@dataclass(eq=False)
class NoServerError(CosmosSearchError):
    """No server of this program, or none that accepts the token, answers at an address."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"There is no search server at {self.url} ({self.reason})."


@dataclass(eq=False)
class ServiceError(CosmosSearchError):
    """A running server could not do what was asked."""

    reason: str  # its sentence

    def __str__(self) -> str:
        return self.reason
