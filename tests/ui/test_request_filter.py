"""The request filter without a server: which requests reach Streamlit."""

import asyncio

import pytest

from ui.request_filter import RequestFilter

OWN = [("host", "localhost:8501")]


def request(path="/", method="GET", headers=OWN, kind="http", names=("localhost",)):
    """The status of the answer; 200: the request reached the application, 403 also stands for a refused websocket."""
    answers = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        answers.append(message)

    scope = {"type": kind, "path": path, "method": method}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers]
    asyncio.run(RequestFilter(app, names, "known".__eq__, "ticket".__eq__)(scope, None, send))
    return 403 if answers[0]["type"] == "websocket.close" else answers[0]["status"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("headers", "is_allowed"),
    [
        (OWN, True),
        ([("host", "LOCALHOST:8501"), ("origin", "http://localhost:8501")], True),
        ([("host", "localhost:8501"), ("origin", "https://localhost:8501")], True),
        ([("host", "localhost:8501"), ("origin", "http://localhost:1")], False),
        ([("host", "localhost:8501"), ("origin", "null")], False),
        ([("host", "localhost:8501"), ("origin", "http://localhost:8501"), ("origin", "http://evil.example")], False),
        ([("host", "evil.example:8501")], False),
        ([("host", "[::1")], False),
        ([*OWN, *OWN], False),
        ([], False),
    ],
)
def test_other_hosts_and_origins_are_refused(kind, headers, is_allowed):
    path = "/_stcore/stream" if kind == "websocket" else "/"
    assert request(path, headers=headers, kind=kind) == (200 if is_allowed else 403)


def test_a_server_for_other_machines_accepts_any_one_name():
    assert request(headers=[("host", "photos.example")], names=None) == 200
    assert request(headers=[("host", "photos.example"), ("host", "other.example")], names=None) == 403
    assert request(headers=[("host", "photos.example"), ("origin", "http://evil.example")], names=None) == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/index.html", 200),
        ("GET", "/scripts/grid.js", 200),
        ("GET", "/page/outline", 403),
        ("POST", "/page/pictures/1/albums", 403),
        ("HEAD", "/static/js/index.js", 200),
        ("POST", "/", 404),
        ("PUT", "/static/js/index.js", 404),
        ("GET", "/_stcore/metrics", 404),
        ("PUT", "/_stcore/upload_file/known/1", 200),
        ("DELETE", "/_stcore/upload_file/known/1", 200),
        ("PUT", "/_stcore/upload_file/unknown/1", 404),
        ("GET", "/_stcore/upload_file/known/1", 404),
        ("POST", "/_stcore/upload_file/known/1", 404),
    ],
)
def test_only_requests_of_the_page_are_served(method, path, status):
    assert request(path, method) == status


def test_websockets_of_other_paths_are_refused():
    assert request("/_stcore/stream", kind="websocket") == 200
    assert request("/elsewhere", kind="websocket") == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("cookie", "cosmos_search_8501=ticket")], 200),
        ([("cookie", "other=1; cosmos_search_8501=ticket"), ("sec-fetch-site", "same-origin")], 200),
        ([("cookie", "cosmos_search_8501=ticket"), ("sec-fetch-site", "none")], 200),
        ([("cookie", "cosmos_search_8501=ticket"), ("sec-fetch-site", "same-site")], 403),
        ([("cookie", "cosmos_search_8501=ticket"), ("sec-fetch-site", "cross-site")], 403),
        ([("cookie", "cosmos_search_8501=ticket"), ("origin", "http://evil.example")], 403),
        ([("cookie", "cosmos_search_8502=ticket")], 403),
        ([("cookie", "cosmos_search_8501=other")], 403),
        ([("cookie", "\x01=;=")], 403),
        ([], 403),
    ],
)
def test_pictures_need_the_ticket_of_this_page_and_a_request_of_its_own(headers, status):
    assert request("/page/pictures/1/thumbnail", headers=[*OWN, *headers]) == status
