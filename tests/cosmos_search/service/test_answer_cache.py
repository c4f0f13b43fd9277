import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from cosmos_search.service.answer_cache import AnswerCache


def test_an_answer_is_computed_for_once():
    cache, computed = AnswerCache(2), []
    for key in ("a", "a", "b", "a"):
        assert cache.get(key, lambda key=key: computed.append(key) or key.upper()) == key.upper()
    assert computed == ["a", "b"]


def test_those_not_computed_for_longest_go_first():
    cache, computed = AnswerCache(2), []
    for key in ("a", "b", "a", "c", "a", "b"):
        cache.get(key, lambda key=key: computed.append(key))
    assert computed == ["a", "b", "c", "b"]


def test_two_who_request_one_key_at_once_wait_for_one_answer():
    cache, may, computed = AnswerCache(2), Event(), []

    def compute():
        may.wait(10)
        computed.append(1)
        return 7

    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(cache.get, "a", compute) for _ in range(4)]
        may.set()
        assert [one.result() for one in found] == [7] * 4
    assert computed == [1]


def test_a_mistake_is_not_kept():
    cache = AnswerCache(2)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 / 0)
    assert cache.get("a", lambda: 1) == 1


def test_keys_whose_values_were_dropped_take_no_memory():
    class Key:
        pass

    cache, key = AnswerCache(1), Key()
    cache.get(key, lambda: 1)
    reference = weakref.ref(key)
    del key
    cache.get("other", lambda: 2)
    assert reference() is None
