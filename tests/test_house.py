"""The rules of the house: imports point down, and heavy packages stay away from those who don't need them."""

import ast
import subprocess
import sys

import pytest

from tests import ROOT

MAY_IMPORT = {
    "indexer": {"indexer"},
    "cosmos_search": {"cosmos_search", "indexer"},
    "trainer": {"trainer", "cosmos_search", "indexer"},
    "ui": {"ui", "cosmos_search", "indexer"},
}
SLOW = ("sqlalchemy", "faiss", "onnxruntime", "PIL", "numpy")
HEAVY = ("torch", "transformers", "streamlit")


def imported_packages(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def test_imports_point_down():
    for package, allowed in MAY_IMPORT.items():
        for path in (ROOT / package).rglob("*.py"):
            upward = (set(imported_packages(path)) & MAY_IMPORT.keys()) - allowed
            assert not upward, f"{path} imports {upward}"


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
