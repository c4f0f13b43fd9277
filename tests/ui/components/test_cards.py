from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cosmos_search.retrieval.explain import COLOURS, TEXT_COLOUR
from cosmos_search.retrieval.hits import Evidence, Hit
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.regions import WHOLE, Box
from indexer.store.records import PictureFacts, TextLine
from ui.components.cards import list_facts, make_card, make_parts

SEEN = Evidence("a red car", 0.914, 0.3, Box(0.1, 0.2, 0.5, 0.6), is_negative=False)
UNWANTED = Evidence("people", 1.2, 0.2, WHOLE, is_negative=True)


def hit_of(picture, *evidence):
    return Hit(1, 0.876, picture, evidence)


def test_a_hit_becomes_a_card_with_a_bar_and_a_box_for_each_sentence(picture):
    card = make_card(hit_of(picture, SEEN, UNWANTED))
    assert (card.id, card.name, card.score_text) == (1, "red.png", "0.88")
    assert picture.fingerprint.startswith(card.version)
    assert len(card.version) == 16
    seen, unwanted = card.parts
    assert (seen.text, seen.score_text, seen.box) == ("a red car", "0.91", (0.1, 0.2, 0.5, 0.6))
    assert (unwanted.text, unwanted.score, unwanted.box) == ("not: people", 1.0, None)
    assert [part.box for part in make_parts([replace(SEEN, box=WHOLE), replace(SEEN, is_negative=True)])] == [None] * 2
    assert [part.colour for part in card.parts] == list(COLOURS[:2])


def test_texts_are_named_by_where_they_stand_in_a_colour_of_their_own(picture):
    texts = (TextLine("picture", "STOP", Box(0.1, 0.2, 0.5, 0.6), 0.9), TextLine("folder", "Rome 2019"))
    seen, sign, folder = make_card(replace(hit_of(picture, SEEN), texts=texts)).parts
    assert (sign.text, sign.score_text, sign.box) == ("text in the picture: 'STOP'", "", (0.1, 0.2, 0.5, 0.6))
    assert (folder.text, folder.box) == ("folder: 'Rome 2019'", None)
    assert sign.colour == folder.colour == TEXT_COLOUR != seen.colour
    assert [part.is_text for part in (seen, sign, folder)] == [False, True, True]


def test_there_are_colours_for_any_number_of_sentences():
    assert len(make_parts([SEEN] * 20)) == 20


def test_a_picture_without_a_query_has_no_score(picture):
    card = make_card(picture)
    assert (card.score_text, card.parts) == ("", ())


def test_a_picture_without_a_file_is_marked(picture):
    assert not make_card(picture).is_missing
    picture.paths[0].unlink()
    assert make_card(picture).is_missing


def test_the_caption_is_the_alternative_text_and_the_name_otherwise(picture):
    assert make_card(picture).alt == "red.png"
    told = replace(picture, facts=replace(picture.facts, metadata=Metadata(caption="A red square")))
    assert make_card(told).alt == "A red square"


def test_date_and_copies_are_noted(picture):
    taken = PictureFacts(16, 16, Metadata(taken_at=datetime(2024, 6, 3)))
    many = replace(picture, facts=taken, paths=(*picture.paths, Path("/b.png")))
    assert make_card(many).note == "03 Jun 2024 · 1 more copy"


def test_a_name_that_is_no_text_can_be_sent_all_the_same(picture):
    odd = replace(picture, paths=(Path(b"/nowhere/caf\xe9.jpg".decode("utf-8", "surrogateescape")),))
    assert make_card(odd).name == "caf?.jpg"


def test_only_what_is_known_is_told(picture):
    assert [name for name, _ in list_facts(picture)] == ["Size"]
    m = Metadata(datetime(2024, 6, 3, 18, 30), 48.14, 11.58, "X100", "A lake", ("water", "boat"))
    told = dict(list_facts(replace(picture, facts=PictureFacts(4000, 3000, m))))
    assert told["Taken"] == "Monday, 03 June 2024, 18:30"
    assert told["Size"] == "4000 × 3000 pixels, 12.0 MP"
    assert told["Place"] == "Munich, Germany (48.14000, 11.58000)"
    assert told["Keywords"] == "water, boat"
