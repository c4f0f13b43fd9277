"""Indexing through the server: start, follow, stop."""

import json
from threading import Event

import cosmos_search
from cosmos_search.server.service import Service
from tests.colour import ColourEncoder, paint, paint_photos
from tests.serving import serving


class WaitingEncoder(ColourEncoder):
    """Encodes nothing before it may."""

    batch_size = 1

    def __init__(self):
        super().__init__()
        self.may = Event()

    def encode_images(self, prepared):
        assert self.may.wait(timeout=20)
        return super().encode_images(prepared)


def read_events(reply):
    """(name, values) of each event."""
    assert reply.headers["content-type"].startswith("text/event-stream")
    lines = [
        dict(line.split(": ", 1) for line in block.splitlines()) for block in reply.data.decode().split("\n\n")[:-1]
    ]
    return [(event["event"], json.loads(event["data"])) for event in lines]


def test_a_folder_is_indexed_and_its_progress_followed(server, tmp_path, library):
    paint(tmp_path / "more" / "orange.png", "orange", seed=7)
    assert server.get("/v1/index").json["is_running"] is False
    started = server.post("/v1/index", {"folders": [str(tmp_path / "more")]})
    assert started.status == 202
    *_, (name, last) = read_events(server.get("/v1/index/events"))
    assert (name, last["is_running"], last["report"]["added"], last["error"]) == ("end", False, 1, None)
    assert server.get("/v1/index").json == last
    assert len(server.get("/v1/folders").json["folders"]) == 2


def test_what_cannot_be_indexed_is_refused_at_once(server, tmp_path):
    paint(tmp_path / "red.png", "red")
    before = server.get("/v1/index").json
    for name, reason in (("none", "does not exist"), ("red.png", "is a file"), ("a" * 300, "can't be opened")):
        wrong = server.post("/v1/index", {"folders": [str(tmp_path), str(tmp_path / name)]})
        assert (wrong.status, list(wrong.json), reason in wrong.json["error"]) == (422, ["error"], True)
    assert server.get("/v1/index").json == before
    with serving(Service(cosmos_search.open(tmp_path / "no index", encoder=ColourEncoder()))) as empty:
        assert "no index" in empty.post("/v1/index", {}).json["error"]
        assert empty.get("/v1/index").json["error"] is None


def test_a_running_job_is_the_only_one_and_can_be_stopped(tmp_path):
    encoder = WaitingEncoder()
    photos = paint_photos(tmp_path / "photos")
    library = cosmos_search.open(tmp_path / "index", encoder=encoder)
    with serving(Service(library)) as server:
        server.post("/v1/index", {"folders": [str(photos)]})
        second = server.post("/v1/index", {})
        assert (second.status, second.json["error"]) == (409, "Indexing is running already.")
        assert server.get("/v1/metrics").data.decode().count("cosmos_search_indexing_running 1.0") == 1
        assert server.call("DELETE", "/v1/index").json["is_stopping"] is True
        encoder.may.set()
        last = read_events(server.get("/v1/index/events"))[-1][1]
    assert last["report"]["is_stopped"] is True
    assert last["report"]["added"] < 8
