"""The rules of the house: imports point down, and heavy packages stay away from those who don't need them."""

import ast
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests import ROOT

MAY_IMPORT = {
    "indexer": {"indexer"},
    "cosmos_search": {"cosmos_search", "indexer"},
    "cluster": {"cluster", "cosmos_search", "indexer"},
    "trainer": {"trainer", "cosmos_search", "indexer"},
    "ui": {"ui", "cosmos_search", "indexer"},
}
# The options of these commands ask for a cluster; nothing of it is imported otherwise.
MAY_ASK = {ROOT / "cosmos_search" / "cli" / name: {"cluster"} for name in ("index.py", "serve.py")}
SLOW = ("sqlalchemy", "faiss", "onnxruntime", "PIL", "numpy")
HEAVY = ("torch", "transformers", "streamlit", "ray", "fastapi")


def imported_packages(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def test_imports_point_down():
    for package, allowed in MAY_IMPORT.items():
        for path in (ROOT / package).rglob("*.py"):
            upward = (set(imported_packages(path)) & MAY_IMPORT.keys()) - allowed - MAY_ASK.get(path, set())
            assert not upward, f"{path} imports {upward}"


def room(module):
    """A module's sub-package (`indexer.store`), or the module itself where it lies in none (`indexer.errors`)."""
    parts = module.split(".")
    while not (ROOT / Path(*parts)).with_suffix(".py").exists() and not (ROOT / Path(*parts)).is_dir():
        parts.pop()  # a name from within a module
    return ".".join(parts[:2])


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MAY_IMPORT:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_sub_packages_import_in_one_direction():
    arrows = defaultdict(set)
    for package in MAY_IMPORT:
        for path in (ROOT / package).rglob("*.py"):
            here = room(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
            arrows[here] |= {room(module) for module in imported_modules(path)} - {here}
    for package in MAY_IMPORT:
        arrows.pop(package, None)  # the public API hands on names from everywhere
    list(TopologicalSorter(arrows).static_order())  # raises CycleError, which names the circle


def test_every_sub_package_says_what_belongs_in_it():
    for package in MAY_IMPORT:
        for path in (ROOT / package).glob("*/__init__.py"):
            assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_the_indexer_knows_no_model():
    for path in (ROOT / "indexer").rglob("*.py"):
        assert not set(imported_packages(path)) & {*HEAVY, "onnxruntime", "tokenizers"}, path


@pytest.mark.parametrize(
    "code", ["import cosmos_search", "import indexer.ingest.update", "import cosmos_search.library"]
)
def test_importing_brings_in_nothing_heavy(code):
    check = f"import sys; {code}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_help_brings_in_no_database_and_no_model():
    check = (
        "import sys; from cosmos_search.cli.main import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit: print([m for m in {(*HEAVY, *SLOW)} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip().endswith("[]")


def test_indexing_and_searching_with_the_built_in_encoder_import_nothing_heavy(tmp_path):
    """HEAVY can't be imported in this process, and nothing tries to: an `except ImportError` would hide it."""
    (tmp_path / "photos").mkdir()
    shutil.copy(ROOT / "cosmos_search/data/photos/chelsea.jpg", tmp_path / "photos")
    code = (
        "import sys, cosmos_search\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {HEAVY}:\n"
        "            print(name)\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Blocker())\n"
        "with cosmos_search.open(sys.argv[1]) as library:\n"
        "    library.add(sys.argv[2])\n"
        "    assert len(library.search('a cat', top=1)) == 1\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "index"), str(tmp_path / "photos")]
    home = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}  # an empty cache: the graphs are written, too
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=home)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
