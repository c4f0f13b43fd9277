import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_search.retrieval.compose import add_place, add_word, list_placed_terms
from cosmos_search.retrieval.query import parse_query
from indexer.pictures.regions import Box


def terms(query):
    return [(term.text, term.is_negative) for term in parse_query(query).terms]


def test_words_are_added_and_excluded():
    query = add_word(add_word("a beach", "+", "sunset"), "-", "people")
    assert terms(query) == [("a beach", False), ("sunset", False), ("people", True)]


def test_the_first_word_needs_no_sign():
    assert add_word("", "+", "a beach") == "a beach"


@pytest.mark.parametrize("text", ["a - b", "c: d @ e", 'the "big" one', "Dr. Who", "-1", "2:dog"])
def test_marks_within_a_word_mean_nothing(text):
    ((first, _), (found, is_negative)) = terms(add_word("x", "-", text))
    assert (first, is_negative) == ("x", True)
    assert found == text.replace('"', "'")


def test_a_place_is_added_with_what_is_there():
    query = parse_query(add_place("a lake", "a church", Box(0.5, 0.0, 1.0, 1 / 3)))
    assert list_placed_terms(query) == [("a church", Box(0.5, 0.0, 1.0, 0.33))]


def test_a_word_that_says_nothing_changes_nothing():
    assert add_word("cat", "+", " . ") == "cat"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30))
def test_whatever_is_typed_the_query_can_be_read(text):
    assert len(parse_query(add_word("a lake", "+", text)).terms) >= 1
