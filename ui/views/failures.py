"""Files that could not be read: groups by their reason, with what to do about each; for the Library and start views."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import streamlit as st

from indexer.store.records import FailedFile
from ui.counts import format_count
from ui.escape import escape_markdown
from ui.files.downloads import format_failed_csv

__all__ = ["FailureGroup", "group_failures", "show_failures"]

N_NAMES = 5  # shown of a group; all of them are in the list to download

DAMAGED = "Damaged, or not a picture"
EMPTY = "Empty files"
FORBIDDEN = "No permission to read"
LOST = "The disk reports errors"
TOO_LARGE = "Too large, or too slow to decode"
RAW = "Raw files of an unknown kind"
DATE = "Impossible dates"
IGNORE = "Ignore files that can't be read"
OTHER = "Other reasons"

ADVICE = {
    DAMAGED: "Open one in another program. If it is damaged there, too, copy it again from the camera or a backup.",
    EMPTY: "Nothing was saved in these files. Copy them again from the camera or a backup, or delete them.",
    FORBIDDEN: "Allow the user who runs this page to read them, and to open their folder.",
    LOST: "Check that the disk or network drive is connected and has no errors.",
    TOO_LARGE: "They are over the limits that protect the memory of this computer. Save smaller copies beside them.",
    RAW: "Export them as JPEG with the camera's own program, and keep the copies in the same folder.",
    DATE: "Set the date of the file to another one, for example by saving a copy.",
    IGNORE: "Save the file .cosmosignore again, as text in UTF-8.",
    OTHER: "If they open in another program, save copies there as JPEG or PNG.",
}
# The first that is found in the reason decides.
PATTERNS = (
    (r"\.cosmosignore", IGNORE),
    (r"raw file", RAW),
    (r"its date is not between", DATE),
    (r"is empty", EMPTY),
    (r"[Pp]ermission denied|[Oo]peration not permitted", FORBIDDEN),
    (r"over the limit|too large|takes? too long|would have to be read|takes \d+ MB|nested too deeply", TOO_LARGE),
    (r"can't be read: |can't be listed", LOST),
    (r"damaged|not a picture|cut short|not a regular file", DAMAGED),
)


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Files that failed for reasons of one kind."""

    title: str
    advice: str
    files: list[FailedFile]


def group_failures(failed: Iterable[FailedFile]) -> list[FailureGroup]:
    """The largest group first."""
    groups: dict[str, list[FailedFile]] = {}
    for one in failed:
        title = next((title for pattern, title in PATTERNS if re.search(pattern, one.reason)), OTHER)
        groups.setdefault(title, []).append(one)
    found = [FailureGroup(title, ADVICE[title], files) for title, files in groups.items()]
    return sorted(found, key=lambda group: (-len(group.files), group.title))


def show_failures(failed: list[FailedFile]) -> None:
    """All groups, and a list of all files to download. Nothing if no file failed."""
    n = len(failed)
    if not n:
        return
    title = f"{format_count(n, 'file')} could not be read"
    with st.expander(title, icon=":material/warning:", expanded=True):
        for group in group_failures(failed):
            _show_group(group)
        st.caption("When this is done, press **Check for changes**. Files that have not changed are not read again.")
        st.download_button(
            "List as CSV", format_failed_csv(failed), "failed.csv", "text/csv", on_click="ignore", key="failed_csv"
        )


def _show_group(group: FailureGroup) -> None:
    shown, n_more = group.files[:N_NAMES], len(group.files) - N_NAMES
    st.markdown(f"**{group.title}: {len(group.files):,}**  \n{escape_markdown(group.advice)}")
    lines = [f"- {escape_markdown(one.path)}: {escape_markdown(one.reason)}" for one in shown]
    if n_more > 0:
        lines.append(f"- and {n_more:,} more, which are in the list below")
    st.markdown("\n".join(lines))
