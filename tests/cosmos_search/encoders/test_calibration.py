import numpy as np
import pytest
from safetensors.numpy import save_file

from cosmos_search.encoders.calibration import Background, Calibration, fit
from indexer.errors import CosmosSearchError

X, Y, Z = np.eye(3, dtype=np.float32)


def test_a_calibration_is_a_rising_curve_between_0_and_1():
    rng = np.random.default_rng(0)
    matching, others = rng.normal(0.6, 0.1, 500).tolist(), rng.normal(0.3, 0.1, 5000).tolist()
    curve = fit(matching, others, match_share=0.5)
    assert curve.probability(0.45) == pytest.approx(0.5, abs=0.05)
    assert 0 <= curve.probability(-1) < 0.01
    assert 0.99 < curve.probability(1) <= 1
    assert curve.score(0.3) == pytest.approx(0.45, abs=0.05)
    assert curve.probability(curve.score(0.3, level=0.2), level=0.2) == pytest.approx(0.3)
    flat = fit([0.5] * 5, [0.5] * 5, match_share=0.5)
    assert flat.probability(0.5) == pytest.approx(0.5, abs=0.01)


def test_where_few_pairs_match_probabilities_are_lower():
    """By Bayes' rule the odds of a score are in proportion to those of a match, here 1 : 99."""
    rng = np.random.default_rng(0)
    matching, others = rng.normal(0.6, 0.1, 5000).tolist(), rng.normal(0.3, 0.1, 5000).tolist()
    rare, even = fit(matching, others), fit(matching, others, match_share=0.5)
    for score in (0.45, 0.6, 0.7):
        odds = even.probability(score) / (1 - even.probability(score)) / 99
        assert rare.probability(score) == pytest.approx(odds / (1 + odds), abs=0.03)


def test_scores_that_do_not_overlap_still_have_a_curve(tmp_path):
    curve = fit([0.9, 0.8], [0.1, 0.2, 0.3], match_share=0.5)
    assert curve.probability(0.85) > 0.6 > 0.4 > curve.probability(0.2)
    curve.save(tmp_path / "c.json")
    assert Calibration.load(tmp_path / "c.json") == curve


def test_the_level_of_a_sentence_rises_with_photos_and_falls_with_captions(tmp_path):
    photos = np.stack([X, X, X, X, X, Y, Z])  # the mean of five counts, so one like photo is not enough
    background = Background(photos, np.stack([Y, Y]), photo_weight=0.5, caption_weight=-0.25)
    assert background.level(X) == pytest.approx(0.5)
    assert background.level(Y) == pytest.approx(0.5 / 5 - 0.25)
    assert background.level(Z) == pytest.approx(0.5 / 5)
    curve = Calibration(slope=10.0, middle=0.2, background=background)
    assert curve.probability(0.7, curve.level(X)) == pytest.approx(0.5)
    curve.save(tmp_path / "a.calibration.json")
    loaded = Calibration.load(tmp_path / "a.calibration.json")
    assert (loaded.slope, loaded.middle, loaded.cut_off) == (10.0, 0.2, curve.cut_off)
    assert loaded.level(Y) == pytest.approx(curve.level(Y), abs=1e-3)


def test_a_damaged_background_is_refused(tmp_path):
    Calibration(10.0, 0.2, background=Background(np.eye(9), np.eye(9), 0.5, -0.5)).save(tmp_path / "a.calibration.json")
    path = tmp_path / "a.calibration.safetensors"
    save_file({"photos": np.eye(9)}, tmp_path / "other")
    for content in (b"", path.read_bytes()[:-4], b"{}", (tmp_path / "other").read_bytes()):
        path.write_bytes(content)
        with pytest.raises(CosmosSearchError, match=r"a\.calibration\.safetensors is not a background"):
            Calibration.load(tmp_path / "a.calibration.json")
