from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import UsageError
from indexer.pictures.regions import Box
from ui.session.state import DEFAULT, MAX_PAGE, MAX_TEXT, State


def test_an_address_says_the_whole_state():
    state = State(
        view="search",
        query="A dog. + red - people",
        similar_to=7,
        box=Box(0.1, 0.25, 0.5, 1.0),
        after="2024",
        before="2025",
        folder="/photos/trips",
        camera="X100",
        near="48.14,11.58,20km",
        min_size="2MP",
        orientation="portrait",
        sort="date",
        page=3,
        all=True,
        where=False,
        picture=12,
        album=3,
        names=True,
        explore="duplicates",
        cluster=0,
        kind="burst",
    )
    assert State.from_address(state.to_address()) == state


def test_addresses_with_the_earlier_name_of_an_example_still_work():
    assert State.from_address({"like": "7"}) == State(similar_to=7)
    assert State.from_address({"like": "7", "similar_to": "8"}) == State(similar_to=8)


def test_what_is_as_usual_is_left_out():
    assert DEFAULT.to_address() == {}
    assert State(query="a cat").to_address() == {"query": "a cat"}


@pytest.mark.parametrize(
    "address",
    [
        {"view": "../../etc/passwd"},
        {"picture": "-1"},
        {"picture": "../1"},
        {"similar_to": "/etc/passwd"},
        {"page": "0"},
        {"page": "one"},
        {"box": "1,1,0,0"},
        {"box": "nan,0,1,1"},
        {"orientation": "upside down"},
        {"sort": "x"},
        {"album": "²"},
        {"picture": "9" * 16},  # more than a database id has
        {"unknown": "1"},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_as_if_it_were_not_there(address):
    assert State.from_address(address) == DEFAULT


def test_long_texts_and_high_pages_are_cut():
    assert State.from_address({"query": "a" * (MAX_TEXT + 1)}) == State(query="a" * MAX_TEXT)
    assert State.from_address({"page": str(MAX_PAGE + 1)}) == State(page=MAX_PAGE)


@given(st.dictionaries(st.sampled_from([*DEFAULT.__dataclass_fields__, "x"]), st.text(max_size=40)))
def test_no_address_breaks_the_page(address):
    state = State.from_address(address)
    with suppress(UsageError):
        _ = state.filters
    assert State.from_address(state.to_address()) == state


def test_another_search_begins_at_its_first_page_with_nothing_open():
    deep = State(query="a cat", page=4, picture=3)
    assert deep.with_(query="a dog") == State(query="a dog")
    assert deep.with_(camera="X100") == State(query="a cat", camera="X100")


def test_other_words_or_another_example_are_asked_anew_whether_anything_matches():
    nearest = State(query="a cat", all=True)
    assert not nearest.with_(query="a dog").all
    assert not nearest.with_(similar_to=3).all
    assert nearest.with_(page=2).all
    assert nearest.with_(camera="X100").all


def test_a_box_goes_with_its_example():
    part = State(similar_to=3, box=Box(0, 0, 0.5, 0.5))
    assert part.with_(similar_to=None) == DEFAULT
    assert part.with_(similar_to=4).box is None
    assert part.with_(similar_to=4, box=Box(0, 0, 1, 0.5)).box == Box(0, 0, 1, 0.5)


@pytest.mark.parametrize("size", ["9" * 30 + "MP", "999999999999x999999999999", "9" * 400 + "MP", "x", "1e9MP"])
def test_sizes_that_make_no_sense_are_said(size):
    with pytest.raises(UsageError, match="size"):
        _ = State(min_size=size).filters


def test_looking_closer_is_no_other_search():
    listed = State(query="a cat", page=4)
    assert listed.with_(picture=3) == State(query="a cat", page=4, picture=3)
    assert listed.with_(page=5).page == 5


def test_filters_are_read_as_the_command_line_reads_them():
    assert DEFAULT.filters is None
    filters = State(after="2024-06", min_size="2MP", orientation="square").filters
    assert (filters.after.year, filters.after.month, filters.min_pixels) == (2024, 6, 2_000_000)
    with pytest.raises(UsageError, match="someday"):
        _ = State(after="someday").filters


def test_a_town_and_a_relative_date_are_filters_of_the_page_too():
    filters = State(near="München, 20km", after="last-year").filters
    assert (round(filters.near.latitude, 1), filters.near.radius_km) == (48.1, 20)
    assert filters.after.year == datetime.now().year - 1
