"""The command line: each command parses, calls the library, prints."""

import click

from cosmos_search.cli.group import ExtensibleCommands
from cosmos_search.cli.terminal import log_to_stderr

__all__ = ["main"]

# The modules of the commands, of which only that of the used one is imported.
MODULES = {
    "duplicates": "cosmos_search.cli.duplicates",
    "evaluate": "cosmos_search.cli.evaluate",
    "facets": "cosmos_search.cli.facets",
    "index": "cosmos_search.cli.index",
    "info": "cosmos_search.cli.folders",
    "mcp": "cosmos_search.cli.mcp",
    "models": "cosmos_search.cli.models",
    "remove": "cosmos_search.cli.folders",
    "search": "cosmos_search.cli.search",
    "serve": "cosmos_search.cli.serve",
    "watch": "cosmos_search.cli.watch",
}


@click.group(
    cls=ExtensibleCommands,
    modules=MODULES,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(package_name="cosmos-search")
def main() -> None:
    """Find pictures by what is in them.

    \b
    Examples:
      cosmos-search index ~/Pictures
      cosmos-search search "a cup of coffee"
    """
    log_to_stderr()
