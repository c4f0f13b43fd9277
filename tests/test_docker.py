"""The Dockerfile and the compose files: checked everywhere, built and run only where Docker is."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import ROOT
from tests.colour import paint

COMPOSE = ("docker/compose.yaml", "docker/compose.cuda.yaml", "docs/compose.yaml")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
DOCKER = shutil.which("docker")
HAS_DOCKER = DOCKER is not None and subprocess.run([DOCKER, "info"], capture_output=True).returncode == 0


def run_tool(name, *words):
    """A program of this environment."""
    return subprocess.run([Path(sys.executable).with_name(name), *words], cwd=ROOT, capture_output=True, text=True)


def test_the_dockerfile_passes_hadolint():
    done = run_tool("hadolint", "Dockerfile")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", COMPOSE)
def test_a_compose_file_follows_the_compose_specification(file):
    done = run_tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)
    assert done.returncode == 0, done.stdout


def read_compose(file):
    return yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))


def test_containers_read_photos_only_have_a_token_and_no_rights():
    services = read_compose("docker/compose.yaml")["services"]
    assert services.keys() == read_compose("docker/compose.cuda.yaml")["services"].keys()
    for service in services.values():
        photos, data = service["volumes"]
        assert photos.endswith(":/photos:ro")
        assert data == "data:/data"
        assert service["environment"]["COSMOS_SEARCH_TOKEN"].startswith("${COSMOS_SEARCH_TOKEN:?")
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_the_image_runs_as_an_ordinary_user():
    last_stage = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER 1000:1000$", last_stage, re.MULTILINE)
    assert last_stage.index("USER 1000:1000") < last_stage.index("ENTRYPOINT")


def test_what_setup_py_needs_is_not_ignored():
    ignored = set((ROOT / ".dockerignore").read_text(encoding="utf-8").split())
    assert not ignored & {"README.md", "LICENSE", "NOTICE", "constraints.txt", "pyproject.toml", "setup.py"}
    assert not ignored & {"cluster", "cosmos_search", "indexer", "trainer", "ui"}


@pytest.mark.slow
@pytest.mark.skipif(not HAS_DOCKER, reason="needs Docker, with a daemon that can be reached")
@pytest.mark.timeout(1800)
def test_an_image_is_built_and_indexes_photos_that_it_cannot_write(tmp_path):
    for colour in ("red", "blue"):
        paint(tmp_path / f"{colour}.png", colour)
    tmp_path.chmod(0o755)
    subprocess.run([DOCKER, "build", "--tag", "cosmos-search:test", ROOT], check=True)
    limits = ["--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]
    words = [DOCKER, "run", *limits, "--volume", f"{tmp_path}:/photos:ro", "--tmpfs", "/data:uid=1000,mode=700"]
    done = subprocess.run([*words, "cosmos-search:test", "index", "/photos"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 added")
