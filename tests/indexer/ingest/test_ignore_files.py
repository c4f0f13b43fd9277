"""Ignore files: what they name stays out of the index, or leaves it."""

import pytest

from tests.colour import paint


@pytest.fixture
def photos(tmp_path):
    for i, name in enumerate(["a.png", "b.png", "album/a.png", "album/b.png", "album/raw/a.png", "raw/a.png"]):
        paint(tmp_path / "photos" / name, "red", seed=i)
    return tmp_path / "photos"


def list_indexed(library, root):
    return sorted(str(picture.paths[0].relative_to(root)) for picture in library.browse())


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ("raw", ["a.png", "album/a.png", "album/b.png", "b.png"]),
        ("/raw/\n", ["a.png", "album/a.png", "album/b.png", "album/raw/a.png", "b.png"]),
        ("# all but one\n*.png\n!/b.png", ["b.png"]),
        ("album/*\n!album/raw\n", ["a.png", "album/raw/a.png", "b.png", "raw/a.png"]),
        ("album\n!album/a.png", ["a.png", "b.png", "raw/a.png"]),  # as in git: nothing returns from such a folder
        ("**/raw/*.png", ["a.png", "album/a.png", "album/b.png", "b.png"]),
        ("# [[:alpha:]]\n[[]*\n[a].png\n[x#[:]y", ["album/b.png", "b.png"]),
        ("a.png/\nA.png", ["a.png", "album/a.png", "album/b.png", "album/raw/a.png", "b.png", "raw/a.png"]),
    ],
)
def test_patterns_are_those_of_git(library, photos, patterns, left):
    (photos / ".cosmosignore").write_text(patterns)
    assert library.count_files([photos]) == len(left)
    assert library.add(photos).added == len(left)
    assert list_indexed(library, photos) == left


def test_what_becomes_ignored_leaves_the_index_and_returns(library, photos):
    for i in range(30):
        paint(photos / "album" / f"{i}.png", "red", seed=100 + i)
    assert library.add(photos).added == 36
    (photos / ".cosmosignore").write_text("/album/\nb.png\n")
    report = library.add()
    assert (report.removed, report.kept, report.warnings, report.failed) == (34, 2, [], [])
    assert list_indexed(library, photos) == ["a.png", "raw/a.png"]
    (photos / ".cosmosignore").unlink()
    assert library.add().added == 34


def test_the_innermost_file_decides_and_applies_below_itself_only(library, photos):
    (photos / ".cosmosignore").write_text("*.png\n")
    (photos / "album" / ".cosmosignore").write_text("!a.png\n/raw/\n")
    library.add(photos)
    assert list_indexed(library, photos) == ["album/a.png"]


def test_a_part_of_a_folder_has_the_patterns_from_above(library, photos):
    library.add(photos)
    (photos / ".cosmosignore").write_text("raw\nalbum/b.png\n")
    assert library.count_files([photos / "album"]) == 1
    report = library.add(photos / "album")
    assert (report.kept, report.removed) == (1, 2)
    assert list_indexed(library, photos) == ["a.png", "album/a.png", "b.png", "raw/a.png"]


def test_a_part_that_is_left_out_of_its_folder_has_nothing(library, photos):
    (photos / ".cosmosignore").write_text("album/raw\n")
    assert library.add(photos, exclude=["b.png"]).added == 3
    for part in (photos / "album" / "raw", photos / "album"):
        assert library.add(part).added == 0
    library.add(photos, exclude=["album"])
    assert library.add(photos / "album").added == 0
    assert list_indexed(library, photos) == ["a.png", "b.png", "raw/a.png"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"b.png\n!\n", ", line 2: '!' is not a valid pattern"),
        (b"# [\r\n\r\n[z-a\r\n", ", line 3: '[z-a' is not a valid pattern"),
        (b"[z-a]", ", line 1: '[z-a]' is not a valid pattern"),
        (b"*.png\x0c\nraw/[x[:alpha:]]", ", line 2: 'raw/[x[:alpha:]]' is not a valid pattern"),
        (b"a\n/\n", ", line 2: '/' is not a valid pattern"),
        (b"a\\", ", line 1: 'a\\\\' is not a valid pattern"),
        ("b.png\n".encode("utf-16"), " is not a text in UTF-8; save it with this encoding"),
        ("猫.png\n".encode("utf-16-be"), " is not a text in UTF-8; save it with this encoding"),
        (b"\xff\xfe", " is not a text in UTF-8; save it with this encoding"),
        (b"x" * 1_000_001, " can't be read: it has more than 1,000,000 bytes"),
        (None, " can't be read: it is not a regular file"),
    ],
)
def test_a_file_that_cannot_be_read_keeps_things_as_they_are_and_is_named(library, photos, data, said):
    library.add(photos)
    paint(photos / "album" / "new.png", "blue")
    file = photos / "album" / ".cosmosignore"
    file.mkdir() if data is None else file.write_bytes(data)
    for folder, failed in ((photos, photos / "album"), (photos / "album" / "raw", photos / "album" / "raw")):
        report = library.add(folder)
        assert (report.added, report.removed) == (0, 0)
        assert [(f.path, f.reason) for f in report.failed] == [(failed, f"{file}{said}")]
    assert len(list_indexed(library, photos)) == 6


def test_a_file_of_a_windows_editor_is_read(library, photos):
    (photos / ".cosmosignore").write_bytes("# für später\r\nraw\r\n".encode("utf-8-sig"))
    library.add(photos)
    assert list_indexed(library, photos) == ["a.png", "album/a.png", "album/b.png", "b.png"]


def test_names_may_be_in_any_encoding(library, photos):
    odd = paint(photos / b"\xff\n.png".decode("utf-8", "surrogateescape"), "blue")
    (photos / ".cosmosignore").write_bytes(b"\xff?.png\nraw\xe9\n")
    assert library.add(photos).added == 6
    assert odd not in [picture.paths[0] for picture in library.browse()]
