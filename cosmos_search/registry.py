"""Which models there are, by name."""

from cosmos_search.encoder import Encoder
from indexer.errors import UsageError

__all__ = ["DEFAULT_MODEL", "load_encoder"]

DEFAULT_MODEL = "cosmos-mini"


def load_encoder(name: str) -> Encoder:
    """The encoder of that name, ready to use; UsageError if there is none."""
    if name == "cosmos-mini":
        from cosmos_search.mini import MiniEncoder  # onnxruntime is not needed by `info` and `--help`

        return MiniEncoder()
    raise UsageError(f"There is no model named {name!r}; there is: {DEFAULT_MODEL}")
