"""The families of dual encoders by the `model_type` of their config.json."""

from pathlib import Path

from cosmos_search.json_files import read_object
from cosmos_search.model_config import ModelKind, read_kind
from cosmos_search.network.families.align import Align
from cosmos_search.network.families.clip import AltClip, ChineseClip, Clip, MetaClip2
from cosmos_search.network.families.cosmos import Cosmos
from cosmos_search.network.families.family import Family, NetworkConfig
from cosmos_search.network.families.siglip import Siglip

__all__ = ["FAMILIES", "read_model"]

FAMILIES: dict[ModelKind, Family] = {
    family.kind: family for family in (Cosmos(), Clip(), Siglip(), MetaClip2(), ChineseClip(), AltClip(), Align())
}


def read_model(folder: Path) -> tuple[Family, NetworkConfig]:
    """The family and the config of a model directory. Raises CosmosSearchError for one that is not supported."""
    family = FAMILIES[read_kind(folder)]
    path = folder / "config.json"
    return family, family.read_config(read_object(path), path)
