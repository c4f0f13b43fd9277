import os
from time import monotonic

import pytest

from indexer.ingest.errors import FolderError
from indexer.pictures.walk import walk
from tests.rights import needs_refusals
from ui.files.folders import MAX_SUBFOLDERS, check_choosable, find_home, find_start, list_folder


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home" / "ann"
    for name in ("Pictures/2020", "Pictures/2021/May", "Documents", ".ssh"):
        (folder / name).mkdir(parents=True)
    return folder


def touch(folder, *names):
    for name in names:
        (folder / name).touch()


def names(listing):
    return [one.name for one in listing.subfolders]


def test_folders_are_listed_by_name_with_the_pictures_in_them_and_below(home):
    touch(home / "Pictures", "a.jpg", "notes.txt", ".hidden.jpg")
    touch(home / "Pictures" / "2021", "b.PNG")
    touch(home / "Pictures" / "2021" / "May", "c.tif", "d.webp")
    listing = list_folder(home / "Pictures", home)
    assert names(listing) == ["2020", "2021"]
    assert [one.count.n_pictures for one in listing.subfolders] == [0, 3]
    assert (listing.count.n_pictures, listing.count.is_complete) == (4, True)
    assert listing.crumbs == (home, home / "Pictures")


def test_what_an_ignore_file_leaves_out_is_not_counted(home):
    pictures = home / "Pictures"
    touch(pictures, "a.jpg", "a.png", "b.tif")
    touch(pictures / "2020", "c.png", "d.jpg")
    touch(pictures / "2021" / "May", "e.jpg", "f.jpg")
    (pictures / ".cosmosignore").write_text("*.png\n/2021/\n")
    (pictures / "2020" / ".cosmosignore").write_text("!c.png\nd.*\n")
    listing = list_folder(pictures, home)
    assert [(one.name, one.count.n_pictures, one.is_ignored) for one in listing.subfolders] == [
        ("2020", 1, False),
        ("2021", 0, True),
    ]
    walked = [file.path.name for directory in walk(pictures) for file in directory.files]
    assert listing.count.n_pictures == len(walked) == 3
    assert list_folder(home, home).count.n_pictures == 3
    assert list_folder(pictures / "2021", home).count.n_pictures == 2  # as a folder of its own


def test_a_linked_folder_is_ignored_by_the_name_of_the_link(home):
    touch(home / "Documents", "scan.jpg")
    (home / "Pictures" / "scans").symlink_to(home / "Documents")
    (home / "Pictures" / ".cosmosignore").write_text("scans/\n")
    assert [one.name for one in list_folder(home / "Pictures", home).subfolders if one.is_ignored] == ["scans"]


def test_an_invalid_ignore_file_is_a_problem_of_its_folder_alone(home):
    touch(home / "Pictures", "a.jpg")
    touch(home / "Pictures" / "2020", "b.jpg")
    touch(home / "Documents", "c.jpg")
    (home / "Pictures" / ".cosmosignore").write_text("*.png\n!\n")
    listing = list_folder(home / "Pictures", home)
    assert listing.problem is not None
    assert "line 2" in listing.problem
    assert listing.count.n_pictures == 0
    assert list_folder(home / "Pictures" / "2020", home).count.n_pictures == 1
    assert list_folder(home, home).count.n_pictures == 1


def test_hidden_folders_and_those_of_the_system_are_not_listed(home):
    (home / "@eaDir").mkdir()
    assert names(list_folder(home, home)) == ["Documents", "Pictures"]


def test_nothing_outside_the_home_folder_can_be_listed(home, tmp_path):
    (tmp_path / "home" / "annabel").mkdir()  # begins with the name of the home folder
    outside = (home.parent, tmp_path, home / "..", home / "Pictures/../..", tmp_path / "home" / "annabel")
    for path in (*outside, home / ".ssh", home / "Pictures/../.ssh", home / "nothing"):
        with pytest.raises(FolderError):
            list_folder(path, home)
    assert check_choosable(home / "Pictures" / ".." / "Documents", home) == home / "Documents"


def test_links_are_followed_only_where_they_stay_in_the_home_folder(home, tmp_path):
    (tmp_path / "disk").mkdir()
    for name, target in {"out": tmp_path / "disk", "up": home.parent, "secret": home / ".ssh", "in": home / "Pictures",
                         "loop": home / "loop", "gone": home / "nothing"}.items():  # fmt: skip
        (home / name).symlink_to(target)
    listing = list_folder(home, home)
    assert names(listing) == ["Documents", "in", "Pictures"]
    assert listing.subfolders[1].path == home / "Pictures"
    for name in ("out", "up", "secret"):
        with pytest.raises(FolderError):
            list_folder(home / name, home)


def test_a_link_to_a_folder_above_it_does_not_count_pictures_twice(home):
    touch(home / "Pictures" / "2020", "a.jpg")
    (home / "Pictures" / "2020" / "again").symlink_to(home / "Pictures")
    assert list_folder(home, home).count.n_pictures == 1


def test_a_home_folder_that_is_a_link_is_one_all_the_same(home, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(home)
    assert names(list_folder(link / "Pictures", link)) == ["2020", "2021"]


@needs_refusals
def test_a_folder_that_cannot_be_read_is_listed_but_cannot_be_opened(home):
    (home / "Documents").chmod(0)
    try:
        first = list_folder(home, home).subfolders[0]
        assert (first.name, first.is_readable) == ("Documents", False)
        with pytest.raises(FolderError, match="can't be opened"):
            list_folder(home / "Documents", home)
    finally:
        (home / "Documents").chmod(0o700)


@needs_refusals
def test_a_folder_below_one_that_cannot_be_entered_is_refused(home):
    (home / "Pictures").chmod(0)
    try:
        with pytest.raises(FolderError):
            check_choosable(home / "Pictures" / "2020", home)
    finally:
        (home / "Pictures").chmod(0o700)


def test_without_a_home_folder_there_is_nothing_to_choose(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "nothing"))
    assert find_home() == tmp_path / "nothing"
    with pytest.raises(FolderError):
        list_folder(find_home(), find_home())


def test_a_folder_whose_name_is_no_text_can_be_opened(home):
    folder = home / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    touch(folder, os.fsdecode(b"\xff.jpg"))
    found = next(one for one in list_folder(home, home).subfolders if one.path == folder)
    assert found.count.n_pictures == 1
    assert list_folder(found.path, home).crumbs[-1] == folder


def test_counting_ends_when_time_is_up(home):
    many = home / "Pictures" / "many"
    for i in range(50):
        (many / str(i)).mkdir(parents=True)
        touch(many / str(i), *(f"{j}.jpg" for j in range(100)))
    started = monotonic()
    listing = list_folder(home, home, seconds=0.001)
    assert monotonic() - started < 0.3
    assert not listing.count.is_complete
    assert listing.count.n_pictures < 5000
    assert list_folder(home, home, seconds=60).count.n_pictures == 5000


def test_only_so_many_folders_are_listed(home):
    for i in range(MAX_SUBFOLDERS + 3):
        (home / "Documents" / f"{i:04}").mkdir()
    listing = list_folder(home / "Documents", home)
    assert (len(listing.subfolders), listing.n_not_shown, listing.count.is_complete) == (MAX_SUBFOLDERS, 3, False)


def test_the_first_folder_is_that_for_pictures_if_the_system_has_one(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_PICTURES_DIR", str(home / "Pictures"))
    assert find_start(home) == home / "Pictures"
    for elsewhere in (tmp_path, home / "nothing"):
        monkeypatch.setenv("XDG_PICTURES_DIR", str(elsewhere))
        assert find_start(home) == home
