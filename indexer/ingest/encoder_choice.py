"""Choose the set of vectors that a run writes to: the current one of the index, or a new one beside it."""

from typing import Any

from indexer.encoder import ImageEncoder
from indexer.errors import OtherEncoderError, UsageError
from indexer.ingest.errors import OtherRegionsError
from indexer.pictures.regions import REGIONS
from indexer.store.catalog_writer import CatalogWriter
from indexer.store.records import EncoderRecord

__all__ = ["choose_encoder"]


def choose_encoder(
    catalog: CatalogWriter, encoder: ImageEncoder[Any], regions: str | None, rebuild: bool
) -> EncoderRecord:
    """The set of vectors to write to.

    Raises OtherEncoderError or OtherRegionsError if the index was made differently and this is not a rebuild.
    """
    current = catalog.encoder()
    wanted = regions or (current.regions if current is not None else encoder.default_regions)
    if wanted not in REGIONS:
        raise UsageError(f"There are no {wanted!r} regions; choose from: {', '.join(REGIONS)}")
    if current is None or not catalog.n_pictures():
        first = catalog.add_encoder(encoder.name, encoder.version, encoder.dim, wanted)
        catalog.switch_to(first)
        return first
    if rebuild:
        return catalog.add_encoder(encoder.name, encoder.version, encoder.dim, wanted)
    if (current.name, current.version) != (encoder.name, encoder.version):
        raise OtherEncoderError(current.name, encoder.name)
    if current.regions != wanted:
        raise OtherRegionsError(current.regions, wanted)
    return current
