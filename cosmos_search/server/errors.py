"""The errors of requests that the library does not have."""

from dataclasses import dataclass

from indexer.errors import CosmosSearchError

__all__ = ["BusyError", "IndexingRunningError", "StoppingError", "UnknownPictureError"]


@dataclass(eq=False)
class BusyError(CosmosSearchError):
    """Too many requests are waiting."""

    n_waiting: int

    def __str__(self) -> str:
        return f"The server is busy: {self.n_waiting} requests are waiting. Try again in a moment."


class IndexingRunningError(CosmosSearchError):
    """An indexing job was started while another one runs."""

    def __str__(self) -> str:
        return "Indexing is running already."


class StoppingError(CosmosSearchError):
    """A request was given up because the server ends."""

    def __str__(self) -> str:
        return "The server is stopping."


@dataclass(eq=False)
class UnknownPictureError(CosmosSearchError):
    """No picture has this id."""

    id: int

    def __str__(self) -> str:
        return f"No indexed picture has the id {self.id}."
