from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from ui.session.answer_cache import AnswerCache


def test_an_answer_is_asked_for_once():
    memory, asked = AnswerCache(2), []
    for key in ("a", "a", "b", "a"):
        assert memory.get(key, lambda key=key: asked.append(key) or key.upper()) == key.upper()
    assert asked == ["a", "b"]


def test_those_not_asked_for_longest_go_first():
    memory, asked = AnswerCache(2), []
    for key in ("a", "b", "a", "c", "a", "b"):
        memory.get(key, lambda key=key: asked.append(key))
    assert asked == ["a", "b", "c", "b"]


def test_two_who_ask_at_once_wait_for_one_answer():
    memory, may, asked = AnswerCache(2), Event(), []

    def ask():
        may.wait(10)
        asked.append(1)
        return 7

    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(memory.get, "a", ask) for _ in range(4)]
        may.set()
        assert [one.result() for one in found] == [7] * 4
    assert asked == [1]


def test_a_mistake_is_not_kept():
    memory = AnswerCache(2)
    with pytest.raises(ZeroDivisionError):
        memory.get("a", lambda: 1 / 0)
    assert memory.get("a", lambda: 1) == 1
