import pytest

from cosmos_search.retrieval.language import describe_language, looks_english
from tests.colour import ColourEncoder

ENGLISH = (
    "a dog on the beach", "red", "", "42", "sunset", "A man with a camera. A tripod.", "café in Paris", "Zürich",
    "a street in Zürich", "Los Angeles at night", "jalapeño on a pizza", "two people in front of São Paulo", "🐕",
    "dogs", "la la land", "Big Sur", "an den with a fox", "met the president", "a chat in the office",
)  # fmt: skip
OTHER = (
    "ein Hund im Wald", "zwei Kinder am Strand mit einem Ball", "un chien sur une plage", "un perro en la playa",
    "con niños", "uma mulher com um cachorro", "un cane sulla spiaggia", "een hond in het gras", "en hund på en strand",
    "草地上的狗", "собака на пляже", "犬", "كلب على الشاطئ", "강아지", "grüner tee", "köpek ve kedi",
)  # fmt: skip


@pytest.mark.parametrize("text", ENGLISH)
def test_english_and_names_look_english(text):
    assert looks_english(text)


@pytest.mark.parametrize("text", OTHER)
def test_other_languages_do_not(text):
    assert not looks_english(text)


class English(ColourEncoder):
    is_english = True


def test_only_an_encoder_for_english_says_so():
    assert describe_language(ColourEncoder(), "ein Hund") is None
    assert describe_language(English(), "a dog") is None
    assert "trained on English" in describe_language(English(), "ein Hund")
