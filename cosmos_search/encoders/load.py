"""Load an encoder by its name."""

from pathlib import Path

from cosmos_search.encoders.devices import Device, FixedPrecisionError, Precision
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.models.errors import DamagedModelError, ModelNotPulledError, UnknownModelError
from cosmos_search.models.published import PUBLISHED
from cosmos_search.models.store import BUILT_IN, CARD, MINI, ModelStore, check_unchanged, default_store
from cosmos_search.models.trained import PACKAGED, TRAINED_FILE

__all__ = ["load_encoder"]


def load_encoder(
    name: str, device: Device = "auto", precision: Precision = "auto", store: ModelStore | None = None
) -> Encoder:
    """The encoder of that name, ready to use.

    Raises UsageError for a name that is not installed and for a device or precision that cannot be used,
    DamagedModelError for a model whose files differ from the installed ones.
    """
    if name in BUILT_IN:
        return _load_mini(name, device, precision, PACKAGED if name == MINI else None)
    store = store or default_store()
    card = store.card(name)
    if card is not None and card.kind == "mini":
        check_unchanged(store.folder(name), card, weights=True)
        return _load_mini(name, device, precision, store.folder(name) / TRAINED_FILE)
    if card is not None:
        from cosmos_search.encoders.dual_encoder import DualEncoder

        return DualEncoder(store.folder(name), card, device, precision)
    if store.has(name):
        raise DamagedModelError(name, CARD)
    raise ModelNotPulledError(name) if name in PUBLISHED else UnknownModelError(name)


def _load_mini(name: str, device: Device, precision: Precision, trained: Path | None) -> Encoder:
    if precision not in ("auto", "fp32"):
        raise FixedPrecisionError(name, precision)
    from cosmos_search.encoders.mini.encoder import MiniEncoder  # `info` and `--help` need no onnxruntime

    return MiniEncoder(device=device, trained=trained, name=name)
