"""The data of both maps: the map of similar pictures, and the places where pictures were taken."""

from dataclasses import asdict
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from indexer.errors import UsageError
from ui.components.map_cards import make_map, make_map_card
from ui.components.world_cards import make_places
from ui.routes.answers import explain_errors, make_json
from ui.session.atlas import find_atlas
from ui.session.shared import shared_resources

__all__ = ["make_map_routes"]

MAX_CARDS = 200
# Rings of coasts. Each is steps of longitude, latitude, … from 0, 0 on, in hundredths of a degree.
COAST = Path(__file__).parents[1] / "components" / "coast.json"


def make_map_routes(prefix: str) -> list[Route]:
    """The routes at and below `prefix`."""
    handlers = {"": _send_map, "/cards": _send_cards, "/places": _send_places, "/land": _send_land}
    return [Route(f"{prefix}{path}", explain_errors(handler)) for path, handler in handlers.items()]


def _send_map(request: Request) -> Response:
    shared = shared_resources()
    return make_json(shared.cached_until_idle("map values", lambda: make_map(find_atlas(shared))))


def _send_cards(request: Request) -> Response:
    """The cards of pictures by their ids; those that are not indexed any more are left out."""
    ids = request.query_params.get("ids", "").split(",")
    if len(ids) > MAX_CARDS or not all(id_.isascii() and id_.isdigit() and len(id_) < 16 for id_ in ids):
        raise UsageError(f"ids has to be at most {MAX_CARDS} numbers.")
    pictures = shared_resources().library.pictures([int(id_) for id_ in ids])
    return make_json([asdict(make_map_card(picture)) for picture in pictures])


def _send_places(request: Request) -> Response:
    shared = shared_resources()
    return make_json(shared.cached_until_idle("places", lambda: make_places(shared.library.places())))


def _send_land(request: Request) -> Response:
    return Response(
        COAST.read_bytes(), media_type="application/json", headers={"Cache-Control": "private, max-age=86400"}
    )
