"""Load an encoder by its name, or find its version."""

from pathlib import Path

from cosmos_search.encoders.devices import Device, FixedPrecisionError, Precision
from cosmos_search.encoders.mini.config import MiniConfig
from cosmos_search.encoders.mini.version import make_version
from cosmos_search.encoders.mini.weights import find_weights
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.models.errors import DamagedModelError, ModelNotPulledError, UnknownModelError
from cosmos_search.models.published import PUBLISHED
from cosmos_search.models.store import BUILT_IN, CARD, MINI, MINI_CONSE, ModelStore, check_unchanged, default_store
from cosmos_search.models.trained import PACKAGED, TRAINED_FILE, read_trained
from indexer.errors import CosmosSearchError

__all__ = ["find_version", "load_encoder"]


def load_encoder(
    name: str, device: Device = "auto", precision: Precision = "auto", store: ModelStore | None = None
) -> Encoder:
    """The encoder of that name, ready to use.

    Raises UsageError for a name that is not installed and for a device or precision that cannot be used,
    DamagedModelError for a model whose files differ from the installed ones.
    """
    store = store or default_store()
    card = None if name in BUILT_IN else store.card(name)
    if name in BUILT_IN or (card is not None and card.kind == "mini"):
        if precision not in ("auto", "fp32", "int8"):
            raise FixedPrecisionError(name, precision)
        if card is not None:
            check_unchanged(store.folder(name), card, weights=True)
        from cosmos_search.encoders.mini.encoder import MiniEncoder  # `info` and `--help` need no onnxruntime

        return MiniEncoder(device=device, precision=precision, trained=_locate_trained(name, store), name=name)
    if card is not None:
        from cosmos_search.encoders.dual_encoder import DualEncoder

        return DualEncoder(store.folder(name), card, device, precision)
    if store.has(name):
        raise DamagedModelError(name, CARD)
    raise ModelNotPulledError(name) if name in PUBLISHED else UnknownModelError(name)


def find_version(name: str, store: ModelStore | None = None) -> str | None:
    """The version that `load_encoder` would load, found without loading it; None if it is not installed or damaged."""
    store = store or default_store()
    card = None if name in BUILT_IN else store.card(name)
    if name not in BUILT_IN and (card is None or card.kind != "mini"):
        return card.version if card is not None else None
    try:
        trained = _locate_trained(name, store)
        return make_version(MiniConfig(), find_weights(), read_trained(trained) if trained is not None else {})
    except CosmosSearchError:
        return None


def _locate_trained(name: str, store: ModelStore) -> Path | None:
    """The trained weights of the built-in network; None for the encoder that has none."""
    if name == MINI_CONSE:
        return None
    return PACKAGED if name == MINI else store.folder(name) / TRAINED_FILE
