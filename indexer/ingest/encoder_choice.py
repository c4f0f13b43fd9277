"""Which set of vectors a run writes to: that of the index, or a new one beside it."""

from indexer.encoder import ImageEncoder
from indexer.errors import CosmosSearchError, UsageError
from indexer.pictures.regions import REGIONS
from indexer.store.catalog import Catalog
from indexer.store.records import EncoderRecord

__all__ = ["choose_encoder", "unfinished_rebuild"]


def choose_encoder(catalog: Catalog, encoder: ImageEncoder, regions: str | None, rebuild: bool) -> EncoderRecord:
    """The set of vectors to write to. Raises CosmosSearchError if another encoder made the index."""
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
    if (current.name, current.version, current.regions) == (encoder.name, encoder.version, wanted):
        return current
    raise CosmosSearchError(_other_encoder(current, encoder, wanted))


def unfinished_rebuild(n_pictures: int, current: EncoderRecord, target: EncoderRecord) -> str:
    """The warning that searches go on with the old vectors, and what completes the new ones."""
    return (
        f"{n_pictures} pictures could not be read anew, so searches go on with the old vectors ({current.name}, "
        f"{current.regions} regions). Mount their disk, or forget them by adding --forget-missing, and run again: "
        f"cosmos-search index --model {target.name} --regions {target.regions} --rebuild"
    )


def _other_encoder(current: EncoderRecord, encoder: ImageEncoder, wanted: str) -> str:
    change = f"--model {encoder.name}"
    if current.name != encoder.name:
        made = current.name
    elif current.version != encoder.version:
        made = f"another version of {encoder.name}"
    else:
        made, change = f"{current.regions} regions", f"--regions {wanted}"
    return (
        f"This index was made with {made}. To change over, embedding every picture anew: "
        f"cosmos-search index {change} --rebuild"
    )
