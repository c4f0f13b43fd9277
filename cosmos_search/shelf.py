"""The shelf of installed models: one directory each, in the Hugging Face layout, with a card beside the weights."""

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_data_path

from cosmos_search.drafts import draft_folder
from indexer.errors import CosmosSearchError, UsageError

__all__ = ["Card", "Shelf", "default_shelf"]

CARD = "card.json"
WEIGHTS = "model.safetensors"
WIDTHS = {384: "ViT-S", 768: "ViT-B", 1024: "ViT-L", 1280: "ViT-H"}
LOCAL_CROP = 96 / 224  # COSMOS learned from local crops of this share of the side
NEEDED = ("config.json", WEIGHTS, "tokenizer.json", "preprocessor_config.json")


@dataclass(frozen=True, slots=True)
class Card:
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

    @property
    def has_small_crops(self) -> bool:
        """Whether regions have a size of their own."""
        return self.crop_side != self.image_side


class Shelf:
    """Installed models by name. What is put on it appears whole or not at all."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def cards(self) -> list[Card]:
        """Every installed model, by name."""
        found = (self._card(path) for path in sorted(self.place.glob(f"[!.]*/{CARD}")))
        return [card for card in found if card is not None]

    def card(self, name: str) -> Card | None:
        """The card of one model; None if it isn't installed."""
        return self._card(self.folder(name) / CARD) if _is_name(name) else None

    def folder(self, name: str) -> Path:
        """Where that model lies, or would."""
        return self.place / name

    def size_bytes(self, name: str) -> int:
        """What a model takes on disk, its exported graphs included."""
        return sum(path.stat().st_size for path in self.folder(name).rglob("*") if path.is_file())

    def put(self, name: str, source: str, make: Callable[[Path], None], role: str | None = None) -> Card:
        """Install what `make` writes into the directory that it is given.

        Raises UsageError for a name that can't be one, CosmosSearchError for one that is taken and for a
        model that lacks a part; then nothing has changed.
        """
        self.check_is_free(name)
        with draft_folder(self.place) as scratch:
            draft = scratch / name
            draft.mkdir()
            make(draft)
            missing = [part for part in NEEDED if not (draft / part).is_file()]
            if missing:
                raise CosmosSearchError(f"{source} is no complete model: {missing[0]} is missing.")
            card = _describe(draft, name, source, role)
            (draft / CARD).write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
            try:
                draft.rename(self.folder(name))
            except OSError as error:  # another process was faster
                self.check_is_free(name)
                raise CosmosSearchError(f"The model {name} can't be put into {self.place} ({error}).") from error
        return card

    def check_is_free(self, name: str) -> None:
        """Raise unless a model of that name could be put on the shelf."""
        if not _is_name(name):
            raise UsageError(f"{name!r} can't be a model's name; use letters, digits, dots and dashes: --name my-model")
        if name == "cosmos-mini" or self.folder(name).exists():
            raise CosmosSearchError(
                f"There is a model {name} already. Choose another --name, or first: cosmos-search models remove {name}"
            )

    def remove(self, name: str) -> None:
        """Take a model off the shelf; CosmosSearchError if it isn't there."""
        if self.card(name) is None:
            raise CosmosSearchError(f"The model {name} is not installed; see which are: cosmos-search models")
        with draft_folder(self.place, ".removing-") as doomed:
            self.folder(name).rename(doomed / name)

    def _card(self, path: Path) -> Card | None:
        try:
            return Card(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def default_shelf() -> Shelf:
    """COSMOS_SEARCH_MODELS, else a directory among the user's data."""
    named = os.environ.get("COSMOS_SEARCH_MODELS")
    return Shelf(Path(named) if named else user_data_path("cosmos-search") / "models")


def _describe(folder: Path, name: str, source: str, role: str | None) -> Card:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    version = _hash(folder / WEIGHTS)
    try:
        if (kind := config["model_type"]) == "cosmos":
            width, patch, side = config["vision_width"], config["patch_size"], config["image_size"]
            dim, length = config["embed_dim"], config["context_length"]
            crop_side = max(1, round(side * LOCAL_CROP / patch)) * patch
        else:
            vision, text = config.get("vision_config", {}), config.get("text_config", {})
            width, patch = vision.get("hidden_size", 768), vision.get("patch_size", 32)  # CLIPConfig's defaults
            dim, length = config.get("projection_dim", 512), text.get("max_position_embeddings", 77)
            crop_side = side = vision.get("image_size", 224)
    except (KeyError, AttributeError) as error:
        raise CosmosSearchError(f"{source} holds no model: its config.json lacks {error}.") from error
    network = f"{WIDTHS.get(width, f'ViT-{width}')}/{patch}"
    return Card(name, kind, network, dim, length, side, crop_side, source, version, role)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()[:12]


def _is_name(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) is not None
