"""Both maps in a real Chromium: names, overlaps, clicks, zoom, touch, and how they look in light, dark and narrow."""

from urllib.parse import urlparse

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.keys import Keys

from tests.browser import needs_chromium, page, until
from tests.colour import dated
from tests.demo import SKIMAGE, link_photos, list_photos, make_index

pytestmark = [pytest.mark.slow, needs_chromium]

PLACES = [(48.137, 11.575)] * 3 + [(48.2, 11.6), (41.9, 12.5), (-33.87, 151.21), (40.71, -74.0)]
OVERLAPS = """
const boxes = arguments[0].map((node) => node.getBoundingClientRect());
let n = 0;
boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
  if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) n++;
}));
return n;
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory, home):
    folder = tmp_path_factory.mktemp("maps")
    photos = link_photos(folder / "photos", list_photos())
    with Image.open(SKIMAGE / "coffee.png") as coffee:
        for i, place in enumerate(PLACES):
            exif = dated(f"2024:06:{i + 1:02} 12:00:00", *place)
            coffee.crop((20 * i, 0, 20 * i + 400, 300)).save(photos / f"placed-{i}.jpg", exif=exif)
    with page(make_index(folder / "index", photos), home) as address:
        yield address


@pytest.fixture
def similar(site, browser):
    """The page with the map of similar pictures."""
    browser.size(1280, 900)
    browser.open(site + "?view=explore")
    until(lambda: len(find_shown(browser, ".thumb")) > 5, "no thumbnails on the map")
    return browser


@pytest.fixture
def world(site, browser):
    """The page with the map of the world."""
    browser.size(1280, 900)
    browser.open(site + "?view=explore&explore=world")
    until(lambda: len(find_shown(browser, ".cluster")) == 3, "no pictures on the map")
    return browser


def find_shown(browser, selector):
    return browser.all(f"{selector}:not(.hidden)")


def count_overlaps(browser, nodes):
    return browser.browser.execute_script(OVERLAPS, nodes)


def test_every_cluster_has_a_name_and_nothing_overlaps(similar):
    names = [similar.text(node).split("\n")[0] for node in similar.all(".place")]
    assert len(set(names)) == len(names) > 1
    assert not [name for name in names if not name[:1].isalpha()]
    for _ in range(3):
        assert (
            count_overlaps(
                similar, [*find_shown(similar, ".place"), *find_shown(similar, ".thumb"), *similar.all(".tool")]
            )
            == 0
        )
        similar.click(".closer")
    similar.click(".whole")


def test_a_cluster_lists_its_pictures_and_a_thumbnail_opens_its_picture(similar):
    n = int(similar.text(find_shown(similar, ".place")[0].find_element("css selector", ".n")))
    find_shown(similar, ".place")[0].click()
    until(lambda: "cluster" in similar.parameters())
    assert len(similar.cards(lambda names: len(names) == n)) == n
    assert similar.all(".surface"), "the map is gone"
    assert similar.resting(similar.one(".card"))[1] < 900, "its pictures are below the window"
    similar.browser.execute_script("arguments[0].click()", find_shown(similar, ".thumb")[0])
    similar.detail("pixels")
    assert similar.parameters()["picture"].isdigit()


def test_a_dot_shows_its_picture_and_opens_it(similar):
    left, top, *_ = similar.resting(similar.one(".surface"))
    is_dot = "const n = [...arguments[0].classList]; return n.includes('on-dot')"
    surface = similar.one(".surface")
    thumbs = [similar.resting(node) for node in find_shown(similar, ".thumb, .place")]
    dots = similar.browser.execute_script(
        """
        const canvas = arguments[0], [width, height] = [canvas.width, canvas.height], found = [];
        const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
        for (let i = 0; i < width * height; i++) if (data[4 * i + 3]) found.push([i % width, Math.floor(i / width)]);
        return found;
        """,
        similar.one(".dots"),
    )
    free = [
        (x, y)
        for x, y in dots
        if not any(-2 <= left + x - at[0] <= at[2] + 2 and -2 <= top + y - at[1] <= at[3] + 2 for at in thumbs)
    ]
    assert free, "all dots are under thumbnails"
    place = int(left + free[0][0]), int(top + free[0][1])
    similar.point(*place)
    until(lambda: similar.browser.execute_script(is_dot, surface), "the dot is not found")
    until(lambda: similar.all(".peek img"), "its picture is not shown")
    similar.point(*place, is_click=True)
    similar.detail("pixels")


def test_the_map_is_moved_by_wheel_drag_keys_and_fingers(similar):
    def place():
        return similar.browser.execute_script("return arguments[0].style.transform", similar.all(".place")[0])

    before = place()
    similar.drag(".surface", (0.5, 0.97), (0.7, 0.9))
    moved = until(lambda: place() != before and place(), "dragging does not move it")
    similar.click(".whole")
    until(lambda: place() == before, "it does not come back")
    similar.browser.execute_script("arguments[0].focus()", similar.one(".surface"))
    similar.press("+")
    until(lambda: place() != before, "the key does not zoom")
    assert moved != before
    similar.press("0")
    until(lambda: place() == before)
    similar.touch(True)
    left, top, _, height = similar.resting(similar.one(".surface"))
    y = top + height - 12
    similar.move_fingers([(left + 300, y), (left + 400, y)], [(left + 200, y), (left + 600, y)])
    similar.touch(False)
    until(lambda: place() != before, "two fingers do not zoom")


def test_pictures_with_a_place_are_on_the_map_of_the_world(world):
    assert "7 pictures have a place" in world.text(world.one(".count"))
    counts = [world.text(node) for node in find_shown(world, ".cluster .n")]
    assert counts == ["5"]  # Munich and Rome
    assert (
        count_overlaps(world, [*find_shown(world, ".cluster"), *find_shown(world, ".town"), *world.all(".tool")]) == 0
    )
    colours = world.browser.execute_script(
        "const { width, height } = arguments[0]; const { data } = arguments[0].getContext('2d')"
        ".getImageData(0, 0, width, height); return new Set(new Uint32Array(data.buffer)).size",
        world.one(".land"),
    )
    assert colours > 3, "no coast is drawn"


def test_a_cluster_of_several_places_is_zoomed_to_and_one_place_is_listed(world):
    for n, parts in (("5", ["", "4"]), ("4", ["", "3"])):
        world.click(".cluster", n)
        until(
            lambda parts=parts: sorted(map(world.text, find_shown(world, ".cluster"))) == parts, f"{n} is not zoomed to"
        )
    world.click(".cluster", "3")
    assert len(world.cards(lambda names: len(names) == 3)) == 3
    assert world.parameters()["near"].startswith("48.137")


def test_clusters_and_details_have_the_names_of_towns(world):
    assert {world.text(node) for node in find_shown(world, ".town")} == {"Munich", "Sydney", "New York City"}
    single = next(node for node in find_shown(world, ".cluster") if "Sydney" in node.get_attribute("aria-label"))
    world.browser.execute_script("arguments[0].click()", single)
    world.detail("Sydney, Australia (-33.87000, 151.21000)")


def test_back_from_a_picture_the_map_is_where_it_was(world):
    world.click(".cluster", "5")
    until(lambda: sorted(map(world.text, find_shown(world, ".cluster"))) == ["", "4"], "it is not zoomed to")
    single = next(node for node in find_shown(world, ".cluster") if not world.text(node))
    world.browser.execute_script("arguments[0].click()", single)
    world.detail("Rome, Italy")
    world.browser.back()
    until(lambda: sorted(map(world.text, find_shown(world, ".cluster"))) == ["", "4"], "it is elsewhere")


def test_closing_a_picture_that_was_opened_from_a_map_returns_to_the_map(similar):
    similar.browser.execute_script("arguments[0].click()", find_shown(similar, ".thumb")[0])
    similar.detail("pixels")
    first = similar.parameters()["picture"]
    similar.click(".step:enabled")
    until(lambda: similar.parameters()["picture"] != first, "another picture is not shown")
    address = similar.browser.current_url
    similar.press(Keys.ESCAPE)
    until(lambda: len(find_shown(similar, ".thumb")) > 5, "the map did not come back")
    assert similar.parameters() == {"view": "explore"}
    similar.browser.forward()
    similar.detail("pixels")
    similar.click(".close")
    until(lambda: len(find_shown(similar, ".thumb")) > 5, "the map did not come back a second time")
    similar.open(address)  # as from a bookmark: there is nothing to go back to
    similar.detail("pixels")
    similar.press(Keys.ESCAPE)
    until(lambda: similar.parameters() == {})
    assert similar.cards()


def test_a_single_picture_of_the_world_is_opened(world):
    single = next(node for node in find_shown(world, ".cluster") if not world.text(node))
    world.browser.execute_script("arguments[0].click()", single)
    world.detail("Place")
    assert world.parameters()["picture"].isdigit()


@pytest.mark.parametrize("kind", ["map", "world"])
def test_both_maps_are_good_in_light_dark_and_on_a_phone(site, browser, tmp_path, kind):
    selector = {"map": ".thumb", "world": ".cluster"}[kind]
    browser.requested()  # of other tests
    for name, size, is_dark in (
        ("light", (1280, 900), False),
        ("dark", (1280, 900), True),
        ("phone", (390, 844), False),
    ):
        browser.size(*size)
        browser.dark(is_dark)
        browser.open(f"{site}?view=explore&explore={kind}")
        until(lambda: find_shown(browser, selector), f"nothing on the map, {name}")
        with Image.open(browser.photograph(tmp_path / f"{kind}-{name}.png")) as shot:
            grey = np.asarray(shot.convert("L"))
        assert grey.std() > 10, "an empty page"
        assert (grey[5, 5] < 60) == is_dark
        assert count_overlaps(browser, [*find_shown(browser, ".place"), *browser.all(".tool")]) == 0
        assert browser.violations() == []
        assert browser.browser.execute_script("return document.documentElement.scrollWidth") <= size[0]
    browser.dark(False)
    hosts = {urlparse(url).netloc for url in browser.requested() if urlparse(url).scheme.startswith("http")}
    assert hosts == {urlparse(site).netloc}


def test_the_filter_near_takes_the_name_of_a_town(site, browser):
    browser.size(1280, 900)
    browser.open(site)
    browser.click("button", "Filters")
    browser.type("Near", "Rome,20km")
    assert browser.cards(lambda names: len(names) == 1) == ["placed-4.jpg"]
    browser.press(Keys.ESCAPE)
    browser.click("button", "Near Rome, 20km")
    browser.cards(lambda names: len(names) > 5)
    assert "near" not in browser.parameters()


def test_a_town_at_the_end_of_a_query_is_offered_and_can_be_removed(site, browser):
    browser.size(1280, 900)
    browser.open(site)
    browser.type("Search", "a cup of coffee in Munich")
    assert "near" not in browser.parameters()
    browser.click("button", "Only near Munich (4)")
    assert len(browser.cards(lambda names: 0 < len(names) <= 4)) <= 4
    assert browser.parameters() == {"query": "a cup of coffee", "near": "Munich,20km"}
    browser.click("button", "Near Munich, 20km")
    assert browser.parameters() == {"query": "a cup of coffee"}
    browser.type("Search", "a cup of coffee in Tokyo")  # no picture was taken there
    browser.settle()
    assert not browser.with_text("button", "Only near")
