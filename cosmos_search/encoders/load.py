"""An encoder by its name."""

from cosmos_search.encoders.devices import Device, Precision
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.models.published import PUBLISHED
from cosmos_search.models.store import MINI, ModelStore, default_store
from indexer.errors import CosmosSearchError, UsageError

__all__ = ["load_encoder"]


def load_encoder(
    name: str, device: Device = "auto", precision: Precision = "auto", store: ModelStore | None = None
) -> Encoder:
    """The encoder of that name, ready to use.

    device: "auto", "cpu", "cuda" or "mps"; precision: "auto", "fp32", "bf16", "fp16" or "int8".
    Raises UsageError for a name that isn't installed, and for a device or precision that can't be had;
    CosmosSearchError for a model whose files are damaged.
    """
    if name == MINI:
        if precision not in ("auto", "fp32"):
            raise UsageError(f"{MINI} runs in fp32; larger models have the choice: cosmos-search models")
        from cosmos_search.encoders.mini.encoder import MiniEncoder  # `info` and `--help` need no onnxruntime

        return MiniEncoder(device=device)
    store = store or default_store()
    card = store.card(name)
    if card is not None:
        from cosmos_search.encoders.dual_encoder import DualEncoder

        return DualEncoder(store.folder(name), card, device, precision)
    if store.has(name):
        raise CosmosSearchError(
            f"The model {name} is damaged: its card.json is not as it was installed. To get it again, first: "
            f"cosmos-search models remove {name}"
        )
    if name in PUBLISHED:
        raise UsageError(f"The model {name} is not installed; get it: cosmos-search models pull {name}")
    raise UsageError(f"There is no model named {name!r}; see which there are: cosmos-search models")
