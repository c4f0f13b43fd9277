"""JSON objects in files, read strictly: UTF-8, no NaN, no duplicate key, a bounded size and depth."""

import json
from pathlib import Path
from typing import Any, NoReturn

from indexer.errors import CosmosSearchError
from indexer.files import read_file, replace_file

__all__ = ["read_object", "write_object"]

MAX_BYTES = 1 << 20  # of a configuration file; published ones have 1 to 5 KB


def read_object(path: Path, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The JSON object in a file. Raises CosmosSearchError for anything else; reads at most `max_bytes`."""
    try:
        data = read_file(path, max_bytes)
    except OSError as error:
        raise CosmosSearchError(f"{path} can't be used: {error.strerror or error}.") from error
    try:
        content = json.loads(data.decode("utf-8"), object_pairs_hook=_to_dict, parse_constant=_reject_constant)
    except UnicodeDecodeError as error:
        raise CosmosSearchError(f"{path} can't be used: it is not in UTF-8.") from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0][:200]
        raise CosmosSearchError(f"{path} is not a valid config file ({reason}).") from error
    if not isinstance(content, dict):
        raise CosmosSearchError(f"{path} can't be used: it does not contain a JSON object.")
    return content


def write_object(path: Path, content: dict[str, Any]) -> None:
    """Write an object to a file, indented; the file appears complete or not at all. Raises OSError."""
    data = (json.dumps(content, indent=2) + "\n").encode()
    replace_file(path, lambda file: file.write(data))


def _to_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("it has a duplicate key")
    return content


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
