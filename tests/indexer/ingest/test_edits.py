"""A file is read again when its size, its date or its change time (ctime) differs, and redone if its content does."""

import os
import shutil
import sqlite3
from contextlib import closing

import pytest

import cosmos_search
from tests.colour import COLOURS, ColourEncoder, paint, paint_photos


@pytest.fixture
def photos(tmp_path):
    return paint_photos(tmp_path / "photos", COLOURS[:3], suffix="bmp")


@pytest.fixture
def library(tmp_path):
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder(log=tmp_path / "log")) as library:
        yield library


def write_in_place(path):
    other = paint(path.with_name("other.bmp"), "yellow").read_bytes()
    path.with_name("other.bmp").unlink()
    with path.open("r+b") as file:
        file.write(other)


def replace_by_another(path):
    paint(path.with_name("other.bmp"), "yellow").replace(path)


def write_through_a_hard_link(path):
    os.link(path, path.parent.parent / "link.bmp")
    write_in_place(path.parent.parent / "link.bmp")


@pytest.mark.parametrize("edit", [write_in_place, replace_by_another, write_through_a_hard_link])
def test_an_edit_that_keeps_size_and_date_is_seen(library, photos, edit):
    library.add(photos)
    before = (photos / "red.bmp").stat()
    edit(photos / "red.bmp")
    os.utime(photos / "red.bmp", ns=(before.st_atime_ns, before.st_mtime_ns))
    after = (photos / "red.bmp").stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    report = library.add(photos)
    assert (report.updated, report.kept) == (1, 2)
    assert library.search("yellow", 1)[0].path.name == "red.bmp"
    assert library.info().n_pictures == 3


def change_mode(path):
    path.chmod(0o600)


def add_hard_link(path):
    os.link(path, path.parent.parent / "link.bmp")


def restore_from_a_backup(path):
    shutil.copy2(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


@pytest.mark.parametrize("touch", [change_mode, add_hard_link, restore_from_a_backup])
def test_a_change_that_leaves_the_content_is_read_once_and_embeds_nothing(library, photos, tmp_path, touch):
    library.add(photos)
    (tmp_path / "log").unlink()
    touch(photos / "red.bmp")
    for _ in range(2):
        report = library.add(photos)
        assert (report.kept, report.updated) == (3, 0)
    assert not (tmp_path / "log").exists()
    with closing(sqlite3.connect(tmp_path / "index" / "catalog.db")) as catalog:
        ctimes = dict(catalog.execute("SELECT CAST(name AS TEXT), ctime_ns FROM files").fetchall())
    assert ctimes == {path.name: path.stat().st_ctime_ns for path in photos.iterdir()}
