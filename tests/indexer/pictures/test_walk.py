import os
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.pictures.walk import walk
from tests.rights import needs_refusals


def make(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(root):
    return [str(file.path.relative_to(root)) for directory in walk(root) for file in directory.files]


def test_pictures_are_found_by_name_in_every_directory_in_order(tmp_path):
    names = "b.jpg a/z.PNG a/b/y.webp a.tiff c.JPEG d.gif e.bmp f.avif".split()
    make(*(tmp_path / name for name in [*names, "notes.txt", "a/movie.mp4", "jpg", "a/b/.jpg"]))
    assert found(tmp_path) == ["a.tiff", "b.jpg", "c.JPEG", "d.gif", "e.bmp", "f.avif", "a/z.PNG", "a/b/y.webp"]


def test_hidden_things_are_left_out(tmp_path):
    make(tmp_path / ".hidden.jpg", tmp_path / "._twin.jpg", tmp_path / ".cache" / "a.jpg", tmp_path / "seen.jpg")
    assert found(tmp_path) == ["seen.jpg"]


@pytest.mark.parametrize(
    "name",
    [
        *"@eaDir #recycle #Snapshot @Recycle $RECYCLE.BIN RECYCLER .Trash-1000 lost+found FOUND.000".split(),
        *[".thumbnails", "System Volume Information", "Network Trash Folder"],
    ],
)
def test_what_systems_and_network_disks_keep_for_themselves_is_left_out(tmp_path, name):
    make(tmp_path / name / "a.jpg", tmp_path / "b" / name / "c" / "a.jpg", tmp_path / f"x{name}" / "seen.jpg")
    assert found(tmp_path) == [f"x{name}/seen.jpg"]
    if not name.startswith("."):
        assert found(tmp_path / name) == ["a.jpg"]  # named outright


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("thumbs", ["a.jpg", "raw/b.png", "raw/c.jpg"]),
        ("thumbs/", ["a.jpg", "raw/b.png", "raw/c.jpg"]),
        ("*.png", ["a.jpg", "raw/c.jpg", "thumbs/a.jpg"]),
        ("raw/*.jpg", ["a.jpg", "raw/b.png", "thumbs/a.jpg"]),
        ("[at]*", ["raw/b.png", "raw/c.jpg"]),
        ("THUMBS", ["a.jpg", "raw/b.png", "raw/c.jpg", "thumbs/a.jpg"]),
        ("humb", ["a.jpg", "raw/b.png", "raw/c.jpg", "thumbs/a.jpg"]),
        ("{root}/raw", ["a.jpg", "thumbs/a.jpg"]),
        ("/raw", ["a.jpg", "raw/b.png", "raw/c.jpg", "thumbs/a.jpg"]),
    ],
)
def test_a_pattern_matches_names_and_ends_of_paths(tmp_path, pattern, left):
    make(*(tmp_path / name for name in ["a.jpg", "thumbs/a.jpg", "raw/b.png", "raw/c.jpg"]))
    directories = walk(tmp_path, [pattern.format(root=tmp_path)])
    assert [str(file.path.relative_to(tmp_path)) for d in directories for file in d.files] == left


def test_a_loop_of_links_ends_and_real_directories_come_first(tmp_path):
    make(tmp_path / "z" / "a.jpg")
    (tmp_path / "a-link").symlink_to(tmp_path / "z")
    (tmp_path / "z" / "up").symlink_to(tmp_path)
    (tmp_path / "z" / "self").symlink_to(".")
    assert found(tmp_path) == ["z/a.jpg"]


def test_links_to_files_and_to_folders_elsewhere_are_followed(tmp_path):
    make(tmp_path / "elsewhere" / "a.jpg")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "there").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "one.jpg").symlink_to(tmp_path / "elsewhere" / "a.jpg")
    (tmp_path / "root" / "broken.jpg").symlink_to(tmp_path / "nothing")
    (tmp_path / "root" / "round.jpg").symlink_to("round.jpg")
    assert found(tmp_path / "root") == ["one.jpg", "there/a.jpg"]


def test_a_file_is_measured_when_it_is_found(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"12345")
    os.utime(tmp_path / "a.jpg", ns=(1, 2))
    ((file,),) = [directory.files for directory in walk(tmp_path)]
    assert (file.path, file.size_bytes, file.mtime_ns) == (tmp_path / "a.jpg", 5, 2)
    assert file.ctime_ns > 2


def test_what_is_named_like_a_picture_and_is_none_is_no_file(tmp_path):
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    assert found(tmp_path) == []


WALK_WITH = """
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

for package in ("pillow_heif", "rawpy"):
    sys.modules[package] = None
    if package in sys.argv[2:]:
        sys.modules[package] = ModuleType(package)
        sys.modules[package].__spec__ = ModuleSpec(package, None)

from indexer.pictures.walk import walk

(directory,) = walk(Path(sys.argv[1]))
print(*(file.path.name for file in directory.files), directory.n_needs_extra)
"""


@pytest.mark.parametrize(
    ("packages", "found_and_counted"),
    [
        (["pillow_heif", "rawpy"], "a.heic b.NEF c.jpg 0"),
        (["pillow_heif"], "a.heic c.jpg 1"),
        (["rawpy"], "b.NEF c.jpg 1"),
        ([], "c.jpg 2"),
    ],
)
def test_heic_and_raw_files_are_found_if_their_package_is_installed_and_counted_otherwise(
    tmp_path, packages, found_and_counted
):
    make(tmp_path / "a.heic", tmp_path / "b.NEF", tmp_path / "c.jpg")
    command = [sys.executable, "-c", WALK_WITH, str(tmp_path), *packages]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == found_and_counted


def test_undecodable_names_survive(tmp_path):
    name = os.fsdecode(b"\xff\xfe.jpg")
    make(tmp_path / name)
    assert found(tmp_path) == [name]


def test_a_very_deep_tree_is_no_trouble(tmp_path):
    (tmp_path / "top").mkdir()
    here = os.getcwd()  # noqa: PTH109
    os.chdir(tmp_path / "top")
    try:
        for _ in range(1100):  # deeper than Python recurses
            Path("d").mkdir()
            os.chdir("d")
        Path("deep.jpg").touch()
        last = list(walk(tmp_path))[-1]
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-rf", tmp_path / "top"], check=True)  # pytest's own cleaning does recurse
    assert len(last.files) == 1


def test_a_folder_that_is_gone_is_named(tmp_path):
    (directory,) = walk(tmp_path / "gone")
    assert "No such file" in directory.unreadable


@needs_refusals
def test_a_forbidden_folder_is_named_and_the_walk_goes_on(tmp_path):
    make(tmp_path / "a" / "a.jpg", tmp_path / "b" / "b.jpg")
    (tmp_path / "a").chmod(0)
    try:
        assert [(d.path.name, bool(d.unreadable)) for d in walk(tmp_path)][1:] == [("a", True), ("b", False)]
    finally:
        (tmp_path / "a").chmod(0o755)
