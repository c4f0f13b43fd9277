"""The store of installed models: one directory each, with a card beside the weights.

A model is a directory in the Hugging Face layout, or trained weights of the built-in encoder.
"""

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from platformdirs import user_data_path
from safetensors import SafetensorError

from cosmos_search.json_files import read_object, write_object
from cosmos_search.model_config import (
    MINI_DIM,
    MINI_NETWORK,
    MINI_REGION_SIDE,
    MINI_SIDE,
    MINI_TOKENS,
    ModelKind,
    Role,
    read_kind,
)
from cosmos_search.models.drafts import draft_folder
from cosmos_search.models.errors import DamagedModelError, ModelExistsError, ModelNameError, ModelNotInstalledError
from cosmos_search.models.published import PUBLISHED
from cosmos_search.models.trained import CALIBRATION_PARTS, TRAINED_FILE, read_trained
from indexer.errors import CosmosSearchError
from indexer.files import expand_home, open_file

__all__ = [
    "BUILT_IN",
    "CARD",
    "MINI",
    "MINI_CONSE",
    "NEEDED",
    "WEIGHTS",
    "ModelCard",
    "ModelStore",
    "check_unchanged",
    "default_model",
    "default_store",
]

CARD = "card.json"
WEIGHTS = "model.safetensors"
MINI = "cosmos-mini"  # the built-in encoder with the packaged weights, which were trained on captioned photos
MINI_CONSE = "cosmos-mini-conse"  # the same without trained weights
BUILT_IN = (MINI, MINI_CONSE)
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # reserved file names on Windows
NEEDED = ("config.json", WEIGHTS, "tokenizer.json", "preprocessor_config.json")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The description of an installed model; written as card.json beside its weights."""

    name: str
    kind: ModelKind
    network: str  # "ViT-B/16"
    dim: int
    context_length: int  # tokens of a text
    image_side: int  # pixels
    crop_side: int  # pixels to which a region is resized
    source: str  # the file, directory or repository that it was installed from, for display
    version: str  # a digest of the weights: vectors of two versions are never compared
    role: Role | None = None  # which network of a COSMOS checkpoint
    digests: dict[str, str] = field(default_factory=dict)  # of the other files, to detect damage; none in older cards
    is_english: bool = True  # trained on English texts only

    @property
    def weights(self) -> str:
        """The name of the file of weights."""
        return TRAINED_FILE if self.kind == "mini" else WEIGHTS

    @property
    def has_small_crops(self) -> bool:
        """True if regions are encoded at a smaller size than whole pictures."""
        return self.crop_side != self.image_side


class ModelStore:
    """Installed models by name, in one directory. A model appears there complete or not at all."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def cards(self) -> list[ModelCard]:
        """All installed models, sorted by name."""
        found = (_read_card(path) for path in sorted(self.place.glob(f"[!.]*/{CARD}")))
        return [card for card in found if card is not None]

    def card(self, name: str) -> ModelCard | None:
        """The card of one model; None if it is not installed or its card is damaged."""
        return _read_card(self.folder(name) / CARD) if _is_name(name) else None

    def has(self, name: str) -> bool:
        """True if a model of that name is installed, intact or damaged."""
        return _is_name(name) and self.folder(name).is_dir()

    def folder(self, name: str) -> Path:
        """The directory of that model, which may not exist."""
        return self.place / name

    def size_bytes(self, name: str) -> int:
        """The size of a model on disk, including its exported graphs."""
        return sum(path.stat().st_size for path in self.folder(name).rglob("*") if path.is_file())

    def put(
        self,
        name: str,
        source: str,
        make: Callable[[Path], None],
        role: Role | None = None,
        origins: Mapping[str, str] | None = None,
    ) -> ModelCard:
        """Install the model that `make` writes into the directory it is given. Only the hub's layout needs torch.

        origins: for messages, the file from which each part was made; by default the one of that name in `source`.
        Raises ModelNameError, ModelExistsError, and CosmosSearchError for a model that lacks a part or cannot be
        opened; then the store is unchanged.
        """
        self.check_is_free(name)
        try:
            with draft_folder(self.place) as scratch:
                draft = scratch / name
                draft.mkdir()
                make(draft)
                card = _describe(draft, name, source, role, origins or {})
                write_object(draft / CARD, asdict(card))
                draft.rename(self.folder(name))
        except (OSError, SafetensorError) as error:
            self.check_is_free(name)  # another process may have installed it meanwhile
            raise CosmosSearchError(f"The model {name} can't be put into {self.place} ({error}).") from error
        return card

    def check_is_free(self, name: str) -> None:
        """Raise ModelNameError or ModelExistsError unless a model of that name can be installed."""
        if not _is_name(name):
            raise ModelNameError(name)
        is_built_in = name.lower() in BUILT_IN
        if is_built_in or self.folder(name).exists():
            raise ModelExistsError(name, is_built_in)

    def remove(self, name: str) -> None:
        """Delete a model. Raises ModelNotInstalledError if there is none of that name."""
        if not self.has(name):
            raise ModelNotInstalledError(name)
        with draft_folder(self.place, ".removing-") as scratch:
            self.folder(name).rename(scratch / name)


def default_store() -> ModelStore:
    """The store in the directory COSMOS_SEARCH_MODELS, by default in one in the user's data directory."""
    named = os.environ.get("COSMOS_SEARCH_MODELS")
    return ModelStore(expand_home(named) if named else user_data_path("cosmos-search") / "models")


def default_model(store: ModelStore | None = None) -> str:
    """The model for new indexes: the installed one with the best published COCO figures, else the built-in one."""
    installed = [card.name for card in (store or default_store()).cards() if card.name in PUBLISHED]
    return max(installed, key=lambda name: sum(PUBLISHED[name].coco or ()), default=MINI)


def check_unchanged(folder: Path, card: ModelCard, *, weights: bool = False) -> None:
    """Raise DamagedModelError if a file of an installed model differs from the installed one.

    weights: check the weights, too, which takes a second per gigabyte.
    """
    expected = card.digests | ({card.weights: card.version} if weights else {})
    for part, digest in expected.items():
        if not (folder / part).is_file() or _digest(folder / part) != digest:
            raise DamagedModelError(card.name, part)


def _read_card(path: Path) -> ModelCard | None:
    """None for a file that is missing or not a valid card."""
    try:
        card = ModelCard(**read_object(path))
    except (CosmosSearchError, TypeError):
        return None
    texts = (card.name, card.kind, card.network, card.source, card.version, *card.digests)
    numbers = (card.dim, card.context_length, card.image_side, card.crop_side)
    is_valid = all(isinstance(text, str) for text in texts) and all(type(n) is int and n > 0 for n in numbers)
    return card if is_valid and card.name == path.parent.name else None


def _describe(folder: Path, name: str, source: str, role: Role | None, origins: Mapping[str, str]) -> ModelCard:
    """Open a model in a draft folder once, and return its card; errors name the original files, not the draft."""
    if (folder / TRAINED_FILE).exists():
        return _describe_trained(folder, name, source)
    # imports torch, which only installing needs
    from cosmos_search.models.trial import try_model
    from cosmos_search.network.families.registry import FAMILIES

    try:
        sizes = try_model(folder)
    except CosmosSearchError as error:
        message = str(error)
        for part, origin in origins.items():
            message = message.replace(str(folder / part), origin)
        raise CosmosSearchError(message.replace(str(folder), source)) from error
    assert sizes.side is not None, sizes
    crop_side = sizes.side if sizes.crop_side is None else sizes.crop_side
    digests = {part: _digest(folder / part) for part in NEEDED if part != WEIGHTS}
    numbers = (sizes.dim, sizes.context_length, sizes.side, crop_side)
    kind, version = read_kind(folder), _digest(folder / WEIGHTS)
    is_english = FAMILIES[kind].is_english(sizes.vocab_size)
    return ModelCard(name, kind, sizes.network, *numbers, source, version, role, digests, is_english)


def _describe_trained(folder: Path, name: str, source: str) -> ModelCard:
    weights = folder / TRAINED_FILE
    try:
        read_trained(weights)
    except CosmosSearchError as error:
        raise CosmosSearchError(str(error).replace(str(weights), source)) from error
    digests = {part: _digest(folder / part) for part in CALIBRATION_PARTS if (folder / part).exists()}
    numbers = (MINI_DIM, MINI_TOKENS, MINI_SIDE, MINI_REGION_SIDE)
    return ModelCard(name, "mini", MINI_NETWORK, *numbers, source, _digest(weights), digests=digests)


def _digest(path: Path) -> str:
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def _is_name(name: str) -> bool:
    """True if it is safe as a file name on every operating system, and as an argument of a command."""
    is_plain = re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?", name) is not None
    return is_plain and DEVICES.fullmatch(name) is None
