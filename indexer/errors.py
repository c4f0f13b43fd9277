"""The errors a user can meet. Each says in one sentence what is wrong, where, and the command that mends it."""

__all__ = ["CosmosSearchError", "IndexBusyError", "PictureError", "StorageError", "UsageError"]


class CosmosSearchError(Exception):
    """Anything that is not a mistake of our own; the command line shows it as one line and exits with 1."""


class UsageError(CosmosSearchError):
    """The call itself is wrong (an empty query, a count of 0); the command line exits with 2."""


class IndexBusyError(CosmosSearchError):
    """Another process is writing to this index."""


class StorageError(CosmosSearchError):
    """The disk or the database fails: full, read-only, damaged, not to be opened."""


class PictureError(CosmosSearchError):
    """One picture could not be read; a run counts it, names it and goes on."""
