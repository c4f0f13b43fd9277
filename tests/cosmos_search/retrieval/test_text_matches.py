"""Words of a query that stand in or around pictures: ranked with what the pictures show, and explained."""

import numpy as np
import pytest

import cosmos_search
from cosmos_search.encoders.calibration import Calibration
from cosmos_search.retrieval.encode import encode
from cosmos_search.retrieval.query import Query, parse_query
from cosmos_search.retrieval.rank import rank
from cosmos_search.retrieval.scoring import EncodedTerm
from cosmos_search.retrieval.text_matches import PROBABILITY, list_words, match_texts
from indexer.errors import UsageError
from indexer.pictures.regions import WHOLE, Box
from indexer.store.filter_record import Filters
from indexer.store.records import TextLine
from tests.colour import COLOURS, ColourEncoder, paint
from tests.results import names

SIGN = Box(0.1, 0.2, 0.5, 0.3)


class AnyWord(ColourEncoder):
    """Like its base, but no picture looks like other words."""

    calibration = Calibration(slope=20, middle=0.9, cut_off=0.3)

    def encode_texts(self, texts):
        is_colour = [text.split()[-1] in COLOURS for text in texts]
        colours = super().encode_texts([text if known else "red" for text, known in zip(texts, is_colour, strict=True)])
        return np.where(np.array(is_colour)[:, None], colours, np.array([[-0.5, -0.5, -0.5, 0.5]], np.float32))


@pytest.fixture
def library(tmp_path, place):
    """Forty pictures without words in their names, two of each colour and more."""
    for i in range(40):
        paint(tmp_path / "photos" / f"{i}.png", COLOURS[i % 8], seed=i)
    with cosmos_search.open(place, encoder=AnyWord()) as library:
        library.add(tmp_path / "photos", regions="none")
        yield library


def picture_id(library, name):
    return next(picture.id for picture in library.browse(n=100) if picture.paths[0].name == name)


def put_lines(library, name, *texts):
    with library._opened.open().writing() as catalog:
        lines = [TextLine("picture", text, SIGN, 0.9) for text in texts]
        catalog.put_lines("reader 1", {picture_id(library, name): lines})


def test_a_picture_with_the_words_is_found_and_the_evidence_says_where(library):
    assert library.search("exit 12") == []
    put_lines(library, "6.png", "EXIT 12", "nothing else")
    (hit,) = library.search("exit 12")
    assert hit.path.name == "6.png"
    assert hit.texts == (TextLine("picture", "EXIT 12", SIGN, 0.9),)
    assert hit.to_dict()["evidence"] == [
        {"kind": "text in the picture", "text": "EXIT 12", "box": [0.1, 0.2, 0.5, 0.3], "confidence": 0.9},
        {"kind": "image", "text": "exit 12", "score": 0, "box": [0, 0, 1, 1],
         "is_negative": False},
    ]  # fmt: skip


def test_the_evidence_begins_with_what_gives_most_of_the_score(library):
    blue = library.search("blue", 1)[0].path.name
    put_lines(library, blue, "blue")
    put_lines(library, "0.png", "blue")
    hits = {hit.path.name: hit for hit in library.search("blue - red", 40, include_unlikely=True)}
    for name, first, is_found_by_texts in ((blue, "image", False), ("0.png", "text in the picture", True)):
        assert hits[name].is_found_by_texts == is_found_by_texts
        assert hits[name].to_dict()["evidence"][0]["kind"] == first
    assert not any(hit.is_found_by_texts for hit in hits.values() if not hit.texts)


def test_words_and_what_pictures_show_are_one_ranking(library):
    """A blue picture with the word is before other blue ones, and a red one with it is below them."""
    before = names(library.search("blue", 5))
    put_lines(library, before[-1], "blue")
    put_lines(library, "0.png", "blue")
    hits = library.search("blue", 40, include_unlikely=True)
    assert names(hits)[:5] == [before[-1], *before[:-1]]
    assert names(hits).index("0.png") < min(names(hits).index(f"{i}.png") for i in (8, 16, 24, 32))
    assert hits[0].score <= 1


def test_without_words_in_texts_a_ranking_is_what_it_was(library):
    encoded = encode(library.encoder, parse_query("blue"))
    with library._opened.open().snapshot() as snapshot:
        assert match_texts(snapshot, encoded) == []
        plain = rank(snapshot, encoded, 40)
    hits = library.search("blue", 40, include_unlikely=True)
    assert [hit.picture.id for hit in hits] == [score.picture_id for score in plain]
    assert all(not hit.texts for hit in hits)


def test_the_best_pictures_are_those_of_a_slow_ranking(library):
    rng = np.random.default_rng(0)
    words = ("lake", "gate", "red", "oak")
    for i in range(40):
        put_lines(library, f"{i}.png", " ".join(rng.choice(words, size=rng.integers(0, 3))) or "none")
    for text in ("red gate", "lake", "oak blue", "red. lake gate", "gate - blue"):
        encoded = encode(library.encoder, parse_query(text))
        with library._opened.open().snapshot() as snapshot:
            levels = match_texts(snapshot, encoded)
            by_texts = {int(id_): level.probability for level in levels for id_ in level.ids}
            plain = {score.picture_id: score.score for score in rank(snapshot, encoded, 40)}
            probability = {id_: library.encoder.calibration.probability(score) for id_, score in plain.items()}
            slow = sorted((p + by_texts.get(id_, 0) * (1 - p) for id_, p in probability.items()), reverse=True)
            for top in (1, 5, 17):
                found = [score.score for score in rank(snapshot, encoded, top, None, levels)]
                assert list(map(library.encoder.calibration.probability, found)) == pytest.approx(slow[:top]), text


def test_demanded_and_excluded_texts_filter(library):
    put_lines(library, "6.png", "RE16 TGK")
    put_lines(library, "7.png", "re16 draft")
    assert set(names(library.search("text:re16", include_unlikely=True))) == {"6.png", "7.png"}
    assert names(library.search("text:re16 -text:draft")) == ["6.png"]
    assert names(library.search('red text:"16 tgk"', include_unlikely=True)) == []
    assert names(library.search('red TEXT:"re16 tgk"', include_unlikely=True)) == ["6.png"]
    assert len(library.search("red - text:draft", 40, include_unlikely=True)) == 39
    (hit,) = library.search("red text:e16 -text:draft", include_unlikely=True)
    assert [line.text for line in hit.texts] == ["RE16 TGK"]
    assert names(library.search("re16", filters=Filters(without_texts=("tgk",)))) == ["7.png"]


def test_a_query_that_only_excludes_texts_lists_the_other_pictures_newest_first(library):
    put_lines(library, "6.png", "EXIT 12")
    put_lines(library, "7.png", "exit")
    hits = library.search("-text:exit", 100)
    others = [picture.paths[0].name for picture in library.browse(n=100)]
    assert names(hits) == [name for name in others if name not in ("6.png", "7.png")]
    assert [hit.rank for hit in hits] == list(range(1, 39))
    assert all((hit.score, hit.evidence, hit.texts) == (1, (), ()) for hit in hits)
    assert names(library.search("-text:12 -text:exit", 3)) == names(hits[:3])
    assert names(library.search("-text:12", 100, filters=Filters(texts=("exit",)))) == ["7.png"]
    assert library.search("-text:png", 100) == []  # all have it in their names


def test_texts_are_excluded_from_pictures_similar_to_an_example(library, tmp_path):
    put_lines(library, "8.png", "EXIT 12")
    found = names(library.search("-text:exit", 100, similar_to=tmp_path / "photos" / "0.png", include_unlikely=True))
    assert len(found) == 38  # neither the example itself
    assert "8.png" not in found


def test_that_no_text_was_read_is_logged_if_a_demanded_one_is_not_found(library, caplog):
    caplog.set_level("INFO", "cosmos_search.library")
    assert library.search("text:png", 1)
    assert library.search("-text:png") == []
    assert caplog.messages == []
    assert library.search("text:exit") == []
    assert caplog.messages == ["No text in the pictures was read yet; only captions, keywords and names were searched."]
    put_lines(library, "7.png", "exit")
    assert library.search("text:12") == []
    assert caplog.messages[1:] == ["Text was read in 1 of 40 pictures only."]


def test_the_syntax_of_demanded_texts(library):
    query = parse_query('A dog. +text:"a - b. c" text:exit, -text:draft. A cat - text:x')
    assert [term.text for term in query.terms] == ["A dog", "A cat"]
    assert query.texts == ("a - b. c", "exit")
    assert query.without_texts == ("draft", "x")
    assert parse_query("context:dog").texts == ()
    assert [term.text for term in parse_query("text:exit").terms] == ["exit"]
    assert parse_query("-text:draft") == Query((), without_texts=("draft",))
    for bad in ('text:""', "dog text:--", "-text:draft - people"):
        with pytest.raises(UsageError):
            parse_query(bad)


def test_words_that_say_nothing_are_left_out():
    def words(text, **options):
        return list_words(EncodedTerm(np.zeros(4, np.float32), text=text, **options))

    assert words("A photo of the Café in Rome, 2019!") == ["cafe", "rome", "2019"]
    assert words("IMG_1234 (2)") == ["img_1234", "2"]
    assert words("a dog", is_negative=True) == words("a dog", place=WHOLE) == words("the photo of an") == []


def test_a_word_that_most_pictures_have_raises_none(library, tmp_path):
    for i in range(40):
        put_lines(library, f"{i}.png", "holiday")
    assert library.search("holiday") == []


def test_most_of_the_words_count_less_than_all(library):
    put_lines(library, "6.png", "lake garda", "castle")
    put_lines(library, "7.png", "garda castle")
    put_lines(library, "8.png", "castle")
    hits = library.search("castle, Lake Garda", 2, include_unlikely=True)
    assert names(hits) == ["6.png", "7.png"]
    assert hits[0].score > hits[1].score


def test_a_query_of_demanded_texts_lists_every_picture_that_has_them_all(tmp_path, place):
    for name in ("Karlsruhe exit.png", "Karlsruhe.png", "exit.png"):
        paint(tmp_path / "photos" / name, "red", seed=len(name))
    with cosmos_search.open(place, encoder=AnyWord()) as library:
        library.add(tmp_path / "photos", regions="none")
        found = {text: library.search(text) for text in ("text:rlsru", "text:karls text:exi", "text:karls -text:exit")}
    assert [sorted(hit.path.stem for hit in hits) for hits in found.values()] == [
        ["Karlsruhe", "Karlsruhe exit"], ["Karlsruhe exit"], ["Karlsruhe"]
    ]  # fmt: skip
    assert all(hit.score >= PROBABILITY and hit.texts for hits in found.values() for hit in hits)
