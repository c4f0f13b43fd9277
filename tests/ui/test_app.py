"""The page's logic, run without a browser: its state is in the address, so an address is all that a test needs."""

import json
import os
import re
from pathlib import Path

import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

import cosmos_search
from cosmos_search.encoders.mini.encoder import MiniEncoder
from cosmos_search.service.indexing import IndexingJob
from tests.demo import link_photos, make_home, make_index
from tests.rights import needs_refusals
from ui.session.login import shared_login
from ui.session.shared import shared_resources
from ui.settings import APP, TOKEN

CUP = "a cup of coffee"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Of five photos: astronaut, chelsea (a cat), coffee, motorcycle, rocket."""
    folder = tmp_path_factory.mktemp("app")
    return make_index(folder / "index", link_photos(folder / "photos"))


@pytest.fixture
def index(made, tmp_path, monkeypatch):
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(made))
    monkeypatch.setenv("XDG_CACHE_HOME", str(make_home(tmp_path) / "cache"))
    _forget_all()
    yield made
    _forget_all()


def _forget_all():
    """As if the process had just begun."""
    st.cache_resource.clear()
    shared_login.cache_clear()


def page(**address):
    test = AppTest.from_file(str(APP), default_timeout=30)
    for name, value in address.items():
        test.query_params[name] = str(value)
    return test.run()


def id_of(index, name):
    """The id of the picture whose file has this name, without its suffix."""
    with cosmos_search.open(index) as library:
        return next(picture.id for picture in library.browse() if picture.paths[0].stem == name)


def said(test):
    assert not test.exception, [one.value for one in test.exception]
    kinds = (test.markdown, test.info, test.error, test.warning, test.header, test.caption, test.success)
    return " ".join(one.value for kind in kinds for one in kind)


def unescape(markdown):
    """The text without what `escape_markdown` adds."""
    return markdown.replace("\\", "").replace("\u2060", "")


def address(test):
    return {name: values[0] if isinstance(values, list) else values for name, values in test.query_params.items()}


def test_without_a_query_the_newest_are_shown(index):
    assert "Newest pictures" in said(page())


def test_a_query_goes_into_the_address_and_is_answered(index):
    test = page()
    test.text_input(key="query").set_value(CUP).run()
    assert address(test) == {"query": CUP}
    assert "Best matches" in said(test)


def test_an_address_alone_brings_back_the_whole_page(index):
    test = page(query=CUP, sort="date", where="0", orientation="landscape")
    assert test.text_input(key="query").value == CUP
    assert not test.toggle(key="where").value
    assert test.selectbox(key="filter_orientation").value == "landscape"


def test_filters_are_counted_and_go_into_the_address(index):
    test = page()
    choice = test.selectbox(key="filter_orientation")
    assert choice.options == ["Any", "landscape (4)", "square (1)"]
    choice.set_value("landscape").run()
    assert address(test) == {"orientation": "landscape"}
    assert "4 pictures match" in said(test)


def test_a_year_is_a_date_and_the_next(index):
    test = page()
    test.selectbox(key="year").set_value("2009").run()
    assert address(test) == {"after": "2009", "before": "2010"}
    assert "1 picture matches" in said(test)


def test_nothing_matches_is_an_answer_and_the_nearest_are_a_click_away(index):
    test = page(query="a zebra crossing")
    assert "No matches" in said(test)
    next(button for button in test.button if "nearest" in button.label).click().run()
    assert address(test) == {"query": "a zebra crossing", "all": "1"}
    assert "Nearest" in said(test)


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        ({"camera": "X100"}, "“Camera: X100”; there are: PENTAX K100D Super (1)"),
        ({"after": "2031", "before": "2032"}, "“From: 2031”; there are: "),
        ({"folder": "/nothing"}, "“Folder: /nothing”; there are: /"),
        ({"orientation": "square", "camera": "pentax"},
         "“Camera: pentax” (1 picture passes it alone) and “Orientation: square” (1 picture passes it alone)."),
        ({"min_size": "99MP"}, "“At least: 99MP”."),
    ],
)  # fmt: skip
def test_the_filter_that_no_picture_passes_is_named(index, filters, reason):
    for query in ("", CUP):
        text = unescape(said(page(query=query, **filters)))
        assert f"0 of 5 pictures pass {reason}" in text
        assert "No matches" not in text


def test_where_no_text_was_read_the_page_says_so_and_how_to_read_it(index):
    text = unescape(said(page(query="text:exit")))
    assert "0 of 5 pictures pass text:exit." in text
    assert "No text in the pictures was read yet" in text
    assert "**Read text in pictures** in the **Library** view" in text
    assert "read yet" not in said(page(query="text:png")) + said(page(query="-text:photos"))


def test_texts_alone_may_be_excluded(index):
    test = page(query="-text:chelsea")
    names = [Path(card["name"]).stem for card in sent_grid(test)["cards"]]
    assert sorted(names) == ["astronaut", "coffee", "motorcycle_left", "rocket"]
    assert "Newest pictures" in said(test)
    assert "4 pictures match" in said(test)
    assert "0 of 5 pictures pass -text:photos." in unescape(said(page(query="-text:photos")))
    assert "must be followed" in unescape(said(page(query='-text:""')))


def test_a_date_that_cannot_be_read_is_said(index):
    assert "someday" in page(after="someday").error[0].value


def test_a_query_that_cannot_be_read_is_said(index):
    test = page(query='a "dog')
    assert "This quote is not closed" in test.error[0].value
    assert "dog" in test.error[0].value
    assert "^" not in test.error[0].value


def test_words_are_added_and_excluded(index):
    test = page(query=CUP)
    test.text_input(key="word").set_value("people")
    next(button for button in test.button if button.label == "Exclude").click().run()
    assert address(test) == {"query": CUP + " - people"}
    assert test.text_input(key="word").value == ""


def sent_grid(test):
    """What is sent to the browser for the grid."""
    sent = [json.loads(one.proto.json) for one in test.get("bidi_component")]
    return next(data for data in sent if "outline" in data)


def test_the_first_pictures_are_sent_with_the_page_and_no_bytes_of_them(index):
    grid = sent_grid(page(query=CUP, picture=id_of(index, "coffee"), all=1))
    assert grid["picture"] == id_of(index, "coffee")
    assert grid["address"] == "query=a+cup+of+coffee&all=1"
    assert (grid["n"], grid["is_complete"], len(grid["outline"]["ids"])) == (5, True, 5)
    assert grid["cards"][0]["name"] == "coffee.png"
    assert grid["cards"][0]["parts"][0]["text"] == CUP
    assert "data:" not in json.dumps(grid)


def test_pictures_in_the_order_of_their_dates_have_months(index):
    assert sent_grid(page())["outline"]["months"] == [["2009-02", 1], ["", 4]]
    assert sent_grid(page(query=CUP, all=1))["outline"]["months"] == []
    assert sent_grid(page(query=CUP, all=1, sort="date"))["outline"]["months"] == [["2009-02", 1], ["", 4]]


def test_a_picture_that_is_not_indexed_is_no_crash(index):
    assert "Newest pictures" in said(page(picture=99))  # the grid asks for it, and says so
    assert "example picture is not indexed any more" in said(page(similar_to=99))


def test_a_picture_deleted_since_is_no_crash(tmp_path, index, monkeypatch):
    photos = link_photos(tmp_path / "photos")
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(make_index(tmp_path / "index", photos)))
    for path in photos.iterdir():
        path.unlink()
    assert "Best matches" in said(page(query=CUP))
    assert "can't be used" in said(page(similar_to=id_of(index, "coffee"))).replace("\\", "")


def test_a_folder_whose_name_is_no_text_hides_nothing(tmp_path, index, monkeypatch):
    link_photos(tmp_path / "photos")
    link_photos(Path(os.fsdecode(os.fsencode(tmp_path / "photos") + b"/caf\xe9")), ("coins.png",))
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(make_index(tmp_path / "index", tmp_path / "photos")))
    test = page()
    assert "Newest pictures" in said(test)
    assert test.selectbox(key="filter_folder").options == ["Any", f"{tmp_path / 'photos'} (6)"]


@needs_refusals
def test_a_picture_in_a_folder_that_may_not_be_looked_into_is_no_crash(tmp_path, index, monkeypatch):
    photos = link_photos(tmp_path / "photos")
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(make_index(tmp_path / "index", photos)))
    photos.chmod(0)
    try:
        assert "Best matches" in said(page(query=CUP))
    finally:
        photos.chmod(0o700)


@pytest.mark.parametrize(
    ("invalid", "named"),
    [
        ({"after": "\u00b2"}, "\u00b2"),
        ({"min_size": "9" * 30 + "MP"}, "9" * 30),
        ({"near": "1"}, "latitude"),
        ({"after": "2024", "before": "2023"}, "2023"),
    ],
    ids=["after", "min_size", "near", "after and before"],
)
def test_an_invalid_filter_is_one_sentence_that_names_it_and_no_results(invalid, named, index):
    test = page(**invalid)
    assert "Newest pictures" not in said(test)
    (error,) = test.error
    assert named in error.value
    assert "\n" not in error.value
    assert "cosmos\\-search" not in error.value


@pytest.mark.parametrize(
    "odd",
    [{"picture": "../../etc/passwd"}, {"similar_to": "/etc/passwd"}, {"view": "%00"}, {"page": "9" * 30}],
    ids=str,
)
def test_an_address_never_reaches_the_disk(odd, index):
    assert "Newest pictures" in said(page(**odd))


def test_a_search_begins_in_every_view(index):
    test = page(view="library")
    test.text_input(key="query").set_value(CUP).run()
    assert address(test) == {"query": CUP}
    assert "Best matches" in said(test)


def test_an_index_of_one_picture_is_described_in_the_singular(index, tmp_path, monkeypatch):
    photos = link_photos(tmp_path / "photos", ["coffee.png"])
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(make_index(tmp_path / "index", photos)))
    text = said(page(view="library"))
    assert "1 file" in text
    assert "1 picture" in text
    text += said(page(view="explore", explore="duplicates")) + said(page(min_size="100x100"))
    assert not re.search(r"(?<![\d,.])1 (pictures|files)", text), text


def button(test, label):
    return next(one for one in test.button if one.label == label)


def test_ticked_pictures_become_an_album_that_is_opened_and_deleted(index, tmp_path, monkeypatch):
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(make_index(tmp_path / "index", link_photos(tmp_path / "photos"))))
    assert "There are no albums yet" in said(page(view="albums"))
    with cosmos_search.open(tmp_path / "index") as library:
        library.add_to_album("Trip", [])  # in a browser, a new name can be entered
    test = page()
    test.session_state["selected"] = sent_grid(test)["outline"]["ids"][:2]
    test.run()
    test.selectbox(key="album_name").set_value("Trip").run()
    test.button(key="add_to_album").click().run()
    assert not test.session_state["selected"]
    test = page(view="albums")
    assert "**Trip**  \n2 pictures" in said(test)
    button(test, "Open").click().run()
    assert (address(test), sent_grid(test)["n"]) == ({"album": "1"}, 2)
    assert "**Trip**" in said(test)
    button(test, "All pictures").click().run()
    assert sent_grid(test)["n"] == 5
    test = page(view="albums")
    button(test, "Delete album").click().run()
    assert "There are no albums yet" in said(test)


def test_a_search_is_saved_and_opened_again(index, tmp_path, monkeypatch):
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(make_index(tmp_path / "index", link_photos(tmp_path / "photos"))))
    test = page(query=CUP, orientation="landscape", all=1)
    test.text_input(key="search_name").set_value("Cups")
    button(test, "Save search").click().run()
    assert "Saved" in " ".join(one.value for one in test.success)
    test = page(view="albums")
    assert "**Cups**  \nsaved search" in said(test)
    button(test, "Open").click().run()
    assert address(test) == {"query": CUP, "orientation": "landscape", "all": "1"}


def test_an_album_that_was_deleted_is_no_crash(index):
    assert "This album has no pictures" in said(page(album=99))


def test_an_empty_index_leads_to_a_first_result(index, tmp_path, monkeypatch):
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(tmp_path / "nothing"))
    assert "Find your pictures by their content" in said(page(query=CUP))
    assert not (tmp_path / "nothing").exists()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder with two folders of photos, and no index yet."""
    folder = tmp_path / "person"
    link_photos(folder / "Pictures" / "Trip")
    (folder / "Pictures" / os.fsdecode(b"caf\xe9")).mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(tmp_path / "new"))
    return folder


def sent_folders(test):
    sent = [json.loads(one.proto.json) for one in test.get("bidi_component")]
    return next(data for data in sent if "crumbs" in data)


def test_the_start_page_lists_folders_and_models_with_their_sizes(index, home):
    test = page()
    sent = sent_folders(test)
    assert sent["crumbs"] == ["Home folder", "Pictures"]
    assert [(one["name"], one["count"]) for one in sent["folders"]] == [("caf?", "no pictures"), ("Trip", "5 pictures")]
    assert sent["status"] == "In this folder: 5 pictures, 2 folders"
    models = test.selectbox(key="first_model").options
    assert models[0] == "cosmos-mini — English, small, fast — built in"
    assert all(re.search(r"built in|installed, |[\d.]+ [GM]B to download|size not known", one) for one in models)
    assert button(test, "Index Pictures").disabled is False


def test_the_chooser_says_what_an_ignore_file_leaves_out_and_what_is_wrong_with_it(index, home):
    rules = home / "Pictures" / ".cosmosignore"
    rules.write_text("/Trip/\n")
    sent = sent_folders(page())
    assert {one["name"]: one["count"] for one in sent["folders"]}["Trip"] == "left out by .cosmosignore"
    assert sent["status"] == "In this folder: no pictures, 2 folders"
    rules.write_text("!\n")
    assert sent_folders(page())["status"].startswith(f"No pictures here can be indexed: {rules}, line 1")


def test_the_chosen_folder_is_indexed_with_the_chosen_model(index, home):
    test = page()
    test.selectbox(key="first_model").set_value("cosmos-mini-conse")
    press(test, "Index Pictures")
    wait_for_indexing()
    shared = shared_resources()
    assert shared.indexing.job.error is None
    assert shared.library.info().encoder.name == "cosmos-mini-conse"
    assert [folder.path for folder in shared.library.info().folders] == [home / "Pictures"]
    assert "Best matches" in said(page(query=CUP))


def test_a_first_run_without_a_picture_that_can_be_read_says_so_and_can_be_repeated(index, home):
    (home / "Pictures" / "Trip").rename(home / "Trip")
    (home / "Pictures" / "empty.jpg").touch()
    test = page()
    press(test, "Index Pictures")
    wait_for_indexing()
    text = said(test.run())
    assert "Find your pictures by their content" in text
    assert "**Empty files: 1**" in text
    (home / "Trip").rename(home / "Pictures" / "Trip")
    test.selectbox(key="first_model").set_value("cosmos-mini-conse")
    press(test, "Index Pictures")
    wait_for_indexing()
    assert shared_resources().indexing.job.error is None
    assert shared_resources().library.n_pictures() == 5


def test_files_that_failed_are_a_click_away_after_indexing(index, home):
    (home / "Pictures" / "empty.jpg").touch()
    press(page(), "Index Pictures")
    wait_for_indexing()
    test = page()
    assert "1 file could not be read. What to do" in [one.label for one in test.button]
    button(test, "1 file could not be read. What to do").click().run()
    assert address(test) == {"view": "library"}
    assert "**Empty files: 1**" in said(test)
    assert "What to do" not in str([one.label for one in test.run().button])


def test_a_home_folder_that_cannot_be_read_leaves_the_field_for_a_path(index, home, monkeypatch):
    monkeypatch.setenv("HOME", str(home / "nothing"))
    test = page()
    assert "Find your pictures by their content" in said(test)
    test.text_input(key="folder_to_add").set_value(str(home / "Pictures"))
    press(test, "Index")
    wait_for_indexing()
    assert shared_resources().library.n_pictures() == 5


def test_a_folder_that_was_deleted_since_it_was_listed_is_said(index, home):
    test = page()
    (home / "Pictures").rename(home / "Photos")
    press(test, "Index Pictures")
    assert "is not there any more" in test.error[0].value
    assert sent_folders(test)["crumbs"] == ["Home folder"]


def test_text_in_pictures_is_read_by_a_switch_and_after_each_indexing(index, home):
    pytest.importorskip("rapidocr")
    shared = shared_resources()
    shared.library.add(home / "Pictures")
    test = page(view="library")
    assert "5 pictures were not read yet: this takes about" in said(test)
    test.toggle(key="reads_texts").set_value(True).run()
    wait_for_indexing()
    assert "Text was read in 5 pictures" in said(test.run())
    assert "All pictures were read" in said(test)
    Image.new("RGB", (40, 40)).save(home / "Pictures" / "new.png")
    press(test, "Check for changes")
    wait_for_indexing()
    text = said(test.run())
    assert "1 added" in text
    assert "Text was read in 1 picture:" in text
    test.toggle(key="reads_texts").set_value(False).run()
    assert not shared.indexing.reads_texts


@pytest.mark.parametrize(
    "folder", ["/nowhere/at/all", "~nobody-of-that-name/photos", "/" + 300 * "x", "\0", "", ".", "photos", ".."]
)
def test_a_folder_that_is_not_there_is_said(folder, index):
    test = page(view="library")
    test.text_input(key="folder_to_add").set_value(folder)
    next(button for button in test.button if button.label == "Index").click().run()
    assert not test.exception
    assert "folder" in test.error[0].value


def test_a_page_with_a_token_shows_nothing_to_those_who_do_not_know_it(index, monkeypatch):
    monkeypatch.setenv(TOKEN, "open sesame")
    test = page(query=CUP)
    assert "Best matches" not in said(test)
    test.text_input[0].set_value("open barley")
    test.button[0].click().run()
    assert "Wrong token" in said(test)
    test.text_input[0].set_value("open sesame")
    test.button[0].click().run()
    assert "Best matches" in said(test)


@pytest.mark.parametrize("later", ["", "another", None])
def test_the_token_is_read_once(later, index, monkeypatch):
    monkeypatch.setenv(TOKEN, "open sesame")
    page()
    assert TOKEN not in os.environ
    if later is not None:
        monkeypatch.setenv(TOKEN, later)
    test = page()
    assert "Newest pictures" not in said(test)
    test.text_input[0].set_value("open sesame")
    assert "Newest pictures" in said(test.button[0].click().run())


def test_copies_are_shown_in_groups_with_the_best_one(index, tmp_path, monkeypatch):
    photos = link_photos(tmp_path / "photos")
    assert "No copies among 5 pictures" in said(page(view="explore", explore="duplicates"))
    with Image.open(photos / "coffee.png") as coffee:
        coffee.resize((300, 200)).save(photos / "smaller.png")
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(make_index(tmp_path / "index", photos)))
    text = said(page(view="explore", explore="duplicates"))
    assert "**Group 1** · 2 files · best: more pixels" in text
    assert "list the **1 other**" in text
    assert "Nothing is ever deleted" in text
    assert "No bursts among 6 pictures" in said(page(view="explore", explore="duplicates", kind="burst"))


def press(test, label):
    return next(button for button in test.button if button.label == label).click().run()


def wait_for_indexing():
    shared_resources().indexing.job.wait()


def test_an_index_of_an_earlier_encoder_is_named_and_made_again_from_the_page(index, tmp_path, monkeypatch):
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(tmp_path / "earlier"))
    earlier = MiniEncoder(trained=None, name="cosmos-mini")
    with cosmos_search.open(tmp_path / "earlier", encoder=earlier) as library:
        library.add(link_photos(tmp_path / "photos"))
    wanted = (
        "This index was made with another version of cosmos\\-mini\\. Embed all pictures again: **Change encoder** in "
        "the **Library** view."
    )
    for address in ({"query": CUP}, {"view": "library"}):
        assert [one.value for one in page(**address).error] == [wanted]
    assert "Newest pictures" in said(page())
    test = page(view="library")
    assert test.selectbox(key="encoder").value == "cosmos-mini"
    press(test, "Change encoder")
    wait_for_indexing()
    assert "Best matches" in said(page(query=CUP))


def test_the_encoder_is_changed_from_the_page_and_the_old_one_answers_until_then(index, tmp_path, monkeypatch):
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(make_index(tmp_path / "index", link_photos(tmp_path / "photos"))))
    shared = shared_resources()
    stopped = IndexingJob(shared.library, (), "cosmos-mini-conse")
    stopped.stop()
    stopped.start()
    stopped.wait()
    assert stopped.report.is_stopped
    assert "Encoder of this index: **cosmos\\-mini** " in said(page(view="library"))
    assert "Best matches" in said(page(query=CUP))
    test = page(view="library")
    assert test.selectbox(key="encoder").options == ["cosmos-mini-conse — English, to compare — built in"]
    press(test, "Change encoder")
    wait_for_indexing()
    assert shared.indexing.job.error is None
    assert "Encoder of this index: **cosmos\\-mini\\-conse** " in said(page(view="library"))
    assert shared.library.encoder.name == "cosmos-mini-conse"
    assert "Best matches" in said(page(query=CUP))
