"""Words of a query that stand in the texts of pictures: in which pictures, and how much that raises their scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log10

import numpy as np
from numpy.typing import NDArray

from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.scoring import EncodedTerm
from indexer.store.protocol import Records
from indexer.store.records import TextLine
from indexer.store.texts import line_has_part, line_has_word
from indexer.store.words import fold_text, is_camera_name, split_words

__all__ = ["PROBABILITY", "TextLevel", "choose_lines", "list_words", "match_texts"]

# That a picture matches in whose texts all words of a query stand, whatever it shows. The least of some values at which
# the picture with the words was first for each made sign (benchmarks/quality/text.py).
PROBABILITY = 0.6
MIN_SHARE = 0.5  # of the words, weighted by their rarity, that have to stand there
N_SHARES = 8  # shares are rounded down to multiples of 1 / N_SHARES, so that there are few levels to rank
MAX_TEXTS = 3000  # that the words of a sentence may stand in, each in an equal share; those in more tell too little
N_SHOWN = 4  # texts of a hit
ORDER = ("picture", "caption", "keyword", "folder", "file")
STOP_WORDS = frozenset(
    # English, also what people write about pictures
    "a an and are as at be been being but by can do does for from had has have he her his i in into is it its me my "
    "near next no not of off on onto or our out over she so some than that the their them then there they this to two "
    "under up was we were what where which while who with without you your photo photos picture pictures image images "
    "photograph view showing shown "
    # German, French, Spanish, Italian, Dutch, Portuguese
    "am auf aus bei beim das dem den der des die ein eine einem einen einer eines im mit oder ohne und vom von vor zu "
    "zum zur au aux avec dans de du en et la le les ou par pour sans sur un une con del el los las para por sin una y "
    "al alla che con da dal della di e il lo nel per su um uma com na no o os do da een het met van voor op".split()
)


@dataclass(frozen=True, slots=True, eq=False)
class TextLevel:
    """Pictures that match with the same probability because of their texts."""

    ids: NDArray[np.int64]  # ascending: (n,)
    probability: float


def list_words(term: EncodedTerm) -> list[str]:
    """The words of a sentence that are looked for in texts, folded; names such as IMG_1234 are one word."""
    if term.text is None or term.is_negative or term.place is not None:
        return []
    words: dict[str, None] = {}
    for token in fold_text(term.text).split():
        name = token.strip("\"'.,;:!?()")
        if len(name) > 3 and not name.isalnum() and is_camera_name(name):
            words[name] = None
        else:
            words |= dict.fromkeys(word for word in split_words(token) if word not in STOP_WORDS)
    return list(words)


def match_texts(records: Records, encoded: EncodedQuery) -> list[TextLevel]:
    """The pictures that may match because of words in their texts, each in one level; the most probable ones first."""
    wanted = [term for term in encoded.terms if not term.is_negative]
    total = sum(term.weight for term in wanted)
    shares: list[tuple[float, NDArray[np.int64], NDArray[np.float64]]] = []
    for term in wanted:
        if words := list_words(term):
            shares.append((term.weight / total, *_find_shares(records, words)))
    if not any(len(found) for _, found, _ in shares):
        return []
    n_pictures = records.n_pictures()
    ids = np.unique(np.concatenate([found for _, found, _ in shares]))
    share = np.zeros(len(ids))
    for weight, found, values in shares:
        share[np.searchsorted(ids, found)] += weight * values
    steps = np.floor(N_SHARES * share + 1e-6).astype(np.int64)
    levels = []
    for step in np.unique(steps[steps >= N_SHARES * MIN_SHARE])[::-1]:
        probability = _estimate(step / N_SHARES, int(np.count_nonzero(steps >= step)), n_pictures)
        if probability > 0:
            levels.append(TextLevel(ids[steps == step], probability))
    return levels


def choose_lines(encoded: EncodedQuery, lines: Sequence[TextLine]) -> tuple[TextLine, ...]:
    """The texts of a picture in which words of the query or its demanded texts stand: the best few, in ORDER."""
    if not lines:
        return ()
    words = [word for term in encoded.terms for word in list_words(term)]
    parts = [part for text in encoded.texts for part in fold_text(text).split()]
    counts = [
        sum(line_has_word(line, word) for word in words) + sum(line_has_part(line, part) for part in parts)
        for line in lines
    ]
    order = sorted(range(len(lines)), key=lambda i: (ORDER.index(lines[i].kind), -counts[i], i))
    return tuple(lines[i] for i in order if counts[i])[:N_SHOWN]


def _find_shares(records: Records, words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pictures with some of the words, and which share of them by weight stands there: (n,), (n,).

    A word weighs the more, the fewer pictures have it. Words in too many texts are left out.
    """
    limit = MAX_TEXTS // len(words)
    matches = [found for word in words if (found := records.find_word(word, limit)) is not None]
    ids_of = [np.unique(np.concatenate([np.zeros(0, np.int64), *match.ids.values()])) for match in matches]
    if not any(map(len, ids_of)):
        return np.zeros(0, np.int64), np.zeros(0)
    n_pictures = records.n_pictures()
    weights = [log((n_pictures + 1) / (len(some) + 1)) for some in ids_of]
    total = sum(weights)
    ids = np.unique(np.concatenate(ids_of))
    shares = np.zeros(len(ids))
    if total > 0:
        for some, weight in zip(ids_of, weights, strict=True):
            shares[np.searchsorted(ids, some)] += weight / total
    return ids, shares


def _estimate(share: float, n: int, n_pictures: int) -> float:
    """The probability of a match. n: the pictures with this share or more; it falls if they are over a tenth of all."""
    return float(PROBABILITY * share**2 * min(1.0, log10((n_pictures + 1) / n)))
