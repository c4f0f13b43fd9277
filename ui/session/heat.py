"""Heat maps of indexed pictures, and the boxes that are fitted to them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosmos_search.retrieval.explain import heat_map, refine_evidence
from cosmos_search.retrieval.hits import Evidence
from cosmos_search.service.originals import read_upright
from indexer.store.records import PictureRecord
from ui.session.shared import SharedResources

__all__ = ["find_heat_map", "refine_boxes"]

SIDE = 1280  # pixels of the longer side of the picture that is encoded


def find_heat_map(shared: SharedResources, picture: PictureRecord, text: str) -> NDArray[np.float32] | None:
    """Cosine of each place of a picture with a text; None if the model has no heat maps.

    Raises PictureError if the file cannot be read, MissingExtraError if the model needs packages that are missing.
    """
    encoder = shared.library.encoder
    return shared.get_or_compute(
        "heat", lambda: heat_map(encoder, read_upright(picture, SIDE), text), picture.fingerprint, text
    )


def refine_boxes(shared: SharedResources, picture: PictureRecord, evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    """The evidence with the box of each sentence fitted to its heat map, except for excluded sentences."""
    return [
        part if part.is_negative else refine_evidence(part, lambda text: find_heat_map(shared, picture, text))
        for part in evidence
    ]
