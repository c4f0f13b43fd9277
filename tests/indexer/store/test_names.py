import os
from datetime import datetime
from unicodedata import normalize

import pytest
from PIL import Image

import cosmos_search
from indexer.errors import UsageError
from indexer.store.filters import Filters, Near, parse_date, parse_near
from indexer.store.names import encode_part, fold, folder_parts, holds
from tests.colour import ColourEncoder, dated, paint

NFC, NFD = "Straße/Ägypten", normalize("NFD", "Straße/Ägypten")
ODD = os.fsdecode(b"caf\xe9")
FOLDERS = ("trips/2024 Rom", NFC, normalize("NFD", "Crème/Brûlée"), "ΟΔΟΣ", "Москва", ODD, "trips2")


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    place = tmp_path_factory.mktemp("names")
    for i, folder in enumerate(FOLDERS):
        paint(place / "photos" / folder / f"{i}.png", "red", seed=i)
    exif = dated("2024:06:15 12:00:00", camera="LEICA Q3")
    Image.new("RGB", (9, 9), "red").save(place / "photos" / "trips" / "leica.jpg", exif=exif)
    with cosmos_search.open(place / "index", encoder=ColourEncoder()) as library:
        library.add(place / "photos")
        yield library


def found(album, folder):
    """The folders that pass, below the indexed one."""
    photos = album.place.parent / "photos"
    pictures = album.browse(Filters(folder=folder)) if album.n_matching(Filters(folder=folder)) else []
    return {str(p.paths[0].parent.relative_to(photos)) for p in pictures if p.paths[0].suffix == ".png"}


@pytest.mark.parametrize(
    ("folder", "wanted"),
    [
        ("trips", {FOLDERS[0], "trips2"}),
        ("trips/", {FOLDERS[0]}),
        ("TRIPS//", {FOLDERS[0]}),
        ("/trips/", {FOLDERS[0]}),
        ("./trips/", {FOLDERS[0]}),
        ("./trips/./2024 rom", {FOLDERS[0]}),
        ("trips/2024 Rom/", {FOLDERS[0]}),
        ("rom/", {FOLDERS[0]}),
        (NFC, {NFC}),
        (NFD, {NFC}),
        ("STRASSE/ägypten", {NFC}),
        ("ÄGYPTEN/", {NFC}),
        ("crème/BRÛLÉE", {FOLDERS[2]}),
        ("brûlée", {FOLDERS[2]}),
        ("creme", set()),
        ("οδος", {FOLDERS[3]}),
        ("МОСКВА", {FOLDERS[4]}),
        (ODD, {ODD}),
        (ODD + "/", {ODD}),
        ("CAF", {ODD}),
        ("\ud800", set()),
        ("nowhere", set()),
        ("a\x00b", set()),
    ],
)
def test_a_folder_is_found_however_it_is_written(album, monkeypatch, tmp_path, folder, wanted):
    monkeypatch.chdir(tmp_path)
    assert found(album, folder) == wanted


def test_a_path_leads_to_its_directory_and_no_other(album, monkeypatch, tmp_path):
    photos = album.place.parent / "photos"
    monkeypatch.chdir(photos)
    everything = set(FOLDERS)
    assert found(album, ".") == found(album, "./") == found(album, str(photos)) == everything
    assert found(album, "./trips") == found(album, "./trips/../trips/") == {FOLDERS[0]}
    monkeypatch.chdir(photos / "trips")
    assert found(album, "..") == everything
    assert found(album, "../trips2") == {"trips2"}
    monkeypatch.setenv("HOME", str(photos))
    assert found(album, "~") == everything
    assert found(album, "~/trips/") == {FOLDERS[0]}
    (tmp_path / "link").symlink_to(photos)
    assert found(album, str(tmp_path / "link")) == everything
    assert found(album, str(tmp_path / "link" / "trips") + "/") == {FOLDERS[0]}
    monkeypatch.chdir(tmp_path)
    assert found(album, "./link/trips2") == {"trips2"}


@pytest.mark.parametrize("name", [*FOLDERS, "trips"])
def test_a_directory_that_is_chosen_is_found_whatever_its_name(album, name):
    directory = str(album.place.parent / "photos" / name)
    for written in (directory, directory + "/"):
        assert album.n_matching(Filters(directory=written)) == (2 if name == "trips" else 1)
    assert album.n_matching(Filters(directory=directory + "\ud800")) == 0


@pytest.mark.parametrize("camera", ["leica q3", "LEICA", "q3"])
def test_a_camera_is_found_in_any_case(album, camera):
    assert album.n_matching(Filters(camera=camera)) == 1
    assert album.n_matching(Filters(camera=camera + "\udcff")) == 0


@pytest.mark.parametrize("part", ["ÉDITION", normalize("NFD", "édition"), "q3 é"])
def test_names_hold_their_parts_in_any_case_and_form(part):
    for name in ("Q3 Édition", normalize("NFD", "q3 édition"), normalize("NFD", "Q3 Édition").encode()):
        assert holds(name, encode_part(part))
        assert not holds(name, encode_part(part + "x"))
    assert not holds(None, encode_part(part))


def test_folding_joins_what_readers_take_for_one_name():
    assert fold("ǅ") == fold("ǆ")
    assert fold("Å") == fold("Å") == fold("å")
    assert fold(ODD) == ODD
    assert folder_parts("~nobody-of-that-name/x") == {"~nobody-of-that-name/x"}


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("48.1,11.6,5KM", Near(48.1, 11.6, 5)),
        ("48.1, 11.6, 5 km", Near(48.1, 11.6, 5)),
        (" +48 , +11 , 500 M ", Near(48, 11, 0.5)),
        ("48,11,5", Near(48, 11, 5)),
        (".5,-.5,.5km", Near(0.5, -0.5, 0.5)),
        ("33.9S,151.2E,1Km", Near(-33.9, 151.2, 1)),
        ("33.9 s, 151.2 e, 1 km", Near(-33.9, 151.2, 1)),
        ("40.7° N, 74° W, 10km", Near(40.7, -74, 10)),
        ("−33.9,151.2,1km", Near(-33.9, 151.2, 1)),
        ("48.,11.,5.km", Near(48, 11, 5)),
    ],
)
def test_places_are_read_as_people_write_them(text, near):
    assert parse_near(text) == near


@pytest.mark.parametrize(
    "text",
    [
        "", "48,11", "48,11,5,6", "48,11,", ",,", "48,11,-5km", "48,11,nan", "inf,11,5", "48E,11N,5", "-48S,11,5",
        "91N,0,1", "0,181,1", "48,11,5mi", "48 1,11,5",
        "1e1,11,5", "48,11," + "9" * 400, "٤٨°°,11,5", "\x1b[31m,1,1", "N,E,5km",
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused(text):
    with pytest.raises(UsageError, match="is not a valid place") as caught:
        parse_near(text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2008-1-5", datetime(2008, 1, 5)),
        ("2008-01-5", datetime(2008, 1, 5)),
        ("2008-1-05", datetime(2008, 1, 5)),
        (" 2008-1 ", datetime(2008, 1, 1)),
        ("2008-1-5T8:30", datetime(2008, 1, 5, 8, 30)),
        ("2008-1-5 8:05:09", datetime(2008, 1, 5, 8, 5, 9)),
        ("2008-1-5T8", datetime(2008, 1, 5, 8)),
        ("2008-01-05T18:00:00Z", datetime(2008, 1, 5, 18)),
        ("20080105", datetime(2008, 1, 5)),
        ("2008-W02", datetime(2008, 1, 7)),
    ],
)
def test_dates_are_read_with_and_without_zeros(text, date):
    assert parse_date(text) == date


@pytest.mark.parametrize(
    "text", ["", "0000", "2008-0-1", "2008-2-30", "2008-1-5-6", "2008-123", "08-1-5", "2008-1-5T25", "-1", "9" * 5000]
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(UsageError, match="is not a valid date"):
        parse_date(text)
