"""Every error class there is, shown on the page."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import ui
from cosmos_search.extras import MissingExtraError
from indexer.errors import CosmosSearchError, PictureError
from indexer.store.errors import NoIndexError
from tests.test_errors import ERRORS, make_records, strings
from ui.escape import WORD_JOINER
from ui.views.advice import ADVICE, advise_install, describe_error, format_error

PACKAGE = Path(ui.__file__).parent
COMMAND = re.compile(
    r"cosmos-search(-train)? [a-z]|(^|[\s(`])--[a-z]|\b(pip|ray|git|sudo|apt|chmod|mv|rm) [a-z'-]|`pip"
)
REACHING = {name: kind for name, kind in ERRORS.items() if not name.startswith("trainer.")}


def show(error):
    from ui.views.advice import show_error

    show_error(error)


def read_shown(error):
    """The text of an error on the page, as a visitor reads it."""
    return format_error(error).replace("\\", "").replace(WORD_JOINER, "")


@pytest.mark.parametrize("name", REACHING)
def test_every_error_is_one_line_without_a_command(name):
    for error in make_records(REACHING[name]):
        text = read_shown(error)
        assert describe_error(error) in text
        assert "\n" not in text
        assert not COMMAND.search(text), text


@pytest.mark.parametrize("kind", ADVICE, ids=lambda kind: kind.__name__)
def test_every_error_of_the_table_is_shown_once(kind):
    error = next(iter(make_records(kind)))
    test = AppTest.from_function(show, args=(error,)).run()
    (shown,) = [*test.error, *test.info]
    assert shown.value == format_error(error)


def test_a_missing_extra_is_named_with_the_document_that_says_how_to_add_it():
    error = MissingExtraError("Reading texts in pictures", ["RapidOCR"], "text")
    assert describe_error(error) == (
        "Reading texts in pictures needs RapidOCR, which is not installed on the computer that runs this page. "
        'The document docs/install.md says how, under "Extras": it is the extra "text".'
    )
    test = AppTest.from_function(show, args=(error,)).run()
    assert [one.value for one in test.info] == [format_error(error)]
    assert not COMMAND.search(advise_install("formats"))
    assert (PACKAGE.parent / "docs" / "install.md").read_text(encoding="utf-8").count("## Extras") == 1


def test_no_text_of_the_page_names_a_command():
    named = [
        f"{path.relative_to(PACKAGE)}:{line} {text}"
        for path in PACKAGE.rglob("*.py")
        if path not in (PACKAGE / "cli.py", PACKAGE / "serve.py")
        for line, text in strings(path)
        if COMMAND.search(text)
    ]
    scripts = [
        path.name for path in PACKAGE.rglob("*.js") if re.search(r"cosmos-search [a-z]+ ?[<-]", path.read_text())
    ]
    assert not named + scripts


def test_advice_is_of_the_nearest_class():
    class StrangePictureError(PictureError):
        pass

    assert format_error(StrangePictureError("it is too dark")).endswith(ADVICE[PictureError])
    assert format_error(NoIndexError(Path("/index"))).endswith(ADVICE[NoIndexError])
    assert format_error(CosmosSearchError("Plain")) == "Plain"


def test_an_error_cannot_format_the_page():
    assert "**" not in format_error(CosmosSearchError("**bold** <b>"))


def test_advice_names_buttons_that_exist():
    sources = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    named = {label for text in ADVICE.values() for label in re.findall(r"\*\*(.+?)\*\*", text)}
    assert named == {
        "Library",
        "Change encoder",
        "Check for changes",
        "Download model",
        "Read text in pictures",
        "Remove",
    }
    assert all(re.search(rf'"(:material/\w+: )?{label}"', sources) for label in named)
