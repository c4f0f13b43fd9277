"""Results as JSON: the outline of all, the cards of some, the details of one, and words to search for."""

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cosmos_search.retrieval.similarity import find_levels
from indexer.errors import CosmosSearchError, UsageError
from indexer.pictures.regions import WHOLE
from ui.components.cards import list_facts, make_card, make_parts, make_text_parts
from ui.components.globe import draw_place_map, make_map_link
from ui.components.outline import make_outline
from ui.escape import replace_surrogates
from ui.routes.answers import explain_errors, make_json
from ui.routes.picture_routes import find_picture
from ui.session.heat import refine_boxes
from ui.session.results import (
    ExamplePicture,
    find_example,
    find_hit,
    find_part,
    find_shapes,
    get_levels,
    is_by_date,
)
from ui.session.shared import SharedResources, shared_resources
from ui.session.state import State
from ui.session.suggestions import list_suggestions

__all__ = ["make_result_routes"]

MAX_CARDS = 200


def make_result_routes(prefix: str, *, is_local: bool) -> list[Route]:
    """is_local: the page is opened on the computer that has the files, so that it can show their folder."""

    def send_details(request: Request) -> Response:
        return make_json(_make_details(request) | {"can_open_folder": is_local})

    handlers = {
        "outline": _send_outline,
        "cards": _send_cards,
        "suggestions": _send_suggestions,
        "pictures/{id:int}/details": send_details,
        "pictures/{id:int}/boxes": _send_boxes,
    }
    return [Route(f"{prefix}/{path}", explain_errors(handler)) for path, handler in handlers.items()]


def _read_search(request: Request) -> tuple[SharedResources, State, ExamplePicture | None]:
    """The state in the address of a request, with its example picture."""
    shared, state = shared_resources(), State.from_address(request.query_params)
    return shared, state, find_example(shared, state, request.query_params.get("upload"))


def _send_outline(request: Request) -> Response:
    shared, state, example = _read_search(request)
    return make_json(asdict(make_outline(find_shapes(shared, state, example), is_by_date(state, example))))


def _send_cards(request: Request) -> Response:
    shared, state, example = _read_search(request)
    start, n = (_read_count(request, name) for name in ("start", "n"))
    found = find_part(shared, state, example, start, max(1, min(n, MAX_CARDS)))
    levels = get_levels(shared, found)
    return make_json([asdict(make_card(one, levels)) for one in found])


def _read_count(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError(f"{name} has to be a number.")
    return int(text)


def _make_details(request: Request) -> dict[str, Any]:
    shared, state, example = _read_search(request)
    picture = find_picture(request, shared)
    try:
        hit = find_hit(shared, state, example, picture.id)
    except CosmosSearchError:  # the results show it
        hit = None
    evidence, texts = (hit.evidence, hit.texts) if hit is not None else ((), ())
    levels = find_levels(shared.library.encoder.name) if evidence else None
    m, has = picture.facts.metadata, set(shared.library.albums_of(picture.id))
    place = None if m.latitude is None or m.longitude is None else (m.latitude, m.longitude)
    sentences = [
        asdict(part) | {"is_whole": one.box == WHOLE, "heat": None if one.is_example else one.text}
        for part, one in zip(make_parts(evidence, levels), evidence, strict=True)
    ]
    lines = [asdict(part) | {"is_whole": False, "heat": None} for part in make_text_parts(texts)]
    return {
        "card": asdict(make_card(picture)),
        "facts": [(name, replace_surrogates(text)) for name, text in list_facts(picture)],
        "paths": [replace_surrogates(path) for path in picture.paths],
        "map": draw_place_map(*place) if place else None,
        "map_link": make_map_link(*place) if place else None,
        "parts": lines + sentences if hit is not None and hit.is_found_by_texts else sentences + lines,
        "albums": [
            {"id": album.id, "name": album.name, "has": album.id in has}
            for album in shared.library.albums()
            if album.search is None
        ],
    }


def _send_boxes(request: Request) -> Response:
    """The boxes of the sentences, fitted to heat maps; these take a moment, so they come after the details."""
    shared, state, example = _read_search(request)
    picture = find_picture(request, shared)
    hit = find_hit(shared, state, example, picture.id)
    evidence = refine_boxes(shared, picture, hit.evidence) if hit is not None else ()
    return make_json([part.box for part in make_parts(evidence)])


def _send_suggestions(request: Request) -> Response:
    """Names in the collection that can be searched for, with their kind, and with the filters that they set."""
    shared = shared_resources()
    if not shared.library.exists():
        return make_json([])
    found = shared.get_or_compute("suggestions", lambda: list_suggestions(shared.library))
    return make_json([(one.text, one.kind, one.changes) for one in found])
