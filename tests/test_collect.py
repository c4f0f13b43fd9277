import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.metadata import Metadata
from indexer.records import PictureFacts
from tests.colour import paint, record
from ui.collect import as_csv, as_json, as_zip, size_bytes


@pytest.fixture
def pictures(tmp_path):
    return [record(paint(tmp_path / folder / "a.png", colour)) for folder, colour in (("one", "red"), ("two", "blue"))]


def unpacked(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_zip_holds_the_files_as_they_are_and_no_folders(pictures):
    first, second = (picture.paths[0].read_bytes() for picture in pictures)
    assert unpacked(as_zip(pictures)) == {"a.png": first, "a-2.png": second}
    assert size_bytes(pictures) == len(first) + len(second)


def test_what_is_gone_is_named(pictures):
    pictures[0].paths[0].unlink()
    found = unpacked(as_zip(pictures))
    assert set(found) == {"a.png", "missing.txt"}
    assert b"one/a.png: it was deleted" in found["missing.txt"]


def test_lists_have_paths_and_what_is_known(pictures):
    told = replace(pictures[0], facts=PictureFacts(40, 30, Metadata(latitude=48.1, longitude=11.6, camera="X100")))
    row = next(csv.DictReader(io.StringIO(as_csv([told]))))
    assert (row["path"], row["width"], row["camera"]) == (str(told.paths[0]), "40", "X100")
    assert json.loads(as_json([told]))[0] == {
        "path": str(told.paths[0]),
        "width": 40,
        "height": 30,
        "taken_at": None,
        "latitude": 48.1,
        "longitude": 11.6,
        "camera": "X100",
    }


def test_a_spreadsheet_runs_nothing(pictures):
    bad = replace(pictures[0], paths=(Path("=cmd.jpg"),), facts=PictureFacts(1, 1, Metadata(camera="@SUM(A1)")))
    row = next(csv.DictReader(io.StringIO(as_csv([bad]))))
    assert (row["path"], row["camera"]) == ("'=cmd.jpg", "'@SUM(A1)")
