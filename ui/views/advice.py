"""Errors on the page: one line with what is wrong and, from one table, what a visitor can do about it."""

from collections.abc import Mapping

import streamlit as st

from cosmos_search.extras import Extra, MissingExtraError, install_command
from indexer.errors import CosmosSearchError, NoIndexError, PictureError, StorageError
from ui.escape import escape_markdown

__all__ = ["ADVICE", "advise_install", "format_error", "show_error"]

# Keys are error classes; a class without an entry takes that of its nearest base. Values are Markdown.
ADVICE: Mapping[type[CosmosSearchError], str] = {
    CosmosSearchError: "",
    NoIndexError: "Add a folder in the **Library** view.",
    StorageError: "This has to be fixed on the computer that runs this page.",
    PictureError: "Press **Check for changes** in the **Library** view to update the index.",
}


def show_error(error: CosmosSearchError) -> None:
    """The only place of the page that shows an error; a missing extra is shown as information."""
    show = st.info if isinstance(error, MissingExtraError) else st.error
    show(format_error(error))


def format_error(error: CosmosSearchError | str) -> str:
    """Markdown in one line: the error's sentence, then the table's advice."""
    lines = [line for line in str(error).splitlines() if line.strip(" ^")]  # without the marker under a query
    sentence = " ".join(lines)
    if isinstance(error, PictureError):  # its text is only the reason
        sentence = f"The picture can't be read: {sentence}."
    advice = next((ADVICE[kind] for kind in type(error).__mro__ if kind in ADVICE), "")
    return f"{escape_markdown(sentence)} {advice}".rstrip()


def advise_install(extra: Extra) -> str:
    """Markdown: how to install the packages of an extra."""
    return f"On the computer that runs this page, run `{install_command(extra)}` and restart the page."
