"""The arithmetic of reliability tables and of average precision."""

from math import isnan

import numpy as np
import pytest

from benchmarks.quality.photos import average_precision
from benchmarks.reliability import ReliabilityBin, bin_scores, calibration_error


def test_scores_are_counted_in_intervals_of_a_tenth():
    scores = np.array([0.91, 0.05, 0.92, 1.0, 0.5, 0.52])
    is_right = np.array([True, False, False, True, True, False])
    bins = bin_scores(scores, is_right)
    assert [(part.lower, part.count) for part in bins] == [(0.0, 1), (0.5, 2), (0.9, 3)]
    assert bins[1] == ReliabilityBin(0.5, 2, pytest.approx(0.51), 0.5)
    assert bins[2] == ReliabilityBin(0.9, 3, pytest.approx(2.83 / 3), pytest.approx(2 / 3))


def test_the_error_is_the_distance_of_score_and_share_weighted_by_counts():
    bins = [ReliabilityBin(0.7, 30, 0.75, 0.55), ReliabilityBin(0.9, 10, 0.95, 1.0)]
    assert calibration_error(bins) == pytest.approx((30 * 0.2 + 10 * 0.05) / 40)


def test_scores_that_are_probabilities_have_almost_no_error():
    random = np.random.default_rng(0)
    scores = random.uniform(size=200_000)
    assert calibration_error(bin_scores(scores, random.uniform(size=len(scores)) < scores)) < 0.01
    assert calibration_error(bin_scores(scores, random.uniform(size=len(scores)) < scores / 2)) > 0.2


def test_without_scores_there_is_no_error():
    assert bin_scores(np.array([]), np.array([], dtype=bool)) == []
    assert isnan(calibration_error([]))


def test_average_precision_is_the_mean_precision_at_the_right_answers():
    assert average_precision(np.array([True, False, True, False])) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(np.array([False, False, False, True])) == 0.25
