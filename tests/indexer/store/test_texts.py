"""Texts in and around pictures: derived from captions, keywords and paths in every transaction, and found."""

import os
import random
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

import cosmos_search
from indexer.pictures.regions import Box
from indexer.places import ServerPlace
from indexer.store.filter_record import Filters
from indexer.store.index import Index
from indexer.store.records import TextLine
from indexer.store.words import fold_text, is_camera_name, list_forms, split_words
from tests.colour import ColourEncoder, paint
from tests.older_catalogs import make_older, make_older_on_server
from tests.rows import run_sql

TEXTS = "SELECT picture_id, kind, text, folded, words FROM texts WHERE kind <> 'picture' ORDER BY 1, 2, 3"


@pytest.fixture
def library(place):
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        yield library


@pytest.fixture
def photos(tmp_path):
    return tmp_path / "photos"


def caption(path, text, colour="red", seed=None):
    """A picture with a caption."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Description", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    paint(path, colour, seed=seed)
    with Image.open(path) as image:
        image.load()
        image.save(path, pnginfo=info)
    return path


def put_lines(library, *texts, picture_id=1):
    lines = [TextLine("picture", text, Box(0.1, 0.2, 0.5, 0.3), 0.9) for text in texts]
    with library._opened.open().writing() as catalog:
        catalog.put_lines("reader 1", {picture_id: lines})


def count(library, text):
    return library.n_matching(Filters(texts=(text,)))


def find(library, word, limit=100):
    """The kinds and the ids of the pictures that have a word."""
    with library._opened.open().reading() as catalog:
        matches = catalog.find_word(word, limit)
    return None if matches is None else {kind: ids.tolist() for kind, ids in matches.ids.items()}


def check_derived(library):
    """The derived texts are those of a catalog that is filled anew, and the full-text tables agree with them."""
    found = run_sql(library.place, TEXTS)
    with library._opened.open().writing() as catalog:
        from indexer.store.texts import derive_texts

        ids = [row[0] for row in catalog.connection.exec_driver_sql("SELECT id FROM pictures")]
        derive_texts(catalog.connection, ids)
    assert run_sql(library.place, TEXTS) == found
    if isinstance(library.place, Path):
        for table in ("text_parts", "text_words"):
            run_sql(library.place, f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")


def test_captions_keywords_folders_and_names_are_found(library, photos):
    caption(photos / "Rome 2019" / "the café.png", "Two dogs on a sofa")
    library.add(photos)
    assert find(library, "dogs") == {"caption": [1]} == find(library, "dog")
    assert find(library, "rome") == {"folder": [1]}
    assert find(library, "cafe") == {"file": [1]}
    assert find(library, "png") == {} == find(library, "do")
    assert [count(library, text) for text in ("ROM", "2019 sofa", "Café", "cafe.png", "rome paris")] == [1, 1, 1, 1, 0]
    assert library.n_matching(Filters(without_texts=("rome",))) == 0


def test_texts_follow_moved_renamed_copied_changed_and_removed_pictures(library, photos, tmp_path):
    def change():
        yield paint(photos / "a" / "first.png", "red")
        yield (photos / "a" / "first.png").rename(photos / "a" / "renamed.png")
        (photos / "b").mkdir()
        yield (photos / "b" / "copy.png").write_bytes((photos / "a" / "renamed.png").read_bytes())
        yield (photos / "a" / "renamed.png").unlink()
        yield paint(photos / "b" / "copy.png", "blue")  # another content
        yield paint(photos / "b" / "other.png", "lime")

    wanted = [("first", ""), ("renamed", "first"), ("copy", ""), ("copy", "renamed"), ("copy", ""), ("other", "")]
    for (there, gone), _ in zip(wanted, change(), strict=True):
        library.add(photos, forget_missing=True)
        assert find(library, there)
        assert not (gone and find(library, gone))
        check_derived(library)
    library.remove(photos)
    assert run_sql(library.place, "SELECT count(*) FROM texts") == [(0,)]


def test_a_folder_that_is_indexed_with_its_parent_names_its_pictures_from_there(library, photos):
    paint(photos / "Rome" / "a.png", "red")
    library.add(photos / "Rome")
    assert find(library, "photos") == {}
    library.add(photos)
    assert find(library, "photos") == {"folder": [1]}
    check_derived(library)


def test_a_copy_in_a_folder_that_is_removed_takes_its_names_along(library, tmp_path):
    for name in ("one", "two"):
        paint(tmp_path / name / f"{name}.png", "red")
        library.add(tmp_path / name)
    assert find(library, "one") == {"file": [1], "folder": [1]}
    library.remove(tmp_path / "one")
    assert find(library, "one") == {}
    assert find(library, "two") == {"file": [1], "folder": [1]}


def test_lines_that_were_read_in_a_picture_stay_until_it_is_read_again_or_removed(library, photos):
    paint(photos / "a.png", "red")
    library.add(photos)
    put_lines(library, "RE16 TGK", "No parking")
    (photos / "a.png").rename(photos / "b.png")
    library.add(photos)
    assert [count(library, text) for text in ("RE16", "e16", "re16 parking", "16 t")] == [1, 1, 1, 0]
    with library._opened.open().reading() as catalog:
        lines = catalog.texts_of([1])[1]
    assert [line.text for line in lines if line.kind == "picture"] == ["RE16 TGK", "No parking"]
    assert lines[0].box == Box(0.1, 0.2, 0.5, 0.3)
    put_lines(library, "exit")
    assert [count(library, text) for text in ("RE16", "exit")] == [0, 1]
    (photos / "b.png").unlink()
    library.add(photos, forget_missing=True)
    assert run_sql(library.place, "SELECT count(*) FROM texts") == [(0,)]
    assert run_sql(library.place, "SELECT count(*) FROM readings") == [(0,)]


def test_parts_of_one_or_two_letters_must_begin_a_word(library, photos):
    paint(photos / "a.png", "red")
    library.add(photos)
    put_lines(library, "Linie 5 nach Bö", "出口处 12")
    found = ("5", "na", "BO", "出口", "口", "12", "1")
    assert [count(library, text) for text in found] == [1] * len(found)
    missing = ("ch", "6", "口出", "2")
    assert [count(library, text) for text in missing] == [0] * len(missing)
    assert find(library, "出口") == {"picture": [1]}


@pytest.mark.parametrize("text", ['"', "100%", "_", "a'b", "\\", "50% off!", 'say "hi"', "a*b^c", "x\0y", "NEAR(a b)"])
def test_signs_have_no_meaning_in_texts(library, photos, text):
    paint(photos / "a.png", "red")
    paint(photos / "b.png", "blue")
    library.add(photos)
    put_lines(library, f"sale {text} now")
    assert count(library, f"sale {text} now") == 1
    assert count(library, f"sale {text} never") == 0


def test_parts_are_found_as_by_a_slow_search(library, photos):
    numbers = random.Random(0)
    for i in range(12):
        paint(photos / f"{i}.png", "red", seed=i)
    library.add(photos)
    letters = "aAbé %_'-1"
    for i in range(12):
        put_lines(library, *("".join(numbers.choices(letters, k=9)) for _ in range(3)), picture_id=i + 1)
    with library._opened.open().reading() as catalog:
        lines = catalog.texts_of(range(1, 13))
    for _ in range(100):
        part = "".join(numbers.choices(letters, k=3))
        wanted = fold_text(part)
        if len(wanted) == 3 and " " not in wanted:
            slow = sum(any(wanted in fold_text(line.text) for line in own) for own in lines.values())
            assert count(library, part) == slow, part


def test_a_word_in_too_many_texts_is_not_looked_up(library, photos):
    for i in range(5):
        paint(photos / f"holiday {i}.png", "red", seed=i)
    library.add(photos)
    assert find(library, "holiday", 5) == {"file": [1, 2, 3, 4, 5]}
    assert find(library, "holiday", 4) is None


def test_names_by_cameras_are_found_as_a_whole_but_have_no_words(library, photos):
    for name in ("IMG_1234", "mountain 1234"):
        paint(photos / f"{name}.png", "red", seed=len(name))
        library.add(photos)
    assert find(library, "img_1234") == {"file": [1]}
    assert find(library, "mountain") == {"file": [2]}
    assert find(library, "img") == {}
    assert count(library, "1234") == 2


def test_names_of_files_in_any_encoding_are_indexed(library, photos):
    paint(photos / "a.png", "red")
    os.rename(os.fsencode(photos / "a.png"), os.fsencode(photos) + b"/caf\xe9 dog.png")  # noqa: PTH104
    library.add(photos)
    assert find(library, "dog") == {"file": [1]}


def test_an_index_of_an_earlier_version_gets_the_same_texts(photos, tmp_path):
    caption(photos / "Rome" / "a dog.png", "Two dogs")
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        library.add(photos)
    before = run_sql(tmp_path / "index", TEXTS)
    make_older(tmp_path / "index" / "catalog.db", 6)
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        assert find(library, "dog") == {"caption": [1], "file": [1]}
        assert run_sql(tmp_path / "index", TEXTS) == before
        check_derived(library)


def test_an_index_on_a_server_of_an_earlier_version_gets_the_same_texts(photos, server_place):
    caption(photos / "Rome" / "a dog.png", "Two dogs")
    with cosmos_search.open(server_place, encoder=ColourEncoder()) as library:
        library.add(photos)
        before = run_sql(server_place, TEXTS)
    make_older_on_server(server_place, 3)
    with closing(Index.open(server_place)) as index, index.reading() as catalog:
        assert catalog.find_word("dog", 9) is not None
    assert run_sql(server_place, TEXTS) == before


@pytest.mark.parametrize(
    ("name", "is_made"),
    [("IMG_1234", True), ("20240101_120000", True), ("PXL_20240101_120000123~2", True), ("DSC_0001-edited", True),
     ("1000268201_693b08cb0e", True), ("IMG-20200101-WA0007", True), ("rome 2019", False), ("2019", False),
     ("draft", False), ("facade", False), ("a dog (2)", False), ("re16", False), ("x" * 400 + "1" * 400, False)],
)  # fmt: skip
def test_names_by_cameras_are_told_from_names_by_people(name, is_made):
    assert is_camera_name(fold_text(name)) == is_made


def test_words_are_folded_and_split():
    assert fold_text("  Café\tSTRASSE\0x  Ǆ ") == "cafe strasse x dz"
    assert split_words(fold_text("l'Été_3 — 出口 x")) == ["l", "ete", "3", "出", "口", "x"]
    assert "dog" in list_forms("dogs")
    assert "dogs" in list_forms("dog")
    assert list_forms("glass") == ("glass",)


def test_each_catalog_on_a_server_has_an_index_of_parts(server_place, postgres):
    """The extension lies in the schema of the first one."""
    for place in (server_place, ServerPlace(postgres.new_url())):
        Index.create(place).close()
        query = "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname = 'texts_by_part'"
        assert run_sql(place, query) == [("texts_by_part",)]
