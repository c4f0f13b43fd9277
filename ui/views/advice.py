"""Errors on the page: one line with what is wrong and, from one table, what a visitor can do about it."""

from collections.abc import Mapping

import streamlit as st

from cosmos_search.extras import IN_CLONE, Extra, MissingExtraError, install_command
from cosmos_search.models.errors import DamagedModelError, ModelNotPulledError, UnknownModelError
from cosmos_search.retrieval.errors import EmptyQueryError, QueryError
from indexer.errors import (
    CosmosSearchError,
    CreateIndexError,
    EmptyFolderError,
    EmptyIndexError,
    FolderError,
    MissingFilesError,
    MissingFolderError,
    NewerIndexError,
    NoFoldersError,
    NoIndexError,
    NotAnIndexedFolderError,
    OldIndexError,
    OtherEncoderError,
    OtherRegionsError,
    PictureError,
    ReplacedIndexError,
    StorageError,
    UnfinishedRebuildError,
    VectorFileError,
)
from ui.escape import escape_markdown

__all__ = ["ADVICE", "INSTALL_ENCODERS", "advise_install", "format_error", "show_error"]

ADD_FOLDER = "Add a folder in the **Library** view."
CHECK = "Press **Check for changes** in the **Library** view."
REBUILD = "Embed all pictures again: **Change encoder** in the **Library** view."
FIX_ON_COMPUTER = "This has to be fixed on the computer that runs this page."

INSTALL_ENCODERS = "To list and install other encoders, on the computer that runs this page: `cosmos-search models`."

# Keys are error classes; a class without an entry takes that of its nearest base. Values are Markdown.
ADVICE: Mapping[type[CosmosSearchError], str] = {
    CosmosSearchError: "",
    # the index, its disk and its database
    NoIndexError: ADD_FOLDER,
    EmptyIndexError: ADD_FOLDER,
    CreateIndexError: FIX_ON_COMPUTER,
    OldIndexError: FIX_ON_COMPUTER,
    NewerIndexError: FIX_ON_COMPUTER,
    StorageError: FIX_ON_COMPUTER,
    ReplacedIndexError: CHECK,
    VectorFileError: f"When there is room: {CHECK}",
    # folders and pictures
    NoFoldersError: ADD_FOLDER,
    FolderError: "Enter the full path of a folder on the computer that runs this page.",
    NotAnIndexedFolderError: "The indexed folders are listed in the **Library** view.",
    MissingFolderError: "Mount its disk, or press **Remove** beside the folder in the **Library** view.",
    MissingFilesError: "To remove them from the index, remove the folder in the **Library** view and add it again.",
    EmptyFolderError: "To remove them from the index, press **Remove** beside the folder in the **Library** view.",
    PictureError: CHECK,
    # encoders and models
    OtherEncoderError: REBUILD,
    OtherRegionsError: FIX_ON_COMPUTER,
    UnfinishedRebuildError: FIX_ON_COMPUTER,
    UnknownModelError: FIX_ON_COMPUTER,
    ModelNotPulledError: FIX_ON_COMPUTER,
    DamagedModelError: FIX_ON_COMPUTER,
    # queries
    EmptyQueryError: "Enter what to look for in the search field.",
}


def show_error(error: CosmosSearchError) -> None:
    """The only place of the page that shows an error; a missing extra is shown as information."""
    show = st.info if isinstance(error, MissingExtraError) else st.error
    show(format_error(error))


def format_error(error: CosmosSearchError) -> str:
    """Markdown in one line: the sentence, for a syntax error with the part of the query, and the table's advice."""
    sentence = str(error)
    if isinstance(error, PictureError):  # its text is only the reason
        sentence = f"The picture can't be read: {sentence}."
    elif isinstance(error, QueryError):
        sentence = f"{sentence}: {error.excerpt()[0].strip()}"
    advice = next((ADVICE[kind] for kind in type(error).__mro__ if kind in ADVICE), "")
    return f"{escape_markdown(sentence)} {advice}".rstrip()


def advise_install(extra: Extra) -> str:
    """Markdown: how to install the packages of an extra."""
    return f"On the computer that runs this page, {IN_CLONE}, run `{install_command(extra)}` and restart the page."
