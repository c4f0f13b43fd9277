"""The command `mcp`: the index as tools of an assistant, over stdin and stdout."""

import click

from cosmos_search.cli.index_option import index_option
from cosmos_search.extras import require_extra
from indexer.places import Place

__all__ = ["mcp"]


@click.command(short_help="Let an assistant find your photos (MCP).")
@index_option
@click.option("--allow-originals", is_flag=True, help="Also give original files with their metadata, not only JPEGs.")
def mcp(place: Place | None, allow_originals: bool) -> None:
    """Let an assistant find your photos: tools by the Model Context Protocol, over stdin and stdout.

    The assistant starts this command. What it reads leaves this machine if the assistant does.

    \b
    Example, as an entry of an assistant's settings:
      {"command": "cosmos-search", "args": ["mcp"]}
    """
    require_extra("The server for assistants", "mcp", "mcp")
    from platformdirs import user_cache_path

    from cosmos_search.library import open as open_library
    from cosmos_search.limits import THUMBNAIL_BYTES
    from cosmos_search.server.mcp_tools import make_mcp_server
    from cosmos_search.service.thumbnails import Thumbnails

    thumbnails = Thumbnails(user_cache_path("cosmos-search") / "thumbnails", THUMBNAIL_BYTES)
    with open_library(place) as library:
        make_mcp_server(library, thumbnails, allow_originals=allow_originals).run("stdio")
