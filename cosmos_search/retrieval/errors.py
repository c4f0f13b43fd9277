"""The errors of a search, as records: what is wrong and where. Commands that help are added by the callers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexer.errors import CosmosSearchError, UsageError

__all__ = [
    "EmptyQueryError",
    "ExampleImageError",
    "ExplanationError",
    "HitCountError",
    "InvalidValueError",
    "QueryError",
    "UnknownTownError",
    "UnreadTextsError",
    "UnreadableHitError",
    "ValueKind",
]

CONTEXT = 40
ValueKind = Literal["date", "period", "place", "size", "box"]
EXPECTED: dict[ValueKind, str] = {
    "date": "use 2024, 2024-06, 2024-06-30, 2024-06-30T18:00, yesterday, last-week or 3-days",
    "period": "use a date, such as 2024-06, last-week or 3-days, or two with dots between: 2023..2024",
    "place": "use latitude,longitude,radius: 48.14,11.58,20km, or a town: Munich,20km",
    "size": "use 2MP or 1920x1080",
    "box": "use four fractions: 0.1,0.2,0.5,0.7 (left, top, right, bottom)",
}


@dataclass(eq=False)
class QueryError(UsageError):
    """A syntax error in a query."""

    text: str  # the query, or the sentence of it that has the error
    position: int  # of the error, in characters from the start of `text`
    reason: str

    def __str__(self) -> str:
        return self.reason

    def excerpt(self) -> tuple[str, int]:
        """The line with the error, at most CONTEXT characters on both sides of it, and its position there."""
        start = max(self.text.rfind("\n", 0, self.position) + 1, self.position - CONTEXT)
        return self.text[start : self.position + CONTEXT].splitlines()[0], self.position - start


class EmptyQueryError(UsageError):
    """The query has no words, and there is no example image."""

    def __str__(self) -> str:
        return "The query is empty."


@dataclass(eq=False)
class HitCountError(UsageError):
    """Fewer than one hit was requested."""

    n: int

    def __str__(self) -> str:
        return f"The number of hits is {self.n}; it must be 1 or more."


@dataclass(eq=False)
class InvalidValueError(UsageError):
    """The text of a filter or of a box cannot be parsed."""

    text: str
    kind: ValueKind
    advice: str | None = None  # about this text; None: what is expected in general

    def __str__(self) -> str:
        text = self.text if len(self.text) <= 40 else self.text[:39] + "…"
        return f"{text!r} is not a valid {self.kind}; {self.advice or EXPECTED[self.kind]}"


@dataclass(eq=False)
class UnknownTownError(UsageError):
    """No town has this name."""

    name: str
    area: str | None  # the country or state that it was looked for in
    similar: tuple[str, ...]  # large towns of this name in other areas, or of similar names; the best one first

    def __str__(self) -> str:
        where = f" in {self.area!r}" if self.area is not None else ""
        advice = (
            f"did you mean {' or '.join(self.similar)}?" if self.similar else "use its coordinates: 48.14,11.58,20km"
        )
        return f"No town of 1,000 inhabitants or more is called {self.name!r}{where}; {advice}"


@dataclass(eq=False)
class ExampleImageError(CosmosSearchError):
    """The example image of a search cannot be read."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"The picture {self.path} can't be used: {self.reason}."


@dataclass(eq=False)
class UnreadableHitError(CosmosSearchError):
    """The file of a hit cannot be read: it was changed or removed after it was indexed."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path} can't be read any more ({self.reason})."


@dataclass(eq=False)
class ExplanationError(CosmosSearchError):
    """The picture that explains a hit cannot be written."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path} can't be written ({self.reason})."


@dataclass(eq=False)
class UnreadTextsError(CosmosSearchError):
    """A search demands a text, and the texts of some pictures were not read. It is told, not raised."""

    n_read: int
    n_pictures: int

    def __str__(self) -> str:
        if not self.n_read:
            return "No text in the pictures was read yet; only captions, keywords and names were searched."
        return f"Text was read in {self.n_read} of {self.n_pictures} pictures only."
