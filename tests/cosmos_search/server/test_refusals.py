"""What the server refuses, and that each refusal is one sentence in JSON."""

import logging
import os
from threading import Barrier, Event, Thread

import anyio
import pytest

import cosmos_search
from cosmos_search.client.wire import Answer
from cosmos_search.server.errors import StoppingError
from cosmos_search.server.run import choose_token, listen
from cosmos_search.server.service import Service
from cosmos_search.server.workers import Workers
from indexer.errors import UsageError
from tests.colour import ColourEncoder
from tests.serving import TOKEN, serving


def sentence(reply, status):
    assert reply.status == status, reply.data
    assert list(reply.json) == ["error"]
    assert reply.json["error"][-1] in ".?" or ":" in reply.json["error"] or status == 400
    assert "\n" not in reply.json["error"]
    return reply.json["error"]


def test_every_route_but_health_needs_the_token(server):
    for path in ("/v1/pictures", "/v1/openapi.json", "/v1/metrics", "/nothing"):
        for token in ("", "Bearer", "Bearer wrong", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe9"):
            sentence(server.get(path, Authorization=token), 401)
    assert server.get("/v1/health", Authorization="").status == 200


def test_other_host_names_and_other_web_sites_are_refused(server):
    for host in ("evil.example", "127.0.0.1.evil.example", "[::1", ""):
        sentence(server.get("/v1/health", Host=host), 403)
    sentence(server.get("/v1/health", Origin="https://evil.example"), 403)
    sentence(server.call("OPTIONS", "/v1/search", Origin="https://evil.example"), 403)
    reply = server.get("/v1/health", Origin=f"http://127.0.0.1:{server.port}")
    assert reply.status == 200
    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"1", b'{"text": "+"}',
     b'{"top": "5"}', b'{"top": true}', b'{"top": 0}', b'{"filters": {"near": "1"}}',
     b'{"filters": {"no": "1"}}', b'{"filters": {"orientation": "up"}}', b'{"text": "red", "tops": 3}', b'{"text": 1}',
     b'{"image": "x"}', b'{"image": "AAAA"}', b'{"similar_to": 1, "image": "A"}', b'{"text": "red", "box": [0,0,1,1]}',
     b'{"similar_to": 1, "box": [0,0,1,NaN]}', b'{"similar_to": 1, "box": [1,0,0,1]}', b"{}", b"\xff", b"[" * 50_000,
     b'{"text": "red", "top": 9000, "offset": 9000}'],
)  # fmt: skip
def test_a_search_that_is_not_valid_is_refused(server, body):
    sentence(server.post("/v1/search", body), 400)


def test_arguments_of_other_routes_are_checked(server):
    for path in ("/v1/pictures?limit=0", "/v1/pictures?colour=red", "/v1/pictures/x", "/v1/facets?after=never",
                 "/v1/map?max_points=1000000"):  # fmt: skip
        sentence(server.get(path), 400)
    assert "Content-Type" in sentence(server.post("/v1/search", {"text": "red"}, **{"Content-Type": "text/plain"}), 400)
    sentence(server.get(f"/v1/pictures/{2**63 - 1}"), 404)
    sentence(server.post("/v1/search", {"similar_to": 99}), 404)
    sentence(server.call("DELETE", "/v1/pictures/1"), 405)
    sentence(server.get("/v1/pictures/"), 404)


def test_large_requests_and_pictures_are_refused(server):
    sentence(server.post("/v1/index", b" " * 100_000), 413)
    sentence(server.post("/v1/search", b" " * (50 << 20)), 413)


def test_without_an_index_the_answer_says_so(tmp_path):
    with serving(Service(cosmos_search.open(tmp_path / "none", encoder=ColourEncoder()))) as server:
        assert "no index" in sentence(server.post("/v1/search", {"text": "a red"}), 409)
        assert "no index" in sentence(server.get("/v1/pictures"), 409)


def test_work_is_bounded(library):
    """One search runs, one waits, and the third is told to come back."""
    began, may_end = Barrier(2), Event()

    def answer(search):
        began.wait(timeout=20)
        assert may_end.wait(timeout=20)
        return Answer([])

    service = Service(library, answer, workers=Workers(1, 1))
    with serving(service) as server:
        replies = []
        threads = [Thread(target=lambda: replies.append(server.post("/v1/search", {"text": "red"}))) for _ in range(2)]
        threads[0].start()
        began.wait(timeout=20)
        threads[1].start()
        while service.workers.n_active < 2:
            os.sched_yield()
        refused = server.post("/v1/search", {"text": "red"})
        sentence(refused, 503)
        assert refused.headers["retry-after"] == "1"
        assert server.get("/v1/health").status == 200
        may_end.set()
        began.wait(timeout=20)
        for thread in threads:
            thread.join()
    assert [reply.status for reply in replies] == [200, 200]


def test_work_that_waits_when_the_server_ends_is_not_begun():
    began, may_end, done = Event(), Event(), []

    def work():
        began.set()
        assert may_end.wait(timeout=20)
        done.append("the first")

    async def wait(workers):
        with pytest.raises(StoppingError):
            await workers.run(lambda: done.append("the second"))

    async def run():
        workers = Workers(1, 5)
        async with anyio.create_task_group() as group:
            group.start_soon(workers.run, work)
            await anyio.to_thread.run_sync(began.wait)
            group.start_soon(wait, workers)
            await anyio.wait_all_tasks_blocked()
            workers.is_closed = True
            may_end.set()

    anyio.run(run)
    assert done == ["the first"]


def test_a_search_for_near_duplicates_is_given_up_when_the_server_ends(library):
    service = Service(library)
    with serving(service) as server:
        service.is_stopping = True
        assert sentence(server.get("/v1/near-duplicates"), 503) == "The server is stopping."


def test_requests_have_ids_in_answers_and_in_the_log_but_no_words(server, caplog):
    caplog.set_level(logging.INFO, "cosmos_search.server")
    assert server.get("/v1/health", **{"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    made = server.post("/v1/search", {"text": "a red"}, **{"X-Request-Id": "not one\t"}).headers["x-request-id"]
    server.get("/v1/pictures?folder=private")
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("mine-1 GET /v1/health 200 ")
    assert lines[1].startswith(f"{made} POST /v1/search 200 ")
    assert not any(word in line for line in lines for word in ("private", "red"))


def test_a_bug_is_logged_with_its_request_and_answered_without_details(library, caplog):
    def answer(search):
        raise ZeroDivisionError("secret")

    with serving(Service(library, answer)) as server:
        reply = server.post("/v1/search", {"text": "red"}, **{"X-Request-Id": "bug-1"})
    assert "secret" not in sentence(reply, 500)
    assert [r.getMessage() for r in caplog.records if r.exc_info] == ["bug-1 failed"]


def test_other_hosts_need_a_long_token():
    assert len(choose_token("127.0.0.1", None)) > 40
    assert choose_token("0.0.0.0", "x" * 16) == "x" * 16
    for host, token in (("0.0.0.0", None), ("", None), ("127.0.0.1", "x" * 15), ("127.0.0.1", "é" * 20)):
        with pytest.raises(UsageError):
            choose_token(host, token)
    with listen("127.0.0.1", 0) as taken, pytest.raises(cosmos_search.ListenError):
        listen("127.0.0.1", taken.getsockname()[1])
