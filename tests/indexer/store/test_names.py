import os
from unicodedata import normalize

import pytest
from PIL import Image

import cosmos_search
from indexer.store.filter_record import Filters
from indexer.store.names import contains_folded, encode_part, expand_folder, fold
from tests.colour import ColourEncoder, dated, paint
from tests.conftest import PLACES, places

NFC, NFD = "Straße/Ägypten", normalize("NFD", "Straße/Ägypten")
ODD = os.fsdecode(b"caf\xe9")
FOLDERS = ("trips/2024 Rom", NFC, normalize("NFD", "Crème/Brûlée"), "ΟΔΟΣ", "Москва", ODD, "trips2")


@pytest.fixture(scope="module", params=PLACES)
def album(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    for i, name in enumerate(FOLDERS):
        paint(folder / "photos" / name / f"{i}.png", "red", seed=i)
    exif = dated("2024:06:15 12:00:00", camera="LEICA Q3")
    Image.new("RGB", (9, 9), "red").save(folder / "photos" / "trips" / "leica.jpg", exif=exif)
    with places(request, folder) as place_of, cosmos_search.open(place_of(), encoder=ColourEncoder()) as library:
        library.add(folder / "photos")
        yield library


def found(album, folder):
    """The folders that pass, below the indexed one."""
    photos = album.info().folders[0].path
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
    photos = album.info().folders[0].path
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
    directory = str(album.info().folders[0].path / name)
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
        assert contains_folded(name, encode_part(part))
        assert not contains_folded(name, encode_part(part + "x"))
    assert not contains_folded(None, encode_part(part))


def test_folding_joins_what_readers_take_for_one_name():
    assert fold("ǅ") == fold("ǆ")
    assert fold("Å") == fold("Å") == fold("å")
    assert fold(ODD) == ODD
    assert expand_folder("~nobody-of-that-name/x") == {"~nobody-of-that-name/x"}
