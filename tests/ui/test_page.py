"""The page as a person meets it: the real server, the real encoder in the box, a real Chromium."""

import io
import json
import os
import shutil
import zipfile
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.keys import Keys

from tests.browser import chromium, needs_chromium, page, until
from tests.colour import paint
from tests.demo import SKIMAGE, link_photos, list_photos, make_index
from tests.ui.test_unauthenticated import status

pytestmark = [pytest.mark.slow, needs_chromium]

TWO = "A man with a camera. A tripod."
EVIL = "<img src=x onerror=document.title='hacked'> ![](http:evil) **b**.png"
READ_AGAIN = "www.evil.example a--b -> :streamlit: me@evil.example HTTP:evil.example.png"
PICTURES = Path(os.environ["PICTURES"]) if "PICTURES" in os.environ else None  # where `make pictures` wants them


@pytest.fixture(scope="module")
def site(tmp_path_factory, home):
    """Of all demo photos, and one whose name is HTML."""
    folder = tmp_path_factory.mktemp("site")
    photos = link_photos(folder / "photos", list_photos())
    paint(photos / EVIL.replace("/", ""), "red", (60, 40))
    paint(photos / READ_AGAIN, "blue", (60, 40))
    with page(make_index(folder / "index", photos), home) as address:
        yield address


@pytest.fixture
def look(site, browser):
    """The page, at its beginning."""
    browser.size(1280, 900)
    return browser.open(site)


def photograph(browser, tmp_path, name):
    """A photograph of the page, for the README if that is wanted."""
    path = browser.photograph(tmp_path / f"{name}.png")
    with Image.open(path) as shot:
        assert np.asarray(shot.convert("L")).std() > 10, "an empty page"
        if PICTURES is not None:
            shot.convert("RGB").save(PICTURES / f"{name}.jpg", quality=85)
    return path


def test_enter_searches_and_the_address_says_it(look, tmp_path):
    look.type("Search", TWO)
    assert look.cards(lambda names: "camera.png" in names[:1])
    assert look.parameters() == {"query": TWO}
    assert look.one(".card .score", "0.")
    assert look.one(".card .open").get_attribute("aria-label").startswith("camera.png, score 0.")
    assert len(look.all(".card:first-child .bar")) == len(look.all(".card:first-child .box")) == 2


def test_typing_alone_costs_nothing(look):
    before = look.cards()
    look.type("Search", "a cat", end="")
    assert look.names() == before
    assert look.parameters() == {}


def test_the_main_page_is_photographed(look, tmp_path):
    look.size(1280, 720)
    look.cards(lambda names: len(names) > 20)
    photograph(look, tmp_path, "page")


def test_the_evidence_of_a_picture_is_shown_and_photographed(look, tmp_path):
    look.type("Search", TWO)
    look.cards(lambda names: names[:1] == ["camera.png"])
    look.open_picture()
    look.detail("Why it matches")
    assert look.parameters()["picture"].isdigit()
    labels = ".plane .label"
    until(lambda: [look.text(label) for label in look.all(labels)] == ["A man with a camera", "A tripod"])
    look.detail("512 × 512 pixels")
    look.remove(".path code")  # this machine's
    look.size(1280, 720)
    photograph(look, tmp_path, "page-evidence")
    look.click(".panel .switch", "Heat map")
    heat = look.one(".plane .heat")
    assert heat.get_attribute("alt") == "Heat map of: A man with a camera"
    until(lambda: not look.shown(".plane .box"), "boxes are drawn over the heat map")
    look.click(".panel .switch", "Heat map")
    until(lambda: not look.all(".plane .heat"))


def test_a_heat_map_that_does_not_arrive_is_explained(look):
    def status():
        return look.text(look.one(".lightbox .status"))

    look.type("Search", "A tripod.")
    look.cards(lambda names: names[:1] == ["camera.png"])
    look.open_picture()
    look.detail("512 × 512 pixels")
    try:
        look.hold("*/heat*")
        look.click(".panel .switch", "Heat map")
        until(lambda: status() == "Computing the heat map …")
        look.click(".panel .switch", "Heat map")
        until(lambda: status() == "")
        look.offline(True)
        look.hold(None)
        look.click(".panel .switch", "Heat map")
        until(lambda: status() == "The server does not answer. Reload the page.")
        assert not look.one(".panel .switch input").is_selected()
    finally:
        look.hold(None)
        look.offline(False)


def test_the_map_is_photographed(look, site, tmp_path):
    look.size(1280, 720)
    look.open(site + "?view=explore")
    until(lambda: len(look.all(".thumb:not(.hidden)")) > 8, "no thumbnails on the map")
    photograph(look, tmp_path, "page-map")


def test_near_duplicates_are_shown_together(site, look, tmp_path, home):
    photos = link_photos(tmp_path / "photos")
    with Image.open(SKIMAGE / "coffee.png") as coffee:
        coffee.resize((450, 300)).save(photos / "smaller.jpg", quality=90)
    with page(make_index(tmp_path / "index", photos), home) as address:
        look.open(address + "?view=explore&explore=duplicates")
        assert sorted(look.cards()) == ["coffee.png", "smaller.jpg"]


def test_keys_open_move_and_close(look, site):
    look.open(site + "?query=a+cup+of+coffee&all=1")
    names = look.cards(lambda names: names[:1] == ["coffee.png"])
    look.one(".card .open").send_keys(Keys.ARROW_RIGHT)
    look.press(Keys.SPACE)
    look.says("1 selected")
    until(lambda: look.focused().get_attribute("aria-label").startswith(names[1]), "the focus is lost")
    look.press(Keys.SPACE)
    until(lambda: not look.all(".card.selected"))
    look.press(Keys.ENTER)
    until(lambda: look.text(look.one("dialog[open] .title")) == names[1])
    assert look.text(look.one(".count")).startswith("2 of ")
    look.press(Keys.ARROW_LEFT)
    until(lambda: look.one("dialog[open] .preview").get_attribute("alt") == "coffee.png")
    look.press(Keys.ESCAPE)
    until(lambda: not look.all("dialog[open]"))
    assert look.focused().get_attribute("aria-label").startswith("coffee.png")
    assert "picture" not in look.parameters()


def test_a_box_on_a_picture_finds_the_like_of_that_part(look):
    look.type("Search", "a cat")
    look.cards(lambda names: names[:1] == ["chelsea.png"])
    look.open_picture()
    look.click('[aria-label="Search for a part of the picture"]')
    look.drag(".plane", (0.2, 0.2), (0.7, 0.8))
    look.says("Similar to a part of this picture")
    until(lambda: not look.all("dialog[open]"), "the picture stays open")
    if not look.names():
        look.click("button", "Show the nearest matches")
    assert "chelsea.png" not in look.cards()
    box = [float(edge) for edge in look.parameters()["box"].split(",")]
    assert box == pytest.approx([0.2, 0.2, 0.7, 0.8], abs=0.02)
    look.click("button", "Remove")
    look.says("Newest pictures")


def test_more_like_this_goes_into_the_address(look):
    look.open_picture("chelsea.png")
    look.click('[aria-label="More like this"]')
    look.says("Similar to this picture")
    assert look.parameters().keys() == {"similar_to"}
    until(lambda: not look.all("dialog[open]"), "the picture stays open")


def test_a_thing_is_bound_to_a_place(look):
    look.click("button", "Refine")
    look.click('[role="tab"]', "Positions")
    look.drag(".canvas.blank", (0.3, 0.0), (0.9, 0.9))
    look.type("What should be there?", "a cup of coffee", end=Keys.TAB)
    look.click("button", "Add to search")
    assert "a cup of coffee @0.3,0,0.9,0.9" in look.parameters()["query"]
    assert look.cards(lambda names: names[:1] == ["coffee.png"])


def test_a_picture_of_ones_own_is_an_example_and_is_not_kept(look, home, tmp_path):
    with Image.open(SKIMAGE / "coffee.png") as coffee:
        coffee.resize((300, 200)).save(tmp_path / "mine.jpg")
    look.click("button", "Refine")
    look.click('[role="tab"]', "Your picture")
    look.one('input[type="file"]').send_keys(str(tmp_path / "mine.jpg"))
    look.says("Similar to your picture")
    assert look.cards(lambda names: names[:1] == ["coffee.png"])
    uploaded = (tmp_path / "mine.jpg").read_bytes()
    assert not [path for path in home.rglob("*") if path.is_file() and path.read_bytes() == uploaded]
    until(lambda: not look.shown('[role="tab"]'), "what Refine has opened covers the results")
    look.click("button", "Select a part")
    look.drag(".canvas.drawable", (0.3, 0.1), (0.9, 0.9))
    look.says("Similar to a part of your picture")
    until(lambda: not look.shown(".canvas.drawable"), "what was opened covers the results")
    look.click("button", "Remove")
    look.says("Newest pictures")
    if not look.shown('[role="tab"]', "Your picture"):
        look.click("button", "Refine")
        look.click('[role="tab"]', "Your picture")
    look.one('input[type="file"]').send_keys(str(tmp_path / "mine.jpg"))
    look.says("Similar to your picture")


def test_filters_go_into_the_address(look):
    look.click("button", "Filters")
    look.choose("Year", "2009 (1)")
    assert look.cards(lambda names: len(names) == 1) == ["chelsea.png"]
    assert look.parameters() == {"after": "2009", "before": "2010"}
    look.click("button", "Clear filters")
    assert len(look.cards(lambda names: len(names) > 1)) > 20


def test_back_and_forward_go_where_one_was(look):
    for query, name in (("a cat", "chelsea.png"), ("a motorcycle", "motorcycle_left.png")):
        look.type("Search", query)
        look.cards(lambda names, name=name: name in names)
    look.browser.back()
    assert "chelsea.png" in look.cards(lambda names: "motorcycle_left.png" not in names)
    assert look.one('input[aria-label="Search"]').get_attribute("value") == "a cat"
    look.browser.forward()
    look.cards(lambda names: "motorcycle_left.png" in names)


def test_an_address_can_be_shared(site, look, tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as other:
        other.open(site + "?query=a+cup+of+coffee&sort=date&all=1")
        assert "coffee.png" in other.cards()
        assert other.one('input[aria-label="Search"]').get_attribute("value") == "a cup of coffee"


def test_nothing_matches_is_an_answer(look):
    look.type("Search", "a zebra crossing")
    look.says("No matches.")
    assert not look.all(".card")
    look.click("button", "Show the nearest matches")
    assert look.cards()


def test_a_file_name_with_html_in_it_is_text(look):
    look.type("Search", "something red")
    look.open(look.browser.current_url + "&all=1")
    names = look.cards(lambda names: EVIL in names)
    assert names.count(EVIL) == 1
    look.open_picture(EVIL)
    assert look.text(look.one("dialog[open] .title")) == EVIL
    look.detail("Why it matches")
    assert look.browser.title == "cosmos-search"
    assert not look.all('img[src="x"]')
    assert not look.all('img[src*="evil"]')


def test_a_file_name_is_no_link_and_none_of_its_marks_are_replaced(look, site):
    look.open(site + "?query=something+blue&all=1")
    look.cards(lambda names: READ_AGAIN in names)
    look.open_picture(READ_AGAIN)
    assert look.text(look.one("dialog[open] .title")) == READ_AGAIN
    assert not look.all('a[href*="evil"]:not(.tool, .open)')


def tick(look, number=0):
    look.browser.execute_script("arguments[0].click()", look.all(".tick")[number])


def test_ticked_pictures_can_be_taken_away(look, tmp_path):
    look.downloads_into(tmp_path)
    look.type("Search", TWO)
    look.cards(lambda names: names[:1] == ["camera.png"])
    tick(look)
    look.says("1 selected")
    look.click("button", "Download ZIP")
    packed = until(lambda: next(tmp_path.glob("*.zip"), None), "no zip file")
    until(lambda: not list(tmp_path.glob("*.crdownload")))
    with zipfile.ZipFile(io.BytesIO(packed.read_bytes())) as archive:
        assert archive.read("camera.png") == (SKIMAGE / "camera.png").read_bytes()
    look.click("button", "List as JSON")
    listed = until(lambda: next(tmp_path.glob("*.json"), None), "no list")
    assert json.loads(listed.read_text())[0]["path"].endswith("camera.png")
    look.click("button", "Clear selection")
    until(lambda: not look.all(".card.selected"))
    tick(look)
    look.says("1 selected")
    look.click("button", "Clear selection")


def test_it_is_good_on_a_phone_and_in_the_dark(look, tmp_path):
    look.size(390, 844)
    look.dark(True)
    look.open(look.browser.current_url + "?query=a+cup+of+coffee&all=1")
    look.cards()
    assert max(node.rect["x"] + node.rect["width"] for node in look.all(".card")) <= 390
    assert look.browser.execute_script("return document.documentElement.scrollWidth") <= 390
    shot = Image.open(look.photograph(tmp_path / "phone.png")).convert("L")
    assert shot.getpixel((5, 5)) < 60
    look.dark(False)


def test_the_page_asks_nobody_else(look, site):
    look.requested()  # of other tests
    look.type("Search", TWO)
    look.cards(lambda names: names[:1] == ["camera.png"])
    look.open_picture()
    look.detail("Why it matches")
    asked = {urlparse(url).netloc for url in look.requested() if urlparse(url).scheme not in ("data", "blob", "chrome")}
    assert asked == {urlparse(site).netloc}


def test_nothing_but_the_page_is_served(site, browser):
    for path in (
        "../../etc/passwd",
        "media/../../../etc/passwd",
        "app/static/app.py",
        "component/x/../../../etc/passwd",
    ):
        browser.browser.get(site + path)
        assert "root:" not in browser.browser.page_source
        assert "set_page_config" not in browser.browser.page_source


def test_from_nothing_to_a_first_result_and_on(browser, home, tmp_path):
    """First run, live indexing, failed files, searching meanwhile, a deleted picture, forgetting a folder."""
    browser.size(1280, 900)
    photos = link_photos(tmp_path / "photos")
    (photos / "broken.jpg").write_bytes(b"no picture")
    with page(tmp_path / "index", home) as address:
        browser.open(address)
        browser.says("Find your pictures by their content")
        browser.click("summary", "Folder elsewhere")
        browser.type("Folder with pictures", str(photos))
        browser.says("Newest pictures")
        browser.click("button", "A cat.")
        browser.cards(lambda names: names[:1] == ["chelsea.png"])
        more = tmp_path / "more"
        paint(more / "red.png", "red", (1500, 1000))
        for i in range(3999):  # so many that indexing still runs when it is stopped
            (more / f"{i}.png").write_bytes((more / "red.png").read_bytes() + i.to_bytes(2))  # another fingerprint
        shutil.copy(SKIMAGE / "coins.png", more / "zzz.png")
        browser.click("button", "Library")
        browser.says("1 file could not be read")
        browser.says("Open one in another program")
        browser.click("summary", "Add a folder")
        browser.click("summary", "Folder elsewhere")
        browser.type("Folder with pictures", str(more), end="")
        browser.click('[data-testid="stFormSubmitButton"] button', "Index")
        browser.says("of 4,001 files")
        browser.click("button", "Search")
        browser.type("Search", "a cat")
        browser.cards(lambda names: names[:1] == ["chelsea.png"])
        browser.click("button", "Library")
        browser.click("button", "Stop")
        browser.says("Stopped; indexed so far")
        (photos / "chelsea.png").unlink()
        browser.open(address + "?query=a+cat")
        assert browser.cards() == ["chelsea.png"]
        browser.one(".gone", "Deleted or changed")
        browser.click("button", "Library")
        browser.click("button", "Remove")
        browser.click("button", "Remove from index")
        until(lambda: not browser.with_text("p", str(more)), "the folder is still there")


def test_a_page_with_a_token_opens_to_it_alone(browser, home, tmp_path, site):
    with page(make_index(tmp_path / "index", link_photos(tmp_path / "photos")), home, token="open sesame") as address:
        browser.open(address + "?query=a+cat")
        assert not browser.all(".card")
        assert status(address, "page/outline") == 403
        browser.type("Token", "open sesame")
        assert browser.cards() == ["chelsea.png"]
        until(lambda: browser.one(".card img").get_property("naturalWidth"), "the picture is refused")
        assert status(address, "page/outline") == 403
