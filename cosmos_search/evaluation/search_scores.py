"""The scores of a search, for many texts and pictures at once: sentences with regions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmos_search.encoders.protocol import Encoder
from cosmos_search.evaluation.encode import OnProgress
from cosmos_search.evaluation.encode_files import EncodedFiles
from cosmos_search.retrieval.encode import encode
from cosmos_search.retrieval.query import Query, Term
from cosmos_search.retrieval.scoring import EncodedTerm, combine_levels, score_pictures
from cosmos_search.retrieval.sentences import split_sentences
from indexer.encoder import Vectors
from indexer.pictures.regions import Box

__all__ = ["Queries", "encode_queries"]

BLOCK = 4096  # sentences of which the cosines with all regions of a few pictures are in memory at once


@dataclass(frozen=True, slots=True)
class Queries:
    """Texts as queries: every sentence is a term of weight 1, as if it was typed without operators and places."""

    terms: tuple[EncodedTerm, ...]  # of different sentences
    vectors: Vectors  # (terms, dim), theirs
    sentences: NDArray[np.int64]  # (n,), the term of each sentence of all texts in order
    starts: NDArray[np.int64]  # (texts,), the first sentence of each
    levels: NDArray[np.float32]  # (texts,), of the calibration; 0 if the encoder has none

    def score(self, files: EncodedFiles) -> NDArray[np.float32]:
        """The score of each picture for each text: (files, texts).

        The mean over the sentences of their best region's cosine (`cosmos_search.retrieval.scoring`). The probability
        that a search shows grows with it, and falls with the level of the text.
        """
        rows = files.rows.astype(np.float32)
        blocks = [self.vectors[i : i + BLOCK] for i in range(0, len(self.vectors), BLOCK)]
        best = np.concatenate([np.maximum.reduceat(rows @ block.T, files.starts) for block in blocks], axis=1)
        counts = np.diff(self.starts, append=len(self.sentences))
        means = np.add.reduceat(best[:, self.sentences], self.starts, axis=1) / counts
        scores: NDArray[np.float32] = means.astype(np.float32)
        return scores

    def select(self, texts: Sequence[int]) -> "Queries":
        """The queries of some texts, one or more, in this order."""
        own = [self._terms_of(text) for text in texts]
        kept, sentences = np.unique(np.concatenate(own), return_inverse=True)
        counts = np.array([len(terms) for terms in own])
        terms = tuple(self.terms[i] for i in kept)
        return Queries(terms, self.vectors[kept], sentences, np.cumsum(counts) - counts, self.levels[list(texts)])

    def point(self, text: int, files: EncodedFiles, file: int) -> Box:
        """The region of one of the files that a search shows for the sentence of a text with the highest cosine."""
        boxes, begin = files.boxes[file], files.starts[file]
        rows = files.rows[begin : begin + len(boxes)].astype(np.float32)
        terms = [self.terms[i] for i in self._terms_of(text)]
        (found,) = score_pictures(terms, [0], rows, np.zeros(1, dtype=np.int64), [boxes])
        return boxes[max(zip(found.cosines, found.regions, strict=True))[1]]

    def _terms_of(self, text: int) -> NDArray[np.int64]:
        end = self.starts[text + 1] if text + 1 < len(self.starts) else len(self.sentences)
        return self.sentences[self.starts[text] : end]


def encode_queries(encoder: Encoder, texts: Sequence[str], on_progress: OnProgress = lambda n_done: None) -> Queries:
    """The texts, one or more, split into sentences and encoded as a search encodes them."""
    known: dict[str, int] = {}
    terms: list[EncodedTerm] = []
    sentences: list[int] = []
    starts, levels = [], []
    for n_done, text in enumerate(texts, start=1):
        own = []
        for sentence in split_sentences(text) or [text]:
            if sentence not in known:
                known[sentence] = len(terms)
                terms += encode(encoder, Query((Term(sentence),))).terms
            own.append(known[sentence])
        starts.append(len(sentences))
        sentences += own
        levels.append(combine_levels([terms[i] for i in own]))
        on_progress(n_done)
    vectors = np.stack([term.vector for term in terms])
    return Queries(tuple(terms), vectors, np.array(sentences), np.array(starts), np.array(levels, dtype=np.float32))
