"""Errors on the page: one line with what is wrong and, from one table, what a visitor can do about it.

A visitor has no terminal: nothing here, and no other text of the page, names a command.
"""

from collections.abc import Mapping

import streamlit as st

from cosmos_search.extras import IN_CLONE, Extra, MissingExtraError
from cosmos_search.models.errors import (
    DamagedModelError,
    DownloadError,
    HubError,
    ModelNotPulledError,
    UnknownModelError,
)
from cosmos_search.retrieval.errors import EmptyQueryError, QueryError, UnreadTextsError
from indexer.errors import CosmosSearchError, OtherEncoderError, PictureError
from indexer.ingest.errors import (
    EmptyFolderError,
    FolderError,
    MissingFilesError,
    MissingFolderError,
    NoFoldersError,
    OtherRegionsError,
    UnfinishedRebuildError,
)
from indexer.store.errors import (
    CreateIndexError,
    EmptyIndexError,
    NewerIndexError,
    NoIndexError,
    NotAnIndexedFolderError,
    OldIndexError,
    ReplacedIndexError,
    StorageError,
    VectorFileError,
)
from ui.escape import escape_markdown

__all__ = ["ADVICE", "advise_install", "describe_error", "format_error", "show_error"]

ADD_FOLDER = "Add a folder in the **Library** view."
CHECK = "Press **Check for changes** in the **Library** view."
REBUILD = "Embed all pictures again: **Change encoder** in the **Library** view."
FIX_ON_COMPUTER = "This has to be fixed on the computer that runs this page."
DOWNLOAD = "**Download model** in the **Library** view"

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
    ModelNotPulledError: f"Press {DOWNLOAD}.",
    HubError: f"Check the network connection of the computer that runs this page, and press {DOWNLOAD} again.",
    DownloadError: f"To resume it, press {DOWNLOAD} again.",
    DamagedModelError: FIX_ON_COMPUTER,
    # queries
    UnreadTextsError: "To read it, switch on **Read text in pictures** in the **Library** view.",
    EmptyQueryError: "Enter what to look for in the search field.",
}


def show_error(error: CosmosSearchError) -> None:
    """The only place of the page that shows an error; a missing extra is shown as information."""
    show = st.info if isinstance(error, MissingExtraError) else st.error
    show(format_error(error))


def format_error(error: CosmosSearchError) -> str:
    """Markdown in one line: the sentence, for a syntax error with the part of the query, and the table's advice."""
    advice = next((ADVICE[kind] for kind in type(error).__mro__ if kind in ADVICE), "")
    sentence = describe_error(error)
    if isinstance(error, PictureError):  # its text is only the reason
        sentence = f"The picture can't be read: {sentence}."
    return f"{escape_markdown(sentence)} {advice}".rstrip()


def describe_error(error: CosmosSearchError) -> str:
    """Plain text: what is wrong, without the table's advice."""
    if isinstance(error, MissingExtraError):  # its own text has the command
        verb = "are" if len(error.packages) > 1 else "is"
        needed = f"{error.purpose} needs {' and '.join(error.packages)}"
        return f"{needed}, which {verb} not installed on the computer that runs this page. {_name_extra(error.extra)}"
    if isinstance(error, QueryError):
        return f"{error}: {error.excerpt()[0].strip()}"
    sentence, _, command = str(error).partition(f"; {IN_CLONE}: ")
    return f"{sentence}. The document docs/install.md says how to install it." if command else sentence


def advise_install(extra: Extra) -> str:
    """Markdown: where it says how to install the packages of an extra."""
    return escape_markdown(f"They can be installed on the computer that runs this page. {_name_extra(extra)}")


def _name_extra(extra: Extra) -> str:
    return f'The document docs/install.md says how, under "Extras": it is the extra "{extra}".'
