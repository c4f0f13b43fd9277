"""The public API: what `cosmos_search` exports, and that its records become JSON."""

import ast
import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from rlcompleter import Completer
from typing import Any, get_args, get_type_hints

import pytest
from PIL import Image

import cosmos_search
import indexer
from indexer.errors import CosmosSearchError
from tests import ROOT
from tests.colour import ColourEncoder, paint

FOR_TYPE_CHECKERS = {  # not imported by a search
    "Album": cosmos_search.Album,
    "Atlas": cosmos_search.Atlas,
    "Distribute": cosmos_search.Distribute,
    "Duplicates": cosmos_search.Duplicates,
    "Facets": cosmos_search.Facets,
    "Image": Image,
    "NearestTown": cosmos_search.NearestTown,
    "Report": cosmos_search.Report,
    "TextReader": cosmos_search.TextReader,
    "TextReport": cosmos_search.TextReport,
}
OURS = ("cosmos_search", "indexer", "trainer", "ui")


def is_ours(kind: object) -> bool:
    return isinstance(kind, type) and kind.__module__.split(".")[0] in OURS


def list_mentioned(annotation: Any) -> Iterator[type]:
    """The types of this project in an annotation, also those within unions, containers and callables."""
    parts = annotation if isinstance(annotation, list) else get_args(annotation)
    if is_ours(annotation):
        yield annotation
    for part in parts:
        yield from list_mentioned(part)


def list_signatures(exported: Any) -> Iterator[Callable[..., Any] | type]:
    """An exported function; or a class with its public methods and properties."""
    yield exported
    if not inspect.isclass(exported):
        return
    for kind in (kind for kind in exported.__mro__ if is_ours(kind)):
        for name, member in vars(kind).items():
            if name.startswith("_") and name != "__init__":
                continue
            function = member.fget if isinstance(member, property) else inspect.unwrap(getattr(kind, name))
            if inspect.isfunction(function) or inspect.ismethod(function):
                yield function


@pytest.mark.parametrize("name", cosmos_search.__all__)
def test_every_type_in_a_signature_is_exported(name):
    exported = getattr(cosmos_search, name)
    if not (inspect.isclass(exported) or inspect.isfunction(exported)):
        return  # an alias of types of other packages
    public = [getattr(cosmos_search, other) for other in cosmos_search.__all__]
    for part in list_signatures(exported):
        for where, annotation in get_type_hints(part, localns=FOR_TYPE_CHECKERS).items():
            if not where.startswith("_"):
                missing = {kind.__name__ for kind in list_mentioned(annotation) if kind not in public}
                assert not missing, f"{part.__qualname__}: {where} mentions {missing}"


def test_every_base_class_is_exported():
    exported = [getattr(cosmos_search, name) for name in cosmos_search.__all__]
    bases = {base for kind in exported if inspect.isclass(kind) for base in kind.__mro__ if is_ours(base)}
    assert bases <= {kind for kind in exported if inspect.isclass(kind)}


def test_every_error_of_the_library_is_exported():
    """All error classes but those of the command line, of the HTTP server, and of jobs that pages and servers run."""
    own = ("cosmos_search.cli", "cosmos_search.server", "cosmos_search.service")
    for package in (cosmos_search, indexer):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(own):
                import_module(module.name)
    found, todo = set(), [CosmosSearchError]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        is_public = kind.__module__.startswith(("indexer.", "cosmos_search.")) and not kind.__module__.startswith(own)
        if is_public and not kind.__name__.startswith("_"):
            found.add(kind.__name__)
    assert found <= set(cosmos_search.__all__)


def test_the_names_for_type_checkers_are_those_of_the_table():
    tree = ast.parse((ROOT / "cosmos_search" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    declared = {}
    for statement in block.body:
        assert isinstance(statement, ast.ImportFrom)
        assert all(alias.asname == alias.name for alias in statement.names), "a re-export is written as A as A"
        declared[statement.module] = tuple(alias.name for alias in statement.names)
    assert declared == cosmos_search._EXPORTS


def test_each_name_is_exported_once_and_hides_no_sub_package():
    names = [name for names in cosmos_search._EXPORTS.values() for name in names]
    assert len(names) == len(set(names))
    packages = {module.name for module in walk_packages(cosmos_search.__path__)}
    assert not packages & set(names)


def test_completion_offers_the_exported_names_before_they_are_used():
    code = (
        "import cosmos_search\n"
        "assert set(cosmos_search.__all__) <= set(dir(cosmos_search))\n"
        "from rlcompleter import Completer\n"
        "completer = Completer({'cosmos_search': cosmos_search})\n"
        "print([completer.complete('cosmos_search.Pict', i) for i in range(5)])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    offered = [name.rstrip("(") for name in ast.literal_eval(done.stdout) if name]
    assert offered == [f"cosmos_search.Picture{kind}" for kind in ("Error", "Facts", "Place", "Record", "Shape")]
    assert Completer({"c": cosmos_search}).complete("c.no_such", 0) is None
    with pytest.raises(AttributeError, match="no attribute 'no_such'"):
        _ = cosmos_search.no_such


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    paint(folder / "photos" / "red.png", "red")
    paint(folder / "photos" / "blue.png", "blue", seed=1)
    (folder / "photos" / "bad.jpg").write_text("not a picture")
    with cosmos_search.open(folder / "index", encoder=ColourEncoder()) as library:
        yield library


def test_the_records_that_the_library_returns_become_json(library):
    report = library.add(library.place.parent / "photos", exclude=["*.gif"])
    (hit, _) = library.search("red. blue")
    records = [
        report,
        *report.failed,
        hit,
        *hit.evidence,
        *hit.texts,
        hit.picture,
        hit.facts,
        library.info(),
        library.info().encoder,
        *library.info().folders,
        library.facets(),
        library.atlas(["red", "blue"]),
    ]
    for record in records:
        assert is_dataclass(record)
        assert json.loads(json.dumps(record.to_dict())), record
    assert hit.to_dict()["path"] == str(hit.path)
    assert hit.picture.to_dict()["id"] == hit.picture.id
    assert [Path(file["path"]).name for file in report.to_dict()["failed"]] == ["bad.jpg"]
