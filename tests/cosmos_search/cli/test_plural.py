"""Counts of one and of many have their own words in all that is printed."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_search.cli.main import main
from indexer.ingest.errors import EmptyFolderError, MissingFilesError
from indexer.plural import count
from tests.colour import paint

WRONG = re.compile(r"(?<![\d.,/])1 (?:[a-z]+ )*?(?:files|pictures|groups|lines|are|were|stay)\b")


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 files are"), (1, "1 file is"), (2, "2 files are"), (1001, "1001 files are")]
)
def test_a_noun_and_its_verb_agree_with_their_number(n, text):
    assert count(n, "file", "is", "are") == text
    assert count(n, "file") == text.rpartition(" ")[0]


def test_warnings_about_one_file_are_about_one(tmp_path):
    path = Path("photos")
    assert str(MissingFilesError(path, 1)) == (
        "1 indexed file of photos is not there; it stays in the index in case a disk is not mounted."
    )
    assert "is empty now; its 1 file stays in the index" in str(EmptyFolderError(path, 1, path))
    assert "its 2 files stay in the index" in str(EmptyFolderError(path, 2, path))


def test_all_commands_about_one_picture_speak_of_one(tmp_path):
    photos = paint(tmp_path / "photos" / "red.png", "red").parent
    (tmp_path / "copies").mkdir()
    (photos / "bad.jpg").write_text("no picture")
    (tmp_path / "copies" / "red.png").write_bytes((photos / "red.png").read_bytes())

    def run(*words):
        done = CliRunner().invoke(main, [*map(str, words), "--index", str(tmp_path / "index")])
        assert done.exit_code == 0, done.output
        assert not WRONG.search(done.output), done.output
        return done.output

    run("index", photos)
    assert "1 file failed before" in run("index")
    run("info")
    run("facets")
    assert "0 of 1 picture pass" in run("search", "a", "--camera", "none")
    run("search", "red", "--all")
    run("index", tmp_path / "copies")
    assert "1 group, 1 other file." in run("duplicates")
    (photos / "red.png").unlink()
    run("index", photos)
    assert "the 1 picture in it" in run("remove", tmp_path / "copies")
