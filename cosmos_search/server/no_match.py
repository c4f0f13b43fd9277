"""Why an answer has no pictures, in a sentence for programs and assistants."""

from cosmos_search.library import Library
from cosmos_search.retrieval.no_match import explain_no_match, find_unread_texts, name_texts
from cosmos_search.retrieval.query import parse_query
from cosmos_search.server.request_schemas import FilterTexts

__all__ = ["explain_empty_answer"]

TEXTS = {"texts", "without_texts"}  # fields of filters


def explain_empty_answer(library: Library, filters: FilterTexts, query: str = "") -> str | None:
    """Which filter, or which text that the query demands, no picture passes; None if some pictures pass all."""
    passing = filters.parse()
    if "text:" in query.casefold():
        parsed = parse_query(query)
        passing = passing.with_texts(parsed.texts, parsed.without_texts)
    values = filters.model_dump(include=FilterTexts.model_fields.keys() - TEXTS, exclude_none=True)
    conditions = {f"{name}={value}": FilterTexts(**{name: value}).parse() for name, value in values.items()}
    conditions |= name_texts(passing.texts, passing.without_texts)
    if not conditions or (reason := explain_no_match(library, passing, conditions)) is None:
        return None
    unread = find_unread_texts(library, passing)
    return reason if unread is None else f"{reason} {unread}"
