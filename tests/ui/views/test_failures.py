import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import indexer.pictures
from indexer.store.records import FailedFile
from ui.views.failures import ADVICE, N_NAMES, OTHER, PATTERNS, group_failures


def make_failures(*reasons):
    return [FailedFile(Path(f"/photos/{i:02}.jpg"), reason) for i, reason in enumerate(reasons)]


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        ("not a picture, or of an unknown format", "Damaged, or not a picture"),
        ("damaged (broken data stream)", "Damaged, or not a picture"),
        ("the file is cut short", "Damaged, or not a picture"),
        ("it is not a regular file", "Damaged, or not a picture"),
        ("the file is empty", "Empty files"),
        ("can't be read: Permission denied", "No permission to read"),
        ("the folder can't be listed: Permission denied", "No permission to read"),
        ("can't be read: Input/output error", "The disk reports errors"),
        ("20000×20000 pixels are over the limit of 200 megapixels", "Too large, or too slow to decode"),
        ("takes too long to decode", "Too large, or too slow to decode"),
        ("too large for the memory", "Too large, or too slow to decode"),
        ("not a raw file, or of a camera that LibRaw does not support", "Raw files of an unknown kind"),
        ("its date is not between the years 1678 and 2261; set another one", "Impossible dates"),
        ("its .cosmosignore, or one above it, can't be read: invalid start byte", "Ignore files that can't be read"),
        ("something new", "Other reasons"),
    ],
)
def test_a_reason_belongs_to_a_group_with_advice(reason, title):
    (group,) = group_failures(make_failures(reason))
    assert (group.title, group.advice) == (title, ADVICE[title])


def find_reasons():
    """The reasons that the readers of pictures give, with example numbers."""
    for path in Path(indexer.pictures.__file__).parents[1].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PictureError" and node.args:
                parts = node.args[0].values if isinstance(node.args[0], ast.JoinedStr) else [node.args[0]]
                text = "".join(part.value if isinstance(part, ast.Constant) else "7" for part in parts)
                if text != "7" and not isinstance(node.args[0], ast.Call):
                    yield text


def test_no_reason_that_a_reader_gives_is_without_a_group():
    reasons = set(find_reasons())
    assert len(reasons) > 10
    assert [group.files for group in group_failures(make_failures(*reasons)) if group.title == OTHER] == []


def test_the_largest_group_is_first_and_each_pattern_has_advice():
    groups = group_failures(make_failures("the file is empty", *["the file is cut short"] * 3))
    assert [len(group.files) for group in groups] == [3, 1]
    assert {title for _, title in PATTERNS} | {OTHER} == ADVICE.keys()


def show(n):
    from pathlib import Path

    from indexer.store.records import FailedFile
    from ui.views.failures import show_failures

    show_failures([FailedFile(Path(f"/photos/**{i}**.jpg"), "the file is empty") for i in range(n)])


def test_a_few_names_are_shown_and_all_can_be_downloaded():
    test = AppTest.from_function(show, args=(N_NAMES + 7,)).run()
    (expander,) = test.expander
    assert expander.label == "12 files could not be read"
    text = " ".join(one.value for one in test.markdown)
    assert text.count("the file is empty") == N_NAMES
    assert "and 7 more" in text
    assert "/**0" not in text  # a name cannot format the page
    assert [one.proto.label for one in test.get("download_button")] == ["List as CSV"]


def test_nothing_is_shown_if_nothing_failed():
    test = AppTest.from_function(show, args=(0,)).run()
    assert not test.expander
