"""The store of installed models: one directory each, in the Hugging Face layout, with a card beside the weights."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from platformdirs import user_data_path
from safetensors import SafetensorError

from cosmos_search.model_config import read_object
from cosmos_search.models.drafts import draft_folder
from cosmos_search.models.published import PUBLISHED
from indexer.errors import CosmosSearchError, UsageError
from indexer.files import expand_home, open_file

__all__ = ["MINI", "NEEDED", "WEIGHTS", "ModelCard", "ModelStore", "check_unchanged", "default_model", "default_store"]

CARD = "card.json"
WEIGHTS = "model.safetensors"
WIDTHS = {384: "ViT-S", 768: "ViT-B", 1024: "ViT-L", 1280: "ViT-H"}
LOCAL_CROP = 96 / 224  # COSMOS learned from local crops of this share of the side
MINI = "cosmos-mini"
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no file may be called so on Windows
NEEDED = ("config.json", WEIGHTS, "tokenizer.json", "preprocessor_config.json")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of an installed model."""

    name: str
    kind: str  # "cosmos" or "clip": the model_type of its config
    network: str  # "ViT-B/16"
    dim: int
    context_length: int  # tokens of a text
    image_side: int  # pixels
    crop_side: int  # pixels that a region is seen at
    source: str  # where it came from, for a person
    version: str  # of the weights: vectors of two versions are never compared
    role: str | None = None  # which half of a COSMOS checkpoint: "teacher" or "student"
    digests: dict[str, str] = field(default_factory=dict)  # of the other parts, to see damage; none in older cards

    @property
    def has_small_crops(self) -> bool:
        """Whether regions have a size of their own."""
        return self.crop_side != self.image_side


class ModelStore:
    """Installed models by name. What is put on it appears whole or not at all."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def cards(self) -> list[ModelCard]:
        """Every installed model, by name."""
        found = (self._card(path) for path in sorted(self.place.glob(f"[!.]*/{CARD}")))
        return [card for card in found if card is not None]

    def card(self, name: str) -> ModelCard | None:
        """The card of one model; None if it isn't installed."""
        return self._card(self.folder(name) / CARD) if _is_name(name) else None

    def has(self, name: str) -> bool:
        """Whether a model of that name is installed, be it whole or damaged."""
        return _is_name(name) and self.folder(name).is_dir()

    def folder(self, name: str) -> Path:
        """Where that model lies, or would."""
        return self.place / name

    def size_bytes(self, name: str) -> int:
        """What a model takes on disk, its exported graphs included."""
        return sum(path.stat().st_size for path in self.folder(name).rglob("*") if path.is_file())

    def put(
        self,
        name: str,
        source: str,
        make: Callable[[Path], None],
        role: str | None = None,
        origins: Mapping[str, str] | None = None,
    ) -> ModelCard:
        """Install what `make` writes into the directory that it is given.

        origins: the file that each part was made from, for messages; else it is the one of that name in `source`.
        Raises UsageError for a name that can't be one, CosmosSearchError for one that is taken and for a
        model that lacks a part or can't be opened; then nothing has changed. Imports torch.
        """
        self.check_is_free(name)
        try:
            with draft_folder(self.place) as scratch:
                draft = scratch / name
                draft.mkdir()
                make(draft)
                card = _describe(draft, name, source, role, origins or {})
                (draft / CARD).write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
                draft.rename(self.folder(name))
        except (OSError, SafetensorError) as error:
            self.check_is_free(name)  # another process was faster
            raise CosmosSearchError(f"The model {name} can't be put into {self.place} ({error}).") from error
        return card

    def check_is_free(self, name: str) -> None:
        """Raise unless a model of that name could be added."""
        if not _is_name(name):
            raise UsageError(f"{name!r} can't be a model's name; use letters, digits, dots and dashes: --name my-model")
        if name.lower() == MINI or self.folder(name).exists():
            raise CosmosSearchError(
                f"There is a model {name} already. Choose another --name, or first: cosmos-search models remove {name}"
            )

    def remove(self, name: str) -> None:
        """Delete a model; raises CosmosSearchError if there is none of that name."""
        if not self.has(name):
            raise CosmosSearchError(f"The model {name!r} is not installed; see which are: cosmos-search models")
        with draft_folder(self.place, ".removing-") as doomed:
            self.folder(name).rename(doomed / name)

    def _card(self, path: Path) -> ModelCard | None:
        try:
            card = ModelCard(**read_object(path))
        except (CosmosSearchError, TypeError):
            return None
        texts = (card.name, card.kind, card.network, card.source, card.version, *card.digests)
        numbers = (card.dim, card.context_length, card.image_side, card.crop_side)
        is_whole = all(isinstance(text, str) for text in texts) and all(type(n) is int and n > 0 for n in numbers)
        return card if is_whole and card.name == path.parent.name else None


def default_store() -> ModelStore:
    """COSMOS_SEARCH_MODELS, else a directory among the user's data."""
    named = os.environ.get("COSMOS_SEARCH_MODELS")
    return ModelStore(expand_home(named) if named else user_data_path("cosmos-search") / "models")


def default_model(store: ModelStore | None = None) -> str:
    """The model of new indexes: the installed one with the best published COCO figures, else the built-in one."""
    installed = [card.name for card in (store or default_store()).cards() if card.name in PUBLISHED]
    return max(installed, key=lambda name: sum(PUBLISHED[name].coco), default=MINI)


def check_unchanged(folder: Path, card: ModelCard, *, weights: bool = False) -> None:
    """Raise CosmosSearchError if a part of an installed model is not as it was installed.

    weights: also these, which takes a second a gigabyte.
    """
    expected = card.digests | ({WEIGHTS: card.version} if weights else {})
    for part, digest in expected.items():
        if not (folder / part).is_file() or _hash(folder / part) != digest:
            raise CosmosSearchError(
                f"The model {card.name} is damaged: its {part} is not as it was installed. To get it again, first: "
                f"cosmos-search models remove {card.name}"
            )


def _describe(folder: Path, name: str, source: str, role: str | None, origins: Mapping[str, str]) -> ModelCard:
    """The card of a model that was opened once; messages name what it was made from, not the draft."""
    from cosmos_search.models.trial import open_once  # torch: only those who install need it

    try:
        sizes = open_once(folder)
    except CosmosSearchError as error:
        said = str(error)
        for part, origin in origins.items():
            said = said.replace(str(folder / part), origin)
        raise CosmosSearchError(said.replace(str(folder), source)) from error
    crop_side = sizes.side
    if sizes.kind == "cosmos":
        crop_side = max(1, round(sizes.side * LOCAL_CROP / sizes.patch)) * sizes.patch
    network = f"{WIDTHS.get(sizes.width, f'ViT-{sizes.width}')}/{sizes.patch}"
    digests = {part: _hash(folder / part) for part in NEEDED if part != WEIGHTS}
    numbers = (sizes.dim, sizes.context_length, sizes.side, crop_side)
    return ModelCard(name, sizes.kind, network, *numbers, source, _hash(folder / WEIGHTS), role, digests)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with open_file(path) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()[:12]


def _is_name(name: str) -> bool:
    """Whether it is safe as a folder's name on every system, and as a word of a command."""
    is_plain = re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?", name) is not None
    return is_plain and DEVICES.fullmatch(name) is None
