"""A server whose searches go through shards, and the searches that find it."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

import cosmos_search
from cosmos_search.cli.main import main
from cosmos_search.client.server_file import write_address
from cosmos_search.client.wire import Search
from tests import ROOT
from tests.cluster.test_search import start
from tests.colour import ColourEncoder, paint_photos
from tests.serving import TOKEN, serving


def run_search(place, *words):
    code = "from cosmos_search.cli.main import main; main()"
    command = [sys.executable, "-c", code, "search", *words, "--index", place.url, "--json"]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_shards_need_an_index_on_a_server(tmp_path):
    done = CliRunner().invoke(main, ["serve", "--index", str(tmp_path), "--port", "0", "--shards", "2"])
    assert (done.exit_code, "PostgreSQL" in done.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_search_asks_the_server_with_shards_and_finds_the_same(ray_cluster, server_place, tmp_path, monkeypatch):
    """Neither the command nor the second library can load the encoder of this index, so only the server answers."""
    pytest.importorskip("fastapi")
    from cluster.search import Searcher
    from cosmos_search.server.service import Service

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    photos = paint_photos(tmp_path / "photos")
    with cosmos_search.open(server_place, encoder=ColourEncoder()) as library:
        library.add(photos)
        index = library._opened.open()
        for shards in start(index, tmp_path / "shards", 2, 1):
            with Searcher(library, shards) as searcher, serving(Service(library, searcher.search)) as caller:
                expected = library.search("a red. a blue", 5)
                assert searcher.search(Search("a red. a blue", 5)).hits == expected
                others = library.search("-text:red", 20)
                assert (searcher.search(Search("-text:red", 20)).hits, len(others)) == (others, 7)
                client = cosmos_search.Client(f"http://127.0.0.1:{caller.port}", TOKEN)
                assert client.search("a red. a blue", 5).hits == expected
                assert caller.get("/v1/pictures").json["n_matching"] == 8
                write_address(server_place, caller.address(os.getppid()))
                with cosmos_search.open(server_place) as other:
                    assert other.search("a red. a blue", 5) == expected
                found = run_search(server_place, "a red", "-n", "3")
                assert [json.loads(line) for line in found.stdout.splitlines()] == [
                    hit.to_dict() for hit in library.search("a red", 3)
                ], found.stderr
                like = run_search(server_place, "--similar-to", str(photos / "blue.png"), "-n", "1")
                (nearest,) = library.search(similar_to=photos / "blue.png", top=1)
                assert json.loads(like.stdout)["path"] == str(nearest.picture.paths[0])
        alone = run_search(server_place, "a red")
        assert (alone.returncode, alone.stdout) == (2, "")
        assert "colour" in alone.stderr
