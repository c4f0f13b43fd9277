"""Every error class there is, shown on the page."""

import pkgutil
import re
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

import pytest
from streamlit.testing.v1 import AppTest

import cosmos_search
import indexer
import ui
from cosmos_search.extras import MissingExtraError
from indexer.errors import CosmosSearchError, NoIndexError, PictureError
from ui.escape import WORD_JOINER
from ui.views.advice import ADVICE, format_error

FACTS = {Path: Path("/photos/a picture.png"), str: "two words", int: 3, float: 0.5, bool: True, bytes: b"x"}


def example_value(kind):
    """A value of a field's type."""
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType):
        return example_value(get_args(kind)[0])
    if get_origin(kind) is tuple:
        return tuple(example_value(part) for part in get_args(kind) if part is not Ellipsis)
    if get_origin(kind) is not None:
        return [example_value(get_args(kind)[0])]
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        required = [f for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING and f.init]
        return kind(**{field.name: example_value(hints[field.name]) for field in required})
    return FACTS[kind]


def make_error(kind):
    if kind is MissingExtraError:
        return kind("The page", ["Streamlit"], "ui")
    return example_value(kind) if is_dataclass(kind) else kind("This text has five words")


def list_error_classes():
    for package in (indexer, cosmos_search, ui):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name != "ui.app":  # a script, which runs when it is imported
                import_module(module.name)
    found = [CosmosSearchError]
    for kind in found:
        found += [one for one in kind.__subclasses__() if one not in found and not one.__module__.startswith("tests")]
    return found


def show(error):
    from ui.views.advice import show_error

    show_error(error)


@pytest.mark.parametrize("kind", list_error_classes(), ids=lambda kind: kind.__name__)
def test_every_error_is_one_line_without_a_command(kind):
    error = make_error(kind)
    test = AppTest.from_function(show, args=(error,)).run()
    (shown,) = [*test.error, *test.info]
    text = shown.value.replace("\\", "").replace(WORD_JOINER, "")
    assert str(error) in text
    assert "\n" not in text
    assert not re.findall("cosmos-search ([a-z -]+)", text)


def test_advice_is_of_the_nearest_class():
    class StrangePictureError(PictureError):
        pass

    assert format_error(StrangePictureError("it is too dark")).endswith(ADVICE[PictureError])
    assert format_error(NoIndexError(Path("/index"))).endswith(ADVICE[NoIndexError])
    assert format_error(CosmosSearchError("Plain")) == "Plain"


def test_an_error_cannot_format_the_page():
    assert "**" not in format_error(CosmosSearchError("**bold** <b>"))


def test_advice_names_buttons_that_exist():
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(ui.__file__).parent.rglob("*.py"))
    named = {label for text in ADVICE.values() for label in re.findall(r"\*\*(.+?)\*\*", text)}
    assert named == {"Library", "Change encoder", "Check for changes", "Remove"}
    assert all(re.search(rf'"(:material/\w+: )?{label}"', sources) for label in named)
