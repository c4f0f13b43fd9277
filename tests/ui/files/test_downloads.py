import csv
import io
import json
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from cosmos_search.explore.duplicate_groups import DuplicateGroup
from indexer.pictures.metadata_record import Metadata
from indexer.store.records import FailedFile, PictureFacts
from tests.colour import paint, record
from ui.files.downloads import (
    format_csv,
    format_failed_csv,
    format_groups_csv,
    format_json,
    format_other_paths,
    make_zip,
    sum_file_sizes,
)


@pytest.fixture
def pictures(tmp_path):
    return [record(paint(tmp_path / folder / "a.png", colour)) for folder, colour in (("one", "red"), ("two", "blue"))]


def unpacked(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_zip_holds_the_files_as_they_are_and_no_folders(pictures):
    first, second = (picture.paths[0].read_bytes() for picture in pictures)
    assert unpacked(make_zip(pictures)) == {"a.png": first, "a-2.png": second}
    assert sum_file_sizes(pictures) == len(first) + len(second)


def test_what_is_gone_is_named(pictures):
    pictures[0].paths[0].unlink()
    found = unpacked(make_zip(pictures))
    assert set(found) == {"a.png", "missing.txt"}
    assert b"one/a.png: it was deleted" in found["missing.txt"]


def test_lists_have_paths_and_what_is_known(pictures):
    told = replace(pictures[0], facts=PictureFacts(40, 30, Metadata(latitude=48.1, longitude=11.6, camera="X100")))
    row = next(csv.DictReader(io.StringIO(format_csv([told]))))
    assert (row["path"], row["width"], row["camera"]) == (str(told.paths[0]), "40", "X100")
    assert json.loads(format_json([told]))[0] == {
        "path": str(told.paths[0]),
        "width": 40,
        "height": 30,
        "taken_at": None,
        "latitude": 48.1,
        "longitude": 11.6,
        "camera": "X100",
    }


FORMULAS = ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=cmd()", "\r=cmd()", "\n=cmd()", " =cmd()", "\uff1dcmd()", '"=cmd()"']
INNER = [
    f"X{separator}{formula}"
    for separator in ";,|\t\n\r"
    for formula in ("=cmd()", " =cmd()", '"=cmd()', "-1", "@a", "+1")
]


def cells(text, separator, quoted):
    """As a spreadsheet reads them; unquoted: one that takes another separator sees quotes in the middle of cells."""
    quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    return [
        cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting) for cell in row
    ]


@pytest.mark.parametrize("text", [*FORMULAS, *INNER, "a;;=b", "a;\n;\n=b", "=" * 50, ";=" * 50])
def test_a_spreadsheet_runs_nothing(text, pictures):
    bad = replace(pictures[0], paths=(Path(text),), facts=PictureFacts(1, 1, Metadata(camera=text, longitude=-11.6)))
    table = format_csv([bad])
    for separator in ",;|\t":
        for quoted in (True, False):
            found = [cell.strip(' "\t\r\n') for cell in cells(table, separator, quoted)]
            assert not [cell for cell in found if cell[:1] in tuple("=+-@\uff1d") and cell != "-11.6"]


@pytest.mark.parametrize(
    "text", ["X100", "EOS-1D; X", "a, b", "a=b", "50 % + 3", 'the "new" one', "two\nlines", "-", "Ümläut"]
)
def test_other_cells_are_as_they_are(text, pictures):
    told = replace(pictures[0], facts=PictureFacts(1, 1, Metadata(camera=text)))
    row = next(csv.DictReader(io.StringIO(format_csv([told]), newline="")))
    assert row["camera"] == ("'-" if text == "-" else text)


def test_a_long_cell_takes_no_long_time(pictures):
    began = monotonic()
    for text in (" " * 100_000, ";" * 100_000, '; "' * 30_000, "\n" * 100_000):
        format_csv([replace(pictures[0], facts=PictureFacts(1, 1, Metadata(camera=text)))])
    assert monotonic() - began < 10  # quadratic time would be minutes


NAMES = {
    "..\\..\\evil.png": ".._.._evil.png",
    "C:\\Windows\\evil.png": "C__Windows_evil.png",
    "C:evil.png": "C_evil.png",
    "\\\\host\\share.png": "__host_share.png",
    "a\nbc\x1b[31m\x7f\x9b.png": "a_bc_[31m__.png",
    "gnp.\u202eexe.png": "gnp._exe.png",
    'a<b>c:d"e|f?g*.png': "a_b_c_d_e_f_g_.png",
    "con.png": "_con.png",
    "NUL": "_NUL",
    "Lpt1.tar.png": "_Lpt1.tar.png",
    "com\u00b9.png": "_com\u00b9.png",
    "aux .png": "_aux .png",
    "console.png": "console.png",
    "end.png. . ": "end.png",
    "...": "_",
    " ": "_",
    "missing.TXT": "missing-2.TXT",
    "\u00fcn\u00efcode \U0001f408.png": "\u00fcn\u00efcode \U0001f408.png",
    "caf\udce9.png": "caf_.png",
    "x" * 250 + ".png": "x" * 196 + ".png",
    "\u00fc" * 120 + ".png": "\u00fc" * 98 + ".png",
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items(), ids=range(len(NAMES)))
def test_members_of_a_zip_are_plain_names(name, expected, tmp_path):
    found = unpacked(make_zip([record(paint(tmp_path / "a.png", "red").rename(tmp_path / name))]))
    assert list(found) == [expected]


@pytest.mark.parametrize(
    "names",
    [
        ("a.png", "A.png", "a.PNG"),
        ("a.png", "a.png", "a-2.png"),
        ("stra\u00dfe.png", "STRASSE.png"),
        ("\u00fc.png", "u\u0308.png", "U\u0308.png"),
        ("a:b.png", "a?b.png", "a_b.png"),
        ("a.png", "a.png.", "a.png "),
        ("x" * 250 + ".png", "x" * 251 + ".png", "x" * 240 + "y.png"),
    ],
    ids=range(7),
)
def test_members_of_a_zip_are_never_one_file(names, tmp_path):
    pictures = []
    for i, name in enumerate(names):
        paint(tmp_path / str(i) / "a.png", "red", seed=i).rename(tmp_path / str(i) / name)
        pictures.append(record(tmp_path / str(i) / name))
    found = unpacked(make_zip(pictures))
    assert len({unicodedata.normalize("NFD", name).casefold() for name in found}) == len(names)
    assert list(found.values()) == [picture.paths[0].read_bytes() for picture in pictures]


def test_what_is_missing_takes_one_line_each(pictures):
    gone = [replace(picture, paths=(Path("/gone/a\nforged.png: it is here\x1b[2J"),)) for picture in pictures]
    lines = unpacked(make_zip(gone))["missing.txt"].decode().splitlines()
    assert len(lines) == 2
    assert all("it was deleted" in line and "\x1b" not in line for line in lines)


def test_files_that_could_not_be_read_are_a_table():
    failed = [FailedFile(Path("=one.png"), "it is empty"), FailedFile(Path("two, three.png"), "-")]
    rows = list(csv.reader(io.StringIO(format_failed_csv(failed), newline="")))
    assert rows == [["path", "reason"], ["'=one.png", "it is empty"], ["two, three.png", "'-"]]


def test_groups_are_listed_with_the_file_to_keep_and_as_paths_of_the_others(tmp_path):
    names = ("best.png", "=other.png", "line\nbreak.png")
    best, *others = (record(paint(tmp_path / name, "red", seed=i)) for i, name in enumerate(names))
    group = DuplicateGroup("copies", best, ("more pixels",), tuple(others))
    header, keep, other, broken = csv.reader(io.StringIO(format_groups_csv([group])))
    assert header == ["group", "kind", "file", "reasons", "path"]
    assert keep == ["1", "copies", "keep", "more pixels", str(tmp_path / "best.png")]
    assert other == ["1", "copies", "other", "", str(tmp_path / "=other.png")]
    assert broken[2] == "other"
    assert format_other_paths([group]) == f"{tmp_path / '=other.png'}\n".encode()
