"""Load an encoder by its name."""

from cosmos_search.encoders.devices import Device, FixedPrecisionError, Precision
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.models.errors import DamagedModelError, ModelNotPulledError, UnknownModelError
from cosmos_search.models.published import PUBLISHED
from cosmos_search.models.store import CARD, MINI, ModelStore, default_store

__all__ = ["load_encoder"]


def load_encoder(
    name: str, device: Device = "auto", precision: Precision = "auto", store: ModelStore | None = None
) -> Encoder:
    """The encoder of that name, ready to use.

    Raises UsageError for a name that is not installed and for a device or precision that cannot be used,
    DamagedModelError for a model whose files differ from the installed ones.
    """
    if name == MINI:
        if precision not in ("auto", "fp32"):
            raise FixedPrecisionError(MINI, precision)
        from cosmos_search.encoders.mini.encoder import MiniEncoder  # `info` and `--help` need no onnxruntime

        return MiniEncoder(device=device)
    store = store or default_store()
    card = store.card(name)
    if card is not None:
        from cosmos_search.encoders.dual_encoder import DualEncoder

        return DualEncoder(store.folder(name), card, device, precision)
    if store.has(name):
        raise DamagedModelError(name, CARD)
    raise ModelNotPulledError(name) if name in PUBLISHED else UnknownModelError(name)
