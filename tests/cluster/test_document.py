"""The commands of docs/cluster.md, run as they are written, and the description of the containers."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from tests import ROOT
from tests.cluster.wait import DEADLINE_S, wait_until
from tests.postgres import find_programs

DOCUMENT = ROOT / "docs" / "cluster.md"
PHOTOS = ("chelsea.png", "coffee.png", "rocket.jpg")  # a cat, a cup, a rocket
HEAD = "10.0.0.1:6379"  # in the document


def read_commands(heading):
    """The lines of the first block of commands below a heading, without comments."""
    text = DOCUMENT.read_text(encoding="utf-8").split(f"## {heading}\n")[1]
    lines = re.search(r"```bash\n(.*?)```", text, re.DOTALL)[1].splitlines()
    return [command for line in lines if (command := line.split("  #")[0].strip()) and not command.startswith("#")]


@pytest.fixture
def shell(postgres, tmp_path):
    """A function that runs a command in a shell of a new user, for whom PostgreSQL runs; ends all that it started."""
    home = Path(tempfile.mkdtemp(prefix="ray-"))  # the sockets of Ray need a short path
    photos = Path(find_spec("skimage").submodule_search_locations[0]) / "data"
    (home / "Pictures").mkdir()
    models = user_cache_path("cosmos-search") / "models"  # which are not made again for the new user
    models.mkdir(parents=True, exist_ok=True)
    (home / ".cache" / "cosmos-search").mkdir(parents=True)
    (home / ".cache" / "cosmos-search" / "models").symlink_to(models)
    for name in PHOTOS:
        shutil.copy(photos / name, home / "Pictures")
    programs = os.pathsep.join([str(Path(sys.executable).parent), str(find_programs())])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "XDG_"))} | {
        "HOME": str(home), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        "PGHOST": str(postgres.folder), "PGUSER": "cosmos", "RAY_TMPDIR": str(home / "ray"),
        "RAY_memory_monitor_refresh_ms": "0", "RAY_worker_niceness": "0",
    }  # fmt: skip
    (home / "ray").mkdir()
    variables = []

    def run(command, *, in_background=False):
        if command.startswith("export "):
            variables.append(command)
            return None
        words = ["bash", "-c", "; ".join([*variables, command])]
        if in_background:
            return subprocess.Popen(
                words, env=environment, cwd=home, stderr=subprocess.PIPE, text=True, start_new_session=True
            )
        with (home / "output").open("w+") as output:  # not a pipe, which Ray's processes would keep open
            done = subprocess.run(
                words, env=environment, cwd=home, stdout=output, stderr=output, check=False, timeout=DEADLINE_S
            )
            output.seek(0)
            text = output.read()
        assert done.returncode == 0, (command, text)
        print(f"$ {command}", text, sep="\n")
        return text

    yield run
    for process in find_processes(f"HOME={home}"):
        os.kill(process, signal.SIGKILL)
    wait_until(lambda: not find_processes(f"HOME={home}"))
    shutil.rmtree(home, ignore_errors=True)


def find_processes(variable):
    """Processes of this machine, other than this one, with a variable in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and variable.encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:  # it ended, or is another user's
            continue
    return found


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.slow
@pytest.mark.skipif(not is_free(6379), reason="another program uses Ray's port")
def test_the_commands_run_as_they_are_written_with_two_workers(shell):
    """On two nodes: the one of the first block, and the one of the second block that joins it."""
    commands = read_commands("One machine")
    (join,) = [command for command in read_commands("Several machines") if command.startswith("ray start --address")]
    output = {}
    serving = None
    for command in commands:
        if command.startswith("pip install"):
            continue
        if " serve " in command:
            serving = shell(command, in_background=True)
            while "All shards are ready: 3 pictures." not in (line := serving.stderr.readline()):
                assert line, "the service ended"
            continue
        output[command] = shell(command)
        if command.startswith("ray start --head"):
            shell(join.replace(HEAD, "127.0.0.1:6379"))
            wait_until(lambda: shell("ray status").count("1 node_") == 2)  # Ray's services come up after the command
    first, second, search = [text for command, text in output.items() if command.startswith("cosmos-search")]
    assert "3 added" in first
    assert "3 kept" in second
    assert "chelsea.png" in search.splitlines()[1]
    os.killpg(serving.pid, signal.SIGINT)
    assert serving.wait(timeout=DEADLINE_S) in (0, 130)
    serving.stderr.close()


def test_the_containers_are_described_with_what_they_use():
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load((ROOT / "docs" / "compose.yaml").read_text(encoding="utf-8"))
    services = found["services"]
    assert set(services) == {"db", "head", "worker"}
    known = {"build", "image", "command", "environment", "secrets", "volumes", "shm_size", "networks", "depends_on",
             "deploy"}  # fmt: skip
    for name, service in services.items():
        assert set(service) <= known, name  # no ports: Ray runs code for whoever reaches it
        assert set(service["secrets"]) <= set(found["secrets"])
        assert set(service["networks"]) <= set(found["networks"])
        assert set(service.get("depends_on", ())) <= set(services)
        named = [volume.split(":")[0] for volume in service["volumes"] if volume[0] not in "./$"]
        assert set(named) <= set(found["volumes"])
    for node in (services["head"], services["worker"]):
        environment = node["environment"]
        assert environment["RAY_AUTH_MODE"] == "token"
        for variable in ("PGPASSFILE", "RAY_AUTH_TOKEN_PATH"):
            assert environment[variable].removeprefix("/run/secrets/") in node["secrets"]
    assert "head:6379" in services["worker"]["command"]
    assert "--port 6379" in services["head"]["command"]
