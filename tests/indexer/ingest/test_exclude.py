"""What --exclude names is left out of a folder, and stays out in later runs."""

import json

import pytest
from click.testing import CliRunner

from cosmos_search.cli.main import main
from cosmos_search.cli.output import format_info
from indexer.errors import UsageError
from tests.colour import paint


@pytest.fixture
def photos(tmp_path):
    for i, name in enumerate(["red.png", "thumbs/red.png", "album/red.png", "album/thumbs/red.png"]):
        paint(tmp_path / "photos" / name, "red", seed=i)
    return tmp_path / "photos"


def found(library, root):
    hits = library.search("red", 99, include_unlikely=True)
    return sorted(str(hit.path.relative_to(root)) for hit in hits)


def test_what_is_left_out_stays_out_until_it_is_said_anew(library, photos):
    assert library.add(photos, exclude=["thumbs"]).added == 2
    assert library.count_files() == 2
    assert library.count_files([photos, photos / "album", photos]) == 2
    for folders in ((), (photos,), (photos / "album",)):
        report = library.add(*folders)
        assert (report.added, report.removed) == (0, 0)
    assert found(library, photos) == ["album/red.png", "red.png"]
    assert library.add(exclude=["red.png"], forget_missing=False).removed == 2
    assert library.add(photos, exclude=[""]).added == 4
    assert library.info().folders[0].exclude == ()


def test_what_becomes_excluded_is_gone_and_not_lost(library, photos):
    for i in range(60):
        paint(photos / "album" / f"{i}.png", "red", seed=100 + i)
    library.add(photos)
    report = library.add(photos, exclude=["album"])
    assert (report.removed, report.kept, report.warnings) == (62, 2, [])
    assert found(library, photos) == ["red.png", "thumbs/red.png"]
    report = library.add(photos, exclude=["*"])
    assert (report.removed, report.kept, report.warnings) == (2, 0, [])


def test_what_is_in_the_trash_is_gone(library, photos):
    for i in range(30):
        paint(photos / "#recycle" / "old" / f"{i}.png", "red", seed=100 + i)
    assert library.add(photos / "#recycle").added == 30  # named outright
    report = library.add(photos)
    assert (report.added, report.removed, report.warnings) == (4, 30, [])
    (photos / "thumbs").rename(photos / "#recycle" / "thumbs")
    report = library.add(photos)
    assert (report.kept, report.removed, report.warnings) == (3, 1, [])


def test_each_folder_has_its_own_patterns_and_a_folder_around_it_takes_them_over(library, photos, tmp_path):
    other = paint(tmp_path / "other" / "thumbs" / "red.png", "red", seed=9).parent.parent
    library.add(photos, exclude=["thumbs", "x*"])
    library.add(other)
    assert {f.path: f.exclude for f in library.info().folders} == {photos: ("thumbs", "x*"), other: ()}
    assert "thumbs, x*" in format_info(library.info())
    assert [f.get("exclude") for f in library.info().to_dict()["folders"]] == [None, ["thumbs", "x*"]]
    assert library.add(tmp_path).added == 0
    assert [(f.path, f.exclude) for f in library.info().folders] == [(tmp_path, ("thumbs", "x*"))]


@pytest.mark.parametrize("pattern", [".", "a\0b", "[z-a]", "raw/[9-0]*"])
def test_a_pattern_that_can_match_nothing_is_refused(library, photos, pattern):
    with pytest.raises(UsageError, match="matches nothing"):
        library.add(photos, exclude=[pattern])
    with pytest.raises(UsageError):
        library.add(photos, exclude=["fine", pattern])


@pytest.mark.parametrize("pattern", ["[z-a", "raw/[", "[0-9]/[", "a[b/c]"])
def test_a_bracket_that_is_not_closed_is_refused(library, photos, pattern):
    with pytest.raises(UsageError, match=r"its \[ has no \]"):
        library.add(photos, exclude=["fine", pattern])
    assert not library.exists() or library.info().folders == []


def test_brackets_that_are_closed_are_sets(library, photos):
    paint(photos / "[a.png", "red", seed=9)
    library.add(photos, exclude=["[[]*", "[!a-z]x", "[]]", "[a-]", "[[x]y"])
    assert "[a.png" not in [picture.paths[0].name for picture in library.browse()]


def test_a_pattern_may_be_in_any_encoding(library, photos):
    odd = b"\xff\xfe*".decode("utf-8", "surrogateescape")
    library.add(photos, exclude=[odd])
    assert library.info().folders[0].exclude == (odd,)
    format_info(library.info()).encode()


def test_the_command_takes_patterns_and_forgets_on_request(photos, tmp_path):
    def index(*words):
        done = CliRunner().invoke(main, ["index", *map(str, words), "--index", str(tmp_path / "index"), "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    assert index(photos, "--exclude", "thumbs", "--exclude", "album", "--regions", "none")["added"] == 1
    assert index()["kept"] == 1
    assert index("--exclude", "")["added"] == 3
    for path in photos.rglob("*.png"):
        path.unlink()
    paint(photos / "new.png", "blue")
    summary = index(photos)
    assert (summary["removed"], len(summary["warnings"])) == (0, 1)
    assert index("--forget-missing", photos)["removed"] == 4
