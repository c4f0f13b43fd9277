import numpy as np
import pytest

from cosmos_search.retrieval.scoring import NEGATIVE_MARGIN, PLACE_PENALTY, EncodedTerm, combine_levels, score_pictures
from indexer.pictures.regions import WHOLE, Box

LEFT, RIGHT = Box(0.0, 0.0, 0.5, 1.0), Box(0.5, 0.0, 1.0, 1.0)


def unit(*numbers):
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.linalg.norm(vector)


X, Y, Z = unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1)
# Two pictures, each the whole, the left and the right: first x left and y right, then y left and z right.
ROWS = np.stack([unit(1, 1, 0), X, Y, unit(0, 1, 1), Y, Z])
STARTS, BOXES = np.array([0, 3]), [(WHOLE, LEFT, RIGHT)] * 2


def scores(*terms):
    return score_pictures(terms, [7, 8], ROWS, STARTS, BOXES)


def by_hand(terms):
    """The docstring's formula, one number after the other."""
    result = []
    for start in STARTS:
        rows = ROWS[start : start + 3]
        best = [
            max(
                float(row @ t.vector) - (PLACE_PENALTY * (1 - box.inside(t.place)) if t.place else 0)
                for row, box in zip(rows, BOXES[0], strict=True)
            )
            for t in terms
        ]
        good = [(b, t.weight) for b, t in zip(best, terms, strict=True) if not t.is_negative]
        bad = [(b, t.weight) for b, t in zip(best, terms, strict=True) if t.is_negative]
        mean = sum(b * weight for b, weight in good) / sum(weight for _, weight in good)
        result.append(mean - sum(weight * max(0, b - NEGATIVE_MARGIN) for b, weight in bad))
    return result


@pytest.mark.parametrize("seed", range(5))
def test_the_fast_formula_is_the_slow_one(seed):
    rng = np.random.default_rng(seed)
    terms = [
        EncodedTerm(unit(*rng.random(3)), 2.0, place=RIGHT),
        EncodedTerm(unit(*rng.random(3))),
        EncodedTerm(unit(*rng.random(3)), 0.5, is_negative=True),
    ]
    got = scores(*terms)
    assert [s.score for s in got] == pytest.approx(by_hand(terms), abs=1e-5)
    assert [s.picture_id for s in got] == [7, 8]


def test_each_sentence_is_answered_by_its_best_region():
    first, second = scores(EncodedTerm(X), EncodedTerm(Y))
    assert first.regions == (1, 2)
    assert first.cosines == pytest.approx((1, 1))
    assert first.score == pytest.approx(1)
    assert second.score < first.score


def test_a_place_prefers_its_side():
    here, there = scores(EncodedTerm(Y, place=LEFT))
    assert there.score > here.score
    assert there.regions == (1,)


def test_what_is_not_wanted_costs():
    plain, without = scores(EncodedTerm(Y)), scores(EncodedTerm(Y), EncodedTerm(X, is_negative=True))
    assert without[0].score < plain[0].score
    assert without[1].score == pytest.approx(plain[1].score)


def test_a_weight_counts():
    light, heavy = scores(EncodedTerm(X), EncodedTerm(Z)), scores(EncodedTerm(X, 9.0), EncodedTerm(Z))
    assert light[0].score == pytest.approx(light[1].score)
    assert heavy[0].score > heavy[1].score


def test_the_level_of_several_sentences_is_their_weighted_mean():
    terms = [EncodedTerm(X, 1.0, level=0.1), EncodedTerm(Y, 3.0, level=0.3), EncodedTerm(Z, 9.0, True, level=0.9)]
    assert combine_levels(terms) == pytest.approx(0.25)


def test_a_negative_term_counts_from_its_margin_on():
    low, high = (scores(EncodedTerm(X), EncodedTerm(Z, is_negative=True, margin=margin)) for margin in (0.0, 2.0))
    plain = scores(EncodedTerm(X))
    assert [s.score for s in high] == pytest.approx([s.score for s in plain])
    assert any(a.score < b.score for a, b in zip(low, plain, strict=True))
