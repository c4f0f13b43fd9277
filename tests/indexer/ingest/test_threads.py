import random
import threading
import time

import pytest

from indexer.ingest.threads import ordered_map, split_batches, workers


def test_results_come_in_order_whoever_is_done_first():
    delays = [random.Random(0).random() / 100 for _ in range(50)]
    with workers(4) as pool:
        assert list(ordered_map(pool, lambda d: (time.sleep(d), d)[1], delays, ahead=8)) == delays


def test_no_more_than_the_look_ahead_is_taken():
    taken = []

    def items():
        for i in range(100):
            taken.append(i)
            yield i

    with workers(2) as pool:
        results = ordered_map(pool, lambda i: i, items(), ahead=5)
        assert next(results) == 0
        assert len(taken) == 6


def test_an_error_reaches_the_caller_and_the_rest_is_dropped():
    started = []

    def work(i):
        started.append(i)
        if i == 0:
            raise ZeroDivisionError
        time.sleep(0.01)

    def run():
        with workers(1) as pool:
            list(ordered_map(pool, work, range(100), ahead=50))

    with pytest.raises(ZeroDivisionError):
        run()
    assert len(started) < 60
    assert threading.active_count() < 10


def test_batches_are_full_but_the_last():
    assert list(split_batches(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(split_batches([], 2)) == []
