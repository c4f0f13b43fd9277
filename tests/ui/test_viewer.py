"""The grid and the full view of a picture in a real Chromium: many pictures, keys, touch, albums, accessibility."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.keys import Keys

from benchmarks.data.synthetic_index import fill_index
from indexer.store.records import EncoderRecord
from tests.browser import needs_chromium, page, until
from tests.colour import dated
from tests.demo import SKIMAGE, link_photos, make_index

pytestmark = [pytest.mark.slow, needs_chromium]

MANY = 10_000
CUP = "?query=a+cup+of+coffee&all=1"
MAIN = "document.querySelector('[data-testid=\"stMain\"]')"


@pytest.fixture(scope="module")
def site(tmp_path_factory, home):
    """Of photos, one of 12 megapixels, a TIFF, and thirty with dates."""
    folder = tmp_path_factory.mktemp("site")
    photos = link_photos(folder / "photos")
    with Image.open(SKIMAGE / "coffee.png") as coffee:
        coffee.resize((4000, 2667)).save(photos / "large.jpg", quality=85)
        coffee.resize((2400, 1600)).save(photos / "scan.tif")
        for i in range(30):
            when = datetime(2024, 6, 1) - timedelta(days=40 * i)
            size = (300 + 20 * (i % 7), 300)
            coffee.resize(size).save(photos / f"dated-{i}.jpg", exif=dated(f"{when:%Y:%m:%d %H:%M:%S}"))
    with page(make_index(folder / "index", photos), home) as address:
        yield address


@pytest.fixture(scope="module")
def large_site(tmp_path_factory, home):
    """Of 10,000 pictures without files, a day apart."""
    folder = tmp_path_factory.mktemp("large")

    def file(number: int) -> tuple[Path, bytes]:
        return folder / "photos" / f"{number}.jpg", number.to_bytes(16)

    rows = np.ones((MANY, 1, 8), dtype=np.float16)
    record = EncoderRecord(0, "cosmos-mini", "1", 8, "none")
    fill_index(folder / "index", iter([rows]), record, (400, 300), file).close()
    with page(folder / "index", home) as address:
        yield address


@pytest.fixture
def look(browser):
    browser.size(1280, 900)
    return browser


def run(look, script, *arguments):
    return look.browser.execute_script(f"return {script}", *arguments)


def read_position(look):
    return look.text(look.one(".position"))


def read_focused_number(look):
    """The number in the grid of the picture whose link is focused."""
    return look.focused().find_element("xpath", "..").get_attribute("aria-posinset")


def test_rows_fill_the_width_and_keep_the_shapes(look, site):
    """The layout for made lists, by the definition of a row."""
    look.open(site)
    found = look.browser.execute_async_script(
        """
        const done = arguments[0];
        import(new URL("scripts/layout.js", document.baseURI).href).then(({ Layout }) => {
          let seed = 1;
          const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
          const ratios = Array.from({ length: 5000 }, () => 0.3 + 3 * random());
          const layout = new Layout(ratios, [["2024-06", 7], ["2024-05", 4993]], 1200, 150);
          done({
            ends: layout.rows.slice(0, -1).map((row) => {
              const last = layout.placesOf(row).at(-1);
              return last.left + last.width;
            }),
            heights: layout.rows.map((row) => row.height), firsts: layout.rows.map((row) => row.first),
            tops: layout.rows.map((row) => row.top), labels: layout.rows.filter((row) => row.hasLabel).length,
            isFound: layout.rows.every((row, i) => layout.rowAt(row.top) === i && layout.rowOf(row.first) === i),
            month: [layout.monthAt(6), layout.monthAt(7)], below: layout.rowOf(layout.neighbour(0, 1)),
            above: layout.neighbour(0, -1),
          });
        });
        """
    )
    assert max(abs(end - 1200) for end in found["ends"]) < 0.01
    assert all(90 < height < 240 for height in found["heights"][:-1])
    assert found["firsts"] == sorted(set(found["firsts"]))
    assert found["tops"] == sorted(set(found["tops"]))
    assert found["labels"] in (1, 2)
    assert found["isFound"]
    assert found["month"] == ["2024-06", "2024-05"]
    assert (found["below"], found["above"]) == (1, None)


def test_ten_thousand_pictures_can_be_scrolled_and_few_are_in_the_document(look, large_site):
    look.open(large_site)
    until(lambda: read_position(look).endswith("of 10,000"))
    assert 25 <= int(read_position(look).split(" ")[0].split("–")[1]) <= 60
    until(lambda: run(look, f"{MAIN}.scrollHeight") > 100_000, "the grid has not all pictures")
    run(look, f"{MAIN}.scrollTop = {MAIN}.scrollHeight / 2")
    until(lambda: 4000 < int(read_position(look).split("–")[0].replace(",", "")) < 6000)
    assert len(look.all(".card")) < 200
    until(lambda: not look.all(".card.skeleton"), "no cards were loaded")
    until(lambda: look.all(".card.gone"), "a missing file is not marked")
    assert [look.text(year) for year in look.all(".year")] == ["2002", "2001", "2000"]


def test_back_returns_to_the_same_place(look, large_site):
    look.open(large_site)
    until(lambda: run(look, f"{MAIN}.scrollHeight") > 100_000)
    run(look, f"{MAIN}.scrollTop = 40000")
    until(lambda: not read_position(look).startswith("1–"), "the grid is not redrawn")
    until(lambda: not look.all(".card.skeleton"))
    before = read_position(look)

    def open_one():
        card = look.all(".card")[40]
        number = card.get_attribute("aria-posinset")
        look.browser.execute_script("arguments[0].querySelector('.open').click()", card)
        return number

    number = until(open_one)
    until(lambda: look.text(look.one("dialog[open] .count")) == f"{int(number):,} of 10,000")
    look.browser.back()
    until(lambda: not look.all("dialog[open]"))
    assert read_position(look) == before
    until(lambda: read_focused_number(look) == number, "the picture that was open is not focused")
    look.browser.execute_script("arguments[0].click()", look.one("button", "Library"))
    look.says("Folders on the computer")
    look.browser.back()
    until(lambda: read_position(look) == before, "the grid is elsewhere")
    look.browser.refresh()
    until(lambda: read_position(look) == before, "the grid is elsewhere after loading the page again")


def test_end_and_home_go_to_the_last_and_the_first_picture(look, large_site):
    look.open(large_site)
    until(lambda: run(look, f"{MAIN}.scrollHeight") > 100_000)
    look.one(".card .open").send_keys(Keys.END)
    until(lambda: read_focused_number(look) == str(MANY))
    look.press(Keys.HOME)
    until(lambda: read_focused_number(look) == "1")
    look.press(Keys.ARROW_DOWN)
    assert int(read_focused_number(look)) > 4


def test_the_timeline_scrolls_by_dragging_and_by_months(look, large_site):
    look.open(large_site)
    until(lambda: run(look, f"{MAIN}.scrollHeight") > 100_000)
    look.drag(".scrubber", (0.5, 0.1), (0.5, 1.0))
    until(lambda: read_position(look).split(" ")[0].endswith("10,000"))
    look.drag(".scrubber", (0.5, 0.9), (0.5, 0.0))
    until(lambda: read_position(look).startswith("1–"))
    bar = look.one(".scrubber")
    bar.send_keys(Keys.ARROW_DOWN)
    until(lambda: not read_position(look).startswith("1–"))
    assert bar.get_attribute("aria-valuetext")


def test_the_search_box_is_first_and_slash_goes_to_it(look, site):
    look.open(site)
    look.cards()
    # Streamlit's link to the content is first: people who use a keyboard expect it there (WCAG 2.4.1). It leads to
    # the content, which takes the focus, and from there the search box is the next one, too.
    look.press(Keys.TAB)
    assert look.focused().get_attribute("data-testid") == "stSkipToContent"
    look.press(Keys.ENTER)
    assert look.focused().get_attribute("data-testid") == "stMain"
    look.press(Keys.TAB)
    assert look.focused().get_attribute("aria-label") == "Search"
    look.open(site)
    look.cards()
    look.press(Keys.TAB)
    look.press(Keys.TAB)
    assert look.focused().get_attribute("aria-label") == "Search"
    look.press(Keys.TAB)
    look.press("/")
    assert look.focused().get_attribute("aria-label") == "Search"
    assert look.focused().get_attribute("value") == ""
    look.type("Search", "a cat / a dog")
    assert look.one('input[aria-label="Search"]').get_attribute("value") == "a cat / a dog"


def test_recent_searches_are_offered(look, site):
    look.open(site)
    run(look, "localStorage.clear()")
    for query in ("a cat", "a rocket", "a cat"):
        look.type("Search", query)
    look.open(site)
    look.one('input[aria-label="Search"]').click()
    script = "[...document.querySelectorAll('#cosmos-search-suggestions option')].map((one) => [one.value, one.label])"
    until(lambda: run(look, script)[:2] == [["a cat", "recent"], ["a rocket", "recent"]], "no recent searches")


def test_a_suggested_name_sets_a_filter_and_keeps_the_search(look, site):
    look.open(site + CUP)
    look.cards()
    box = look.one('input[aria-label="Search"]')
    box.click()
    find = "[...document.querySelectorAll('#cosmos-search-suggestions option')].map((one) => one.value)"
    name = until(lambda: next((text for text in run(look, find) if text.startswith("folder: ")), None), "no folder")
    box.send_keys(Keys.CONTROL + "a")
    box.send_keys(name + Keys.ENTER)
    until(lambda: "folder=" in look.browser.current_url, "the filter is not set")
    assert "query=a+cup+of+coffee" in look.browser.current_url
    until(lambda: look.one('input[aria-label="Search"]').get_attribute("value") == "a cup of coffee")
    assert look.cards()


def test_zooming_shows_the_pixels_of_the_file(look, site):
    look.open(site + CUP)
    look.cards()
    look.open_picture("large.jpg")
    until(lambda: look.one(".preview").get_property("naturalWidth") == 1920)
    assert not look.all(".full")
    look.browser.execute_script(
        "arguments[0].dispatchEvent(new MouseEvent('dblclick', {bubbles: true}))", look.one(".stage")
    )
    until(lambda: look.text(look.one(".scale")) == "100 %")
    until(lambda: look.one(".full.ready").get_property("naturalWidth") == 4000)
    before = run(look, "arguments[0].style.transform", look.one(".plane"))
    look.drag(".stage", (0.6, 0.6), (0.4, 0.4))
    assert run(look, "arguments[0].style.transform", look.one(".plane")) != before
    look.press("0")
    assert look.text(look.one(".scale")) != "100 %"
    look.press(Keys.ESCAPE)


def test_a_type_that_browsers_do_not_show_can_be_zoomed_too(look, site):
    look.open(site + CUP)
    look.cards()
    look.open_picture("scan.tif")
    for _ in range(4):
        look.press("+")
    until(lambda: look.one(".full.ready").get_property("naturalWidth") == 2400)


def test_the_next_picture_is_loaded_before_it_is_asked_for(look, site):
    look.open(site + CUP)
    look.cards()
    look.open_picture()
    shown = look.text(look.one("dialog[open] .title"))
    until(lambda: sum("/preview" in url for url in look.requested()) >= 2, "the next one is not loaded")
    look.press(Keys.ARROW_RIGHT)
    until(lambda: look.text(look.one("dialog[open] .title")) != shown)
    look.press(Keys.ARROW_LEFT)
    until(lambda: look.text(look.one("dialog[open] .title")) == shown)
    look.detail("Why it matches")  # also the second time
    assert look.text(look.one(".status")) == ""


def test_a_favourite_and_an_album_are_kept_and_the_photo_is_not_changed(look, site):
    before = {path: path.stat() for path in SKIMAGE.glob("coffee.png")}
    look.open(site + CUP)
    look.cards()
    look.open_picture("coffee.png")
    look.click('[aria-label^="Favourite"]')
    look.detail("Added to Favourites.")
    look.one('[aria-label="New album"]').send_keys("Cups" + Keys.ENTER)
    look.detail("Added to Cups.")
    look.open(site + "?view=albums")
    look.says("Favourites")
    look.says("Cups")
    look.click("button", "Open")
    assert look.cards() == ["coffee.png"]
    assert {path: path.stat() for path in before} == before


def test_the_folder_is_shown_on_this_machine_only(look, home, tmp_path):
    programs, trace = tmp_path / "bin", tmp_path / "trace"
    programs.mkdir()
    (programs / "xdg-open").write_text(f'#!/bin/sh\necho "$1" > {trace}\n')
    (programs / "xdg-open").chmod(0o755)
    photos = link_photos(tmp_path / "photos")
    with page(make_index(tmp_path / "index", photos), home, variables={"PATH": str(programs)}) as address:
        look.open(address)
        look.cards()
        look.open_picture()
        look.click(".action", "Open folder")
        until(lambda: trace.exists() and trace.read_text() == f"{photos}\n", "no folder was opened")


@pytest.fixture
def phone(look):
    look.size(390, 844)
    look.touch(True)
    yield look
    look.touch(False)


def test_a_swipe_and_two_fingers_on_a_phone(phone, site):
    phone.open(site + CUP)
    phone.cards()
    phone.open_picture()
    first = phone.text(phone.one("dialog[open] .title"))
    assert not [node for node in phone.all("dialog [title]") if "(" in node.get_attribute("title")]  # no keys
    phone.move_fingers([(300, 400)], [(80, 400)])
    until(lambda: phone.text(phone.one("dialog[open] .title")) != first, "a swipe does nothing")
    phone.move_fingers([(80, 400)], [(300, 400)])
    until(lambda: phone.text(phone.one("dialog[open] .title")) == first)
    before = phone.text(phone.one(".scale"))
    phone.move_fingers([(180, 400), (210, 400)], [(80, 400), (310, 400)])
    assert run(phone, "parseInt(arguments[0].textContent)", phone.one(".scale")) > 2 * int(before.split()[0])
    phone.move_fingers([(80, 400), (310, 400)], [(190, 400), (200, 400)])
    phone.move_fingers([(200, 300)], [(200, 700)])
    until(lambda: not phone.all("dialog[open]"), "it is not closed by a swipe down")


VIEWS = {
    "grid": "",
    "search": CUP,
    "map": "?view=explore",
    "duplicates": "?view=explore&explore=duplicates",
    "albums": "?view=albums",
    "library": "?view=library",
}


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_no_view_has_violations_of_the_guidelines(view, is_dark, look, site):
    look.dark(is_dark)
    try:
        look.open(site + VIEWS[view])
        if view in ("grid", "search"):
            look.cards()
        assert look.violations() == []
        if view == "search":
            look.open_picture()
            until(lambda: look.all(".plane .box"))
            assert look.violations() == []
    finally:
        look.dark(False)


def test_motion_is_reduced_for_who_wants_it(look, site):
    values = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    look.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", values)
    look.open(site)
    look.cards()
    script = "(node) => getComputedStyle(node).animationName"
    node = look.one(".card")
    look.browser.execute_script("arguments[0].classList.add('skeleton')", node)
    assert look.browser.execute_script(f"return ({script})(arguments[0])", node) == "none"
    look.dark(False)
