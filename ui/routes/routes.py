"""All routes of the page beside Streamlit's."""

from starlette.routing import Route

from ui.routes.album_routes import make_album_routes
from ui.routes.map_routes import make_map_routes
from ui.routes.picture_routes import make_picture_routes
from ui.routes.result_routes import make_result_routes
from ui.routes.script_routes import make_script_routes
from ui.settings import ROUTES, SCRIPTS

__all__ = ["make_routes"]


def make_routes(*, is_local: bool) -> list[Route]:
    """is_local: only the computer that has the files can open the page."""
    pictures = f"{ROUTES}/pictures"
    return [
        *make_script_routes(SCRIPTS),
        *make_picture_routes(pictures),
        *make_album_routes(pictures, is_local=is_local),
        *make_map_routes(f"{ROUTES}/map"),
        *make_result_routes(ROUTES, is_local=is_local),
    ]
