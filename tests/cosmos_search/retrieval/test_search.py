import json
from datetime import datetime

import numpy as np
import pytest
from PIL import Image

import cosmos_search
from cosmos_search.cli.advice import add_advice
from cosmos_search.encoders.calibration import Calibration
from cosmos_search.library import Library
from cosmos_search.retrieval.explain import draw_boxes, explain, save_explanations
from indexer.errors import CosmosSearchError, UsageError
from indexer.pictures.regions import Box
from indexer.store.filter_record import Filters, Near
from tests.colour import ColourEncoder, dated, paint
from tests.rows import delete_index


def halves(path, left, right, size=(60, 40), **options):
    """A picture with two colours side by side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, left)
    image.paste(Image.new("RGB", size, right), (size[0] // 2, 0))
    image.save(path, **options)
    return path


@pytest.fixture
def library(tmp_path, place):
    photos = tmp_path / "photos"
    halves(photos / "red-blue.png", "red", "blue")
    halves(photos / "blue-red.png", "blue", "red")
    halves(photos / "red-lime.png", "red", "lime")
    paint(photos / "red.png", "red", size=(60, 40))
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(photos)
        yield library


def names(hits):
    return [hit.path.stem for hit in hits]


def test_sentences_find_the_picture_in_which_each_is_true(library):
    hits = library.search("red. blue")
    assert set(names(hits[:2])) == {"red-blue", "blue-red"}
    assert [e.text for e in hits[0].evidence] == ["red", "blue"]


def test_places_tell_twins_apart_and_the_evidence_says_where(library):
    best = library.search("red @left. blue @right")[0]
    assert best.path.stem == "red-blue"
    red, blue = best.evidence
    assert red.box.right <= 0.5 <= blue.box.left
    assert names(library.search("red @right. blue @left"))[0] == "blue-red"


def test_what_is_excluded_sinks(library):
    assert names(library.search("red - blue"))[-1] in ("red-blue", "blue-red")
    assert names(library.search("red - lime"))[-1] == "red-lime"


def test_an_example_finds_its_like_and_a_part_of_it_too(library, tmp_path):
    example = halves(tmp_path / "example.png", "lime", "red")
    assert names(library.search(similar_to=example))[0] == "red-lime"
    parts = halves(tmp_path / "parts.png", "lime", "blue")
    assert names(library.search(similar_to=parts, box=Box(0.0, 0.0, 0.4, 1.0)))[0] == "red-lime"
    with_blue = library.search(similar_to=parts, box=Box(0.6, 0.0, 1.0, 1.0))
    assert set(names(with_blue[:2])) == {"red-blue", "blue-red"}
    assert with_blue[2].score < 0.9 * with_blue[1].score
    with_text = library.search("blue", similar_to=paint(tmp_path / "plain.png", "red"))
    assert set(names(with_text[:2])) == {"red-blue", "blue-red"}
    with pytest.raises(CosmosSearchError, match="can't be used"):
        library.search(similar_to=tmp_path / "nowhere.png")
    (tmp_path / "bad.png").write_text("no")
    with pytest.raises(CosmosSearchError, match="not a picture"):
        library.search(similar_to=tmp_path / "bad.png")


def test_hits_below_the_cut_off_are_left_out_and_shown_on_request(place, library):
    encoder = ColourEncoder()
    encoder.calibration = Calibration(slope=50, middle=0.9)
    with cosmos_search.open(place, encoder=encoder) as strict:
        assert set(names(strict.search("lime"))) == {"red-lime"}
        assert strict.search("cyan - red - blue - lime") == []
        assert len(strict.search("cyan - red - blue - lime", include_unlikely=True)) == 4
        assert all(0 <= hit.score <= 1 for hit in strict.search("red", include_unlikely=True))


def test_an_index_without_regions_answers_by_wholes(tmp_path, library):
    photos = tmp_path / "photos"
    with cosmos_search.open(tmp_path / "plain", encoder=ColourEncoder()) as plain:
        plain.add(photos, regions="none")
        assert {e.box for hit in plain.search("red") for e in hit.evidence} == {Box(0.0, 0.0, 1.0, 1.0)}
        with pytest.raises(CosmosSearchError, match="none regions") as caught:
            plain.add(photos, regions="fine")
        assert "--regions fine --rebuild" in add_advice(caught.value)
        plain.add(photos, regions="fine", rebuild=True)
        assert names(plain.search("red @left. blue @right"))[0] == "red-blue"
        with pytest.raises(UsageError, match="none, fast, fine"):
            plain.add(photos, regions="finest", rebuild=True)


@pytest.fixture
def album(tmp_path, place):
    photos = tmp_path / "album"
    paint(photos / "trips" / "old.png", "red")
    Image.new("RGB", (300, 200), "red").save(photos / "munich.jpg", exif=dated("2024:06:15 12:00:00", 48, 11, "X100V"))
    Image.new("RGB", (200, 300), "red").save(
        photos / "sydney.jpg", exif=dated("2023:01:02 03:04:05", -33, 151, "Canon R5")
    )
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(photos)
        yield library


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(after=datetime(2024, 1, 1)), {"munich"}),
        (Filters(before=datetime(2024, 1, 1)), {"sydney"}),
        (Filters(after=datetime(2024, 6, 15, 12)), {"munich"}),  # the second of the photo itself
        (Filters(after=datetime(2024, 6, 15, 12, 0, 1)), set()),
        (Filters(before=datetime(2024, 6, 15, 12)), {"sydney"}),
        (Filters(before=datetime(2024, 6, 15, 12, 0, 1)), {"munich", "sydney"}),
        (Filters(folder="TRIPS"), {"old"}),
        (Filters(camera="x100"), {"munich"}),
        (Filters(near=Near(48.14, 11.58, 100)), {"munich"}),
        (Filters(near=Near(48.14, 11.58, 1)), set()),
        (Filters(min_pixels=60_000), {"munich", "sydney"}),
        (Filters(min_pixels=60_001), set()),
        (Filters(orientation="portrait"), {"sydney"}),
        (Filters(orientation="square"), {"old"}),
        (Filters(after=datetime(2023, 1, 1), orientation="landscape"), {"munich"}),
        (Filters(), {"munich", "sydney", "old"}),
    ],
)
def test_filters_leave_what_passes(album, filters, found):
    assert set(names(album.search("red", filters=filters))) == found


def test_filters_are_exact_however_few_pass(tmp_path, place):
    """Twelve in a crowd of better matches; a search that filtered its best hits afterwards would find none."""
    photos = tmp_path / "photos"
    for i in range(300):
        paint(photos / "crowd" / f"{i}.png", "red", seed=i)
    for i in range(12):
        paint(photos / "few" / f"{i}.png", "blue", seed=1000 + i)
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(photos)
        assert len(library.search("red", 10, filters=Filters(folder="/few"))) == 10


def test_why_is_drawn_one_colour_a_sentence_with_heat_maps_beside(library, tmp_path):
    hit = library.search("red @left. blue @right")[0]
    sheet = explain(hit, library.encoder)
    assert sheet.width > 3 * sheet.height  # the boxes, and a map for each sentence
    picture = Image.new("RGB", (300, 200), "white")
    drawn = np.asarray(draw_boxes(picture, hit.evidence)).reshape(-1, 3)
    assert {(230, 159, 0), (86, 180, 233)} <= {tuple(pixel) for pixel in drawn.tolist()}
    (path,) = save_explanations([hit], library.encoder, tmp_path / "why")
    assert path.name == "01-red-blue.png"


def test_a_picture_that_is_gone_can_not_be_explained(library):
    hit = library.search("red")[0]
    hit.path.unlink()
    with pytest.raises(CosmosSearchError, match="can't be read any more"):
        explain(hit, library.encoder)


def test_json_has_the_boxes(library):
    from cosmos_search.cli.pictures_table import format_hits

    hits = library.search("red @left. blue @right")
    record = json.loads(json.dumps(hits[0].to_dict()))
    assert [e["text"] for e in record["evidence"]] == ["red", "blue"]
    assert all(len(e["box"]) == 4 for e in record["evidence"])
    assert "blue: " in format_hits(hits)[1]


def test_a_text_that_is_too_long_is_taken_apart_and_nothing_is_cut(library):
    class Short(ColourEncoder):
        asked: list[str] = []  # noqa: RUF012

        def fits(self, text):
            return len(text.split()) <= 2

        def encode_texts(self, texts):
            self.asked.extend(texts)
            return super().encode_texts(texts)

    encoder = Short()
    with cosmos_search.open(library.place, encoder=encoder) as short:
        short.search("red red blue red red")
    assert " ".join(encoder.asked) == "red red blue red red"
    assert all(len(text.split()) <= 2 for text in encoder.asked)


def test_a_found_picture_can_be_asked_for_by_its_id_until_it_is_gone(library, tmp_path):
    hit = library.search("lime", top=1)[0]
    record = library.picture(hit.picture.id)
    assert (record.paths, record.fingerprint, record.facts) == ((hit.path,), hit.picture.fingerprint, hit.facts)
    before = library.version()
    hit.path.unlink()
    library.add()
    assert library.picture(hit.picture.id) is None
    assert library.version() != before


def test_an_index_that_was_deleted_and_made_anew_is_noticed(tmp_path, place):
    for name in ("red", "blue"):
        paint(tmp_path / name / f"{name}.png", name)
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(tmp_path / "red")
        before = library.version()
        delete_index(place)
        assert library.n_pictures() == 0
        with cosmos_search.open(place, encoder=ColourEncoder()) as other:
            other.add(tmp_path / "blue")
        assert library.version() != before
        assert [hit.path.name for hit in library.search("blue")] == ["blue.png"]
        delete_index(place)
        assert library.add(tmp_path / "red").added == 1
        with cosmos_search.open(place, encoder=ColourEncoder()) as other:
            assert other.n_pictures() == 1


def test_another_model_is_loaded_where_another_process_changed_over_to_it(tmp_path, place):
    paint(tmp_path / "photos" / "red.png", "red")
    loaded = []

    def load(recorded):
        loaded.append(recorded)
        return ColourEncoder(recorded or "one")

    with Library(place, None, load) as library:
        library.add(tmp_path / "photos")
        assert library.search("red")
        with cosmos_search.open(place, encoder=ColourEncoder("two")) as other:
            other.add(rebuild=True)
        assert library.search("red")
        assert library.search("red")
    assert loaded == [None, "two"]


@pytest.mark.parametrize("target", ["victim", "nothing"])
def test_explanations_are_not_written_through_links(target, library, tmp_path):
    hit = library.search("red. blue")[0]
    (tmp_path / "victim").write_bytes(b"mine")
    (tmp_path / "why").mkdir()
    name = f"01-{hit.path.stem}.png"
    (tmp_path / "why" / name).symlink_to(tmp_path / target)
    (path,) = save_explanations([hit], library.encoder, tmp_path / "why")
    assert (tmp_path / "victim").read_bytes() == b"mine"
    assert not (tmp_path / "nothing").exists()
    assert (path.name, path.is_symlink()) == (name, False)
    assert [other.name for other in path.parent.iterdir()] == [name]
    Image.open(path).verify()
