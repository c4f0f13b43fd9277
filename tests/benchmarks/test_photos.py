"""The benchmark on captioned photos, with small pictures of one colour."""

from functools import partial

import numpy as np
import pytest

import cosmos_search
from benchmarks.collection import index_pictures, score_query, score_sentences
from benchmarks.data.captioned_photos import write_photos
from benchmarks.data.named_things import name_things
from benchmarks.quality.photos import print_retrieval, search_folder
from benchmarks.quality.presence import ask, print_presence, score_things
from tests.colour import COLOURS, ColourEncoder, paint_photos

THINGS = name_things({"colours": {colour: colour for colour in (*COLOURS, "orange")}})


@pytest.fixture
def source(tmp_path):
    """Pictures with caption files beside them, and one without a caption."""
    folder = paint_photos(tmp_path / "source")
    for colour in COLOURS:
        (folder / f"{colour}.txt").write_text("" if colour == "black" else f"A picture in {colour}")
    return folder


@pytest.fixture
def photos(source, tmp_path):
    return write_photos(source, tmp_path / "photos", n_folders=2, limit=None)


@pytest.fixture
def collection(photos, tmp_path):
    return index_pictures(tmp_path / "photos", tmp_path / "index", ColourEncoder(), "fast")


def test_photos_are_written_into_folders_of_equal_size_in_an_order_of_the_seed(source, photos, tmp_path):
    assert sorted(photo.captions[0].split()[-1] for photo in photos) == sorted(set(COLOURS) - {"black"})
    assert sorted(photo.path.parent.name for photo in photos) == ["0"] * 4 + ["1"] * 3
    again = write_photos(source, tmp_path / "again", n_folders=2, limit=3)
    assert [photo.captions for photo in again] == [photo.captions for photo in photos[:3]]


def test_sentences_score_as_in_a_search(collection):
    sentences = ["red", "blue", "yellow"]
    fast = score_sentences(collection, ColourEncoder().encode_texts(sentences))
    for column, sentence in enumerate(sentences):
        slow = [scored.score for scored in score_query([(sentence, None)], collection, ColourEncoder())]
        np.testing.assert_allclose(fast[:, column], slow, atol=1e-6)
    together = [s.score for s in score_query([(text, None) for text in sentences], collection, ColourEncoder())]
    np.testing.assert_allclose(fast.mean(axis=1), together, atol=1e-6)


def test_labels_belong_to_the_pictures_of_their_columns(collection, photos):
    scores, shown = score_things(collection, ColourEncoder(), THINGS, photos)
    assert scores.shape == shown.shape == (len(THINGS), len(photos))
    present = [i for i, thing in enumerate(THINGS) if thing.query not in ("black", "orange")]
    assert (shown.sum(axis=1) == [int(i in present) for i in range(len(THINGS))]).all()
    assert (scores[present].argmax(axis=1) == shown[present].argmax(axis=1)).all()


def test_a_thing_is_present_in_the_folder_that_shows_it(collection, photos, tmp_path, capsys):
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        answers = ask(partial(search_folder, library), THINGS, photos)
    assert len(answers) == 2 * len(THINGS)
    assert sum(answer.is_present for answer in answers) == len(photos)
    for answer in answers:
        assert answer.is_right.any() == answer.is_present
        assert answer.is_right[0] == answer.is_present, "its colour is the best hit"
    print_presence(answers, cut_off=0.99)
    out = capsys.readouterr().out
    assert f"| colours | {len(photos)} / {2 * len(THINGS) - len(photos)} |" in out


def test_the_right_photo_comes_first_for_its_caption(collection, photos, capsys):
    print_retrieval(collection, ColourEncoder(), photos)
    assert "| global vectors and regions | 1.000 / 1.000 / 1.000 |" in capsys.readouterr().out
