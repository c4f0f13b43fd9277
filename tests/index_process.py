"""Use an index in another process, which a test can limit: `python -m tests.index_process INDEX COMMAND [ARGUMENT]`.

Prints the result, or the message of a CosmosSearchError; any other error is a traceback.
"""

import sys

import cosmos_search
from tests.colour import ColourEncoder


def run(library: cosmos_search.Library, command: str, argument: str) -> str:
    if command == "add":
        report = library.add(argument)
        return f"added {report.added}, kept {report.kept}, failed {len(report.failed)}"
    if command == "search":
        return " ".join(hit.path.name for hit in library.search(argument, top=3))
    if command == "remove":
        return f"removed {library.remove(argument)}"
    info = library.info()
    return f"{info.n_pictures} pictures"


def main() -> None:
    place, command, *rest = sys.argv[1:]
    try:
        with cosmos_search.open(place, encoder=ColourEncoder()) as library:
            print(run(library, command, *rest or [""]))
    except cosmos_search.CosmosSearchError as error:
        print(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
