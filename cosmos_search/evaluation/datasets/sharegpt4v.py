"""ShareGPT4V (Chen et al. 2023): the first entries of share-captioner_coco_lcs_sam_1246k_1107.json, long captions."""

from itertools import islice
from pathlib import Path

from cosmos_search.evaluation.datasets.annotations import find_pictures, get_text, iterate_json_list
from cosmos_search.evaluation.datasets.errors import AnnotationError
from cosmos_search.evaluation.datasets.records import CaptionedFile, CaptionedFiles
from indexer.errors import UsageError

__all__ = ["read_sharegpt4v"]


def read_sharegpt4v(source: Path, split: str, folders: list[Path]) -> CaptionedFiles:
    """The first entries, as Long-CLIP (1,000) and LoTLIP (10,000) use them. split: their number.

    Raises CosmosSearchError.
    """
    if not split.isdecimal() or not int(split):
        raise UsageError(
            f"The split of ShareGPT4V is the number of the first entries to use, such as 1000, not {split!r}"
        )
    names, texts = [], []
    for number, entry in enumerate(islice(iterate_json_list(source), int(split))):
        where = f"entry {number}"
        name = get_text(entry, "image", source, where)
        turns = entry.get("conversations")
        if not isinstance(turns, list) or len(turns) < 2:
            raise AnnotationError(source, f'{where} has no list "conversations" with a question and an answer')
        names.append([name, name.rsplit("/", 1)[-1]])
        texts.append((get_text(turns[1], "value", source, where),))
    paths = find_pictures(source, names, folders)
    return CaptionedFiles((source,), tuple(map(CaptionedFile, paths, texts)), split)
