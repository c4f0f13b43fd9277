"""A server in a thread of the test, and calls of it as any program makes them."""

import json
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Thread

from cosmos_search.client.server_file import ServerAddress
from cosmos_search.server.connection import Connection
from cosmos_search.server.run import Server, listen

TOKEN = "a token of some length"


@dataclass
class Reply:
    status: int
    headers: dict
    data: bytes

    @property
    def json(self):
        return json.loads(self.data)


@dataclass
class Caller:
    """Calls of one server. headers: those of each request, beside Host."""

    port: int
    headers: dict

    def call(self, method, path, body=None, **headers):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, self.headers | headers)
        response = connection.getresponse()
        reply = Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return reply

    def get(self, path, **headers):
        return self.call("GET", path, **headers)

    def post(self, path, values, **headers):
        body = values if isinstance(values, bytes) else json.dumps(values)
        return self.call("POST", path, body, **{"Content-Type": "application/json"} | headers)

    def address(self, pid):
        return ServerAddress("127.0.0.1", self.port, TOKEN, pid)


@contextmanager
def serving(service, connection=Connection):
    listener = listen("127.0.0.1", 0)
    server = Server(service, TOKEN, connection=connection)
    thread = Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield Caller(listener.getsockname()[1], {"Authorization": f"Bearer {TOKEN}"})
    finally:
        service.stop()
        server.should_exit = True
        thread.join()
        listener.close()
        service.close()
