"""Temporary folders: whole or not at all, swept when their process has died, and never before."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cosmos_search.encoders.onnx_session import write_atomically
from cosmos_search.models.drafts import draft_folder
from cosmos_search.models.install import add_model
from cosmos_search.models.store import ModelStore
from tests import ROOT
from tests.micro import PARITY, micro_like

HOLD = """
import sys
from pathlib import Path
from cosmos_search.models.drafts import draft_folder
with draft_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process, which is making something in tmp_path: the process and its folder there."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def add(place):
    add_model(
        ModelStore(place), PARITY / "bare_format_micro.pt", "micro", config_from=micro_like(place.parent / "like")
    )


@pytest.mark.parametrize(
    "write", [lambda place: write_atomically(place / "micro", Path.touch), add], ids=["cache", "store"]
)
def test_a_live_process_keeps_its_folder_and_a_dead_ones_is_swept(write, other, tmp_path):
    process, folder = other
    with draft_folder(tmp_path):
        assert (folder / "half").exists()
    assert names(tmp_path) == [folder.name, f"{folder.name}.lock"]
    process.kill()
    process.wait()
    assert folder.exists()
    for name in (".making-abcdefgh", ".removing-x1"):  # as earlier versions left them
        (tmp_path / name / "micro").mkdir(parents=True)
    write(tmp_path)
    assert [name for name in names(tmp_path) if name.startswith(".")] == []
    assert (tmp_path / "micro").exists()


def test_what_is_not_a_draft_is_left_alone(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    (tmp_path / ".making-linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "making-notes").mkdir()
    with draft_folder(tmp_path):
        pass
    assert (tmp_path / "elsewhere" / "file").exists()
    assert (tmp_path / "making-notes").exists()


def test_many_at_once_never_sweep_each_other(tmp_path):
    failures = []

    def make():
        for _ in range(20):
            with draft_folder(tmp_path) as folder:
                (folder / "file").touch()
                if not (folder / "file").exists():
                    failures.append(folder)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert names(tmp_path) == []
