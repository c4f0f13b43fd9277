"""No data leaves the machine, and only the index, the models and the thumbnails are stored."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from tests import ROOT
from tests.colour import paint
from tests.micro import PARITY, micro_like
from tests.pictures import CONFIG, make_folder
from trainer.config import save_config

SWITCHES = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY")
REPORTING = ("onnxruntime", "huggingface_hub", "transformers")  # read their switch when they are imported
RAY_SWITCH = "RAY_USAGE_STATS_ENABLED"  # is read when a cluster is started or joined
# Loaded first by every Python process of a test: refuses and records each address other than this machine's.
GUARD = """
import os, sys
LOCAL = ("127.0.0.1", "::1", "localhost", "", "0.0.0.0", None)
def guard(event, values):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        host = values[1][0] if isinstance(values[1], tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = values[0]
    else:
        return
    if host not in LOCAL:
        with open(os.environ["GUARD_NOTES"], "a") as notes:
            notes.write(f"{event} {host}\\n")
        raise OSError("this test has no network")
sys.addaudithook(guard)
"""
PAGE = f"""
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file({str(ROOT / "ui" / "app.py")!r}, default_timeout=60)
page.query_params["query"] = "a dog"
page.run()
from ui.session.shared import shared_resources
shared = shared_resources()
for picture in shared.library.browse():
    shared.thumbnails.get(picture)
sys.exit(str(page.exception) if page.exception else 0)
"""
CLI = [sys.executable, "-c", "from cosmos_search.cli.main import main; main()"]


@pytest.fixture
def user(tmp_path):
    """The environment of a new user with an empty home, without variables about caches or telemetry."""
    for name in ("home", "work", "temporary", "guard"):
        (tmp_path / name).mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LD_LIBRARY_PATH", "LANG")}
    return kept | {
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "temporary"),
        "GUARD_NOTES": str(tmp_path / "notes"),
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "guard"), str(ROOT)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def commands(tmp_path):
    """The commands of a user: install a model, index, search, open the page, train."""
    for i, colour in enumerate(("red", "lime")):
        paint(tmp_path / "photos" / f"{colour}.png", colour, size=(48, 40), seed=i)
    like = micro_like(tmp_path / "like")
    save_config(replace(CONFIG, n_steps=2), tmp_path / "config.json")
    data = make_folder(tmp_path / "data")
    training = ["run", "--config", tmp_path / "config.json", "--data", data, "--val", data]
    training += ["--tokenizer", like / "tokenizer.json", "--out", tmp_path / "run"]
    checkpoint = PARITY / "bare_format_micro.pt"
    return {
        "add": [*CLI, "models", "add", checkpoint, "--name", "micro", "--config-from", like],
        "index": [*CLI, "index", tmp_path / "photos", "--model", "micro", "--precision", "fp32"],
        "search": [*CLI, "search", "a red dog"],
        "models": [*CLI, "models"],
        "page": [sys.executable, "-c", PAGE],
        "train": [sys.executable, "-m", "trainer", *training],
    }


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def run(command, user, tmp_path, before=()):
    words = [str(word) for word in (*before, *command)]
    done = subprocess.run(words, env=user, cwd=tmp_path / "work", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


def test_a_users_day_leaves_the_index_the_models_and_the_thumbnails_and_speaks_to_nobody(user, commands, tmp_path):
    for command in commands.values():
        run(command, user, tmp_path)
    home = tmp_path / "home"
    left = {path.relative_to(home).as_posix() for path in files_in(home)}
    own = re.compile(r"\.local/share/cosmos-search/(index|models)/|\.cache/cosmos-search/(models|thumbnails)/")
    assert sorted(name for name in left if not own.match(name)) == []
    for folder in ("index/", "models/micro/", "thumbnails/"):
        assert any(folder in name for name in left), (folder, left)
    assert files_in(tmp_path / "work") + files_in(tmp_path / "temporary") == []
    assert not (tmp_path / "notes").exists(), (tmp_path / "notes").read_text()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_native_code_opens_no_connection_to_another_machine(user, commands, tmp_path):
    for name, command in commands.items():
        trace = tmp_path / f"{name}.trace"
        run(command, user, tmp_path, before=["strace", "-f", "-qq", "-e", "trace=network", "-o", trace])
        others = [
            line for line in trace.read_text().splitlines() if re.search(r"AF_INET6?\b.*(sin6?_port|\bsin_)", line)
        ]
        assert [line for line in others if "127.0.0.1" not in line and '"::1"' not in line] == []


@pytest.mark.parametrize("package", ["cosmos_search", "trainer"])
@pytest.mark.parametrize("chosen", [None, "0", "1", "", "  "])
def test_telemetry_is_off_unless_the_user_says_otherwise(package, chosen, user):
    if chosen is not None:
        user |= dict.fromkeys(SWITCHES, chosen)
    code = f"import {package}, json, os; print(json.dumps([os.environ[name] for name in {SWITCHES}]))"
    done = subprocess.run([sys.executable, "-c", code], env=user, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [(chosen or "").strip() or "1"] * len(SWITCHES)


@pytest.mark.parametrize(
    "module",
    ["cosmos_search.encoders.mini.encoder", "cosmos_search.encoders.onnx_images", "trainer.runs.initial_weights"],
)
def test_the_switches_are_set_before_those_who_read_them_are_imported(module, user):
    code = (
        "import builtins, os, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name in {REPORTING}:\n"
        f"            assert all(os.environ.get(switch) == '1' for switch in {SWITCHES}), name\n"
        "sys.meta_path.insert(0, Finder())\n"
        f"import {module}\n"
        f"assert set({REPORTING}) & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], env=user, check=True)


@pytest.mark.parametrize("chosen", [None, "1", ""])
def test_ray_reports_nothing_whatever_its_variable_was(chosen, user):
    pytest.importorskip("ray")
    if chosen is not None:
        user |= {RAY_SWITCH: chosen}
    code = "import cluster; from ray._common.usage import usage_lib; print(usage_lib.usage_stats_enabled())"
    done = subprocess.run([sys.executable, "-c", code], env=user, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_ray_is_imported_by_modules_that_import_the_package_that_turns_its_reports_off():
    for package in ("cluster", "cosmos_search", "indexer", "trainer", "ui", "benchmarks"):
        for path in (ROOT / package).rglob("*.py"):
            names = list_imports(path)
            assert "ray" not in names or package == "cluster" or "cluster" in names, path


def test_the_documents_start_ray_without_reports():
    for path in (ROOT / "docs" / "cluster.md", ROOT / "README.md"):
        starts = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("ray start")]
        assert all("--disable-usage-stats" in line for line in starts), path
    services = (ROOT / "docs" / "compose.yaml").read_text(encoding="utf-8")
    assert f'{RAY_SWITCH}: "0"' in services


def test_whoever_imports_a_library_that_reports_is_in_a_package_that_turns_it_off():
    for package in ("cluster", "cosmos_search", "indexer", "trainer", "ui", "benchmarks"):
        first = (ROOT / package / "__init__.py").read_text(encoding="utf-8")
        if "DISABLE_TELEMETRY" in first or re.search(r"^import cosmos_search\b", first, re.MULTILINE):
            continue
        for path in (ROOT / package).rglob("*.py"):
            assert not list_imports(path) & set(REPORTING), path


def list_imports(path):
    """The packages that a module imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}
