"""The base of the errors that a user can cause or fix, and those that more than one sub-package raises.

The fields say what is wrong; the callers add commands or buttons that help. A class with fields is a dataclass with a
`__str__`. Create it with positional arguments: only these are pickled.
"""

from dataclasses import dataclass

__all__ = [
    "CosmosSearchError",
    "OtherEncoderError",
    "PictureError",
    "UsageError",
]


class CosmosSearchError(Exception):
    """Base of all errors that are not bugs; the command line shows one line and exits with 1."""


class UsageError(CosmosSearchError):
    """An argument is wrong (an empty query, a count of 0); the command line exits with 2."""


class PictureError(CosmosSearchError):
    """A picture cannot be read. An indexing run counts it, stores the reason and continues."""


@dataclass(eq=False)
class OtherEncoderError(CosmosSearchError):
    """The vectors of the index were made by another encoder than the wanted one; equal names: by another version."""

    made_by: str
    wanted: str

    def __str__(self) -> str:
        if self.made_by == self.wanted:
            return f"This index was made with another version of {self.wanted}."
        return f"This index was made with {self.made_by}, not with {self.wanted}."
