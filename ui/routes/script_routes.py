"""The scripts of the grid, as modules that the browser keeps. They are part of the program, so no login is needed."""

from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["make_script_routes"]

FOLDER = Path(__file__).parents[1] / "components"


def make_script_routes(prefix: str) -> list[Route]:
    """The routes of all scripts. Browsers check for newer ones at each page load."""
    scripts = {path.name: path for path in FOLDER.glob("*.js")}

    def send(request: Request) -> Response:
        path = scripts.get(request.path_params["name"])
        if path is None:
            return Response("Not found.", 404, media_type="text/plain")
        return _send_script(path, request.headers.get("if-none-match"))

    return [Route(f"{prefix}/{{name}}", send)]


def _send_script(path: Path, known: str | None) -> Response:
    content = path.read_bytes()
    headers = {"ETag": f'"{sha256(content).hexdigest()[:16]}"', "Cache-Control": "no-cache"}
    if known == headers["ETag"]:
        return Response(None, 304, headers)
    return Response(content, media_type="text/javascript", headers=headers)
