"""The results of a state: the first ones, the outline of all, and parts of them."""

import pytest

import cosmos_search
from cosmos_search.service.answer_cache import AnswerCache
from cosmos_search.service.indexing import Indexing
from cosmos_search.service.thumbnails import Thumbnails
from indexer.errors import UsageError
from tests.colour import ColourEncoder, paint
from ui.session.results import N_FIRST, find_example, find_first, find_hit, find_part, find_shapes
from ui.session.shared import SharedResources
from ui.session.state import State

N = N_FIRST + 20  # pictures, all of them hits


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    for i in range(N):
        paint(folder / "photos" / f"{i}.png", "red", (8 + i % 5, 8), seed=i)
    with cosmos_search.open(folder / "index", encoder=ColourEncoder()) as library:
        library.add(folder / "photos")
        thumbnails = Thumbnails(folder / "thumbnails", 1_000_000)
        yield SharedResources(library, thumbnails, Indexing(library), AnswerCache(9), AnswerCache(9))


@pytest.mark.parametrize("state", [State(), State(query="red", all=True), State(query="red", all=True, sort="date")])
def test_the_first_results_the_outline_and_the_parts_are_one_list(state, shared):
    first, shapes = find_first(shared, state, None), find_shapes(shared, state, None)
    ids = [shape.id for shape in shapes]
    assert len(set(ids)) == N
    assert len(first.pictures) == N_FIRST
    assert [shape.id for shape in first.shapes] == ids[: len(first.shapes)]
    assert first.n in (N, None)
    parts = [one for start in range(0, N + 1, 30) for one in find_part(shared, state, None, start, 30)]
    assert [getattr(one, "picture", one).id for one in parts] == ids


def test_a_picture_beyond_the_first_hits_has_its_evidence(shared):
    state = State(query="red", all=True)
    assert find_first(shared, state, None).n is None  # more than the first search finds
    last = find_shapes(shared, state, None)[-1].id
    assert [part.text for part in find_hit(shared, state, None, last).evidence] == ["red"]
    assert find_hit(shared, state, None, 10**6) is None
    assert find_hit(shared, State(), None, last) is None


def test_an_upload_is_found_by_its_key_and_an_indexed_example_goes_before_it(shared):
    image = object()
    shared.uploads.get("key", lambda: image)
    assert find_example(shared, State(), "key").load() is image
    assert find_example(shared, State(), None) is None
    one = find_shapes(shared, State(), None)[0].id
    assert find_example(shared, State(similar_to=one), "key").load().size[1] == 8
    with pytest.raises(UsageError, match="not kept any more"):
        find_example(shared, State(), "other").load()
    with pytest.raises(UsageError, match="not indexed any more"):
        find_example(shared, State(similar_to=10**6), None)
