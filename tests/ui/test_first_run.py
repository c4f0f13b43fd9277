"""The first run in a browser: the folder chooser, indexing, what failed, text in pictures; and the page on a phone."""

import re
import shutil

import pytest
from PIL import Image, ImageDraw
from selenium.webdriver.common.keys import Keys

from tests.browser import needs_chromium, page, until
from tests.demo import SKIMAGE, make_index

pytestmark = [pytest.mark.slow, needs_chromium]

KEYS = re.compile(
    r"\b(press enter|ctrl|esc|arrow keys?|wheel|hover|keyboard|drag and drop)\b|\((F|B|I|0|←|→|\+|−)\)", re.I
)
TEXTS = """
const found = [];
const look = (root) => {
  for (const node of root.querySelectorAll('*')) {
    if (!node.checkVisibility({ visibilityProperty: true })) continue;
    found.push(node.title ?? '', node.ariaLabel ?? '', node.placeholder ?? '');
    found.push(...[...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data));
    if (node.shadowRoot) look(node.shadowRoot);
  }
};
look(document.body);
return [...new Set(found.map((text) => String(text).trim()).filter(Boolean))];
"""


@pytest.fixture(scope="module")
def home(home, tmp_path_factory):
    """A home directory with some photos, some that fail, and a link that leads out of it."""
    for name in ("2019 Norway", "2020", "Scans", ".hidden"):
        (home / "Pictures" / name).mkdir(parents=True)
    for name in ("chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "astronaut.png"):
        shutil.copy(SKIMAGE / name, home / "Pictures" / "2019 Norway" / name)
    sign = Image.new("RGB", (400, 160), "white")
    ImageDraw.Draw(sign).text((40, 40), "EXIT 12", "black", font_size=72)
    sign.save(home / "Pictures" / "2020" / "sign.png")
    for name in ("a.jpg", "b.jpg"):
        (home / "Pictures" / "Scans" / name).touch()
    (home / "Pictures" / "out").symlink_to(tmp_path_factory.mktemp("disk"))
    return home


@pytest.fixture(scope="module")
def empty_site(tmp_path_factory, home):
    """The address of a page without an index."""
    with page(tmp_path_factory.mktemp("index") / "index", home) as address:
        yield address


@pytest.fixture(scope="module")
def site_with_pictures(tmp_path_factory, home):
    """The address of a page whose index has the pictures of `home`."""
    with page(make_index(tmp_path_factory.mktemp("indexed") / "index", home / "Pictures"), home) as address:
        yield address


def read_folder_names(look):
    return [look.text(node) for node in look.all(".folder .name")]


def test_the_start_page_is_photographed_and_usable_by_everybody(browser, empty_site, tmp_path):
    browser.size(1280, 900)
    browser.open(empty_site)
    browser.says("Find your pictures by their content")
    assert read_folder_names(browser) == ["2019 Norway", "2020", "Scans"]
    for is_dark in (False, True):
        browser.dark(is_dark)
        assert browser.violations() == []
        browser.photograph(tmp_path / f"first-{is_dark}.png")
    browser.dark(False)
    browser.size(390, 844)
    browser.settle()
    assert browser.browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert all(node.size["height"] >= 38 for node in browser.all(".folder"))
    browser.photograph(tmp_path / "first-phone.png")
    browser.size(1280, 900)


def test_folders_are_opened_with_the_keyboard_and_the_focus_goes_along(browser, empty_site):
    browser.open(empty_site)
    browser.one(".folder", "2019 Norway").send_keys(Keys.ENTER)
    until(lambda: read_folder_names(browser) == [], "the folder is not opened")
    status = browser.one('.status[role="status"]')
    until(lambda: browser.text(status) == "In this folder: 5 pictures, no folders")
    assert browser.one(".crumb[aria-current]", "2019 Norway")
    until(lambda: browser.text(browser.focused()) == "2019 Norway", "the focus is lost")
    assert browser.one("button", "Index 2019 Norway")
    browser.one(".crumb", "Pictures").send_keys(Keys.ENTER)
    until(lambda: len(read_folder_names(browser)) == 3)
    until(lambda: "2019 Norway" in browser.text(browser.focused()), "the focus is lost")
    browser.one(".crumb", "Home folder").send_keys(Keys.ENTER)
    until(lambda: "Pictures" in read_folder_names(browser))
    assert "cache" in read_folder_names(browser)
    assert not [name for name in read_folder_names(browser) if name.startswith(".") or name == "out"]


def test_a_chosen_folder_is_indexed_and_what_failed_is_a_click_away(browser, home, tmp_path):
    with page(tmp_path / "index", home) as address:
        browser.open(address)
        browser.click("button", "Index Pictures")
        browser.says("Newest pictures")
        browser.cards(lambda names: len(names) == 6)
        browser.click("button", "2 files could not be read. What to do")
        browser.says("Empty files: 2")
        browser.says("Copy them again from the camera or a backup")
        browser.downloads_into(tmp_path)
        browser.click("button", "List as CSV")
        listed = until(lambda: next(tmp_path.glob("*.csv"), None), "no list")
        assert listed.read_text().count("the file is empty") == 2
        assert browser.violations() == []


def test_text_is_read_by_a_switch_and_found(browser, site_with_pictures, tmp_path):
    pytest.importorskip("rapidocr")
    browser.open(site_with_pictures + "?view=library")
    browser.click('[data-testid="stCheckbox"] label', "Read text in pictures")
    browser.says("Text was read in 6 pictures")
    browser.photograph(tmp_path / "library.png")
    browser.open(site_with_pictures + "?query=text:exit")
    assert browser.cards() == ["sign.png"]


def test_models_are_listed_with_their_sizes(browser, site_with_pictures, tmp_path):
    browser.open(site_with_pictures + "?view=library")
    browser.click("summary", "All models")
    assert browser.one('[data-testid="stDataFrame"]')
    browser.photograph(tmp_path / "models.png")


def test_nothing_on_a_phone_speaks_of_keys(browser, site_with_pictures):
    browser.size(390, 844)
    browser.touch(True)
    try:
        for address in ("?picture=1", "", "?view=explore", "?view=albums", "?view=library"):
            browser.open(site_with_pictures + address)
            if not address:
                browser.click("button", "Refine")
                browser.one('input[aria-label="Word or sentence"]').send_keys("a dog")
                browser.click('[role="tab"]', "Your picture")
            texts = browser.browser.execute_script(TEXTS)
            assert len(texts) > 10
            assert not [text for text in texts if KEYS.search(text)]
    finally:
        browser.touch(False)
        browser.size(1280, 900)
