"""A person finds a photo by a word on a sign, and keeps it with its copies: recorded, in a real Chromium."""

import os
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from selenium.webdriver.common.keys import Keys

import cosmos_search
from tests.browser import needs_chromium, page, until
from tests.demo import SKIMAGE, link_photos

pytest.importorskip("rapidocr")
pytestmark = [pytest.mark.slow, needs_chromium]

SIGN = "EXIT 12"
STREETS = {"street.jpg", "street small.jpg", "street cropped.png"}
WIDTH = 900  # pixels of the recording
FRAME_MS = 1800
PICTURES = Path(os.environ["PICTURES"]) if "PICTURES" in os.environ else None  # where `make pictures` wants it


class Recorder:
    """Photographs of a page, which become one moving picture."""

    def __init__(self, look, folder):
        self.look, self.folder, self.frames = look, folder, []

    def take(self):
        self.look.remove(".path code")  # this machine's
        path = self.look.photograph(self.folder / f"{len(self.frames)}.png")
        with Image.open(path) as shot:
            self.frames.append(shot.convert("RGB").resize((WIDTH, WIDTH * shot.height // shot.width)))

    def save(self, path):
        first, *others = self.frames
        first.save(path, append_images=others, save_all=True, duration=FRAME_MS, loop=0, quality=70)


@pytest.fixture(scope="module")
def site(tmp_path_factory, home):
    """Photos, one with a sign, and two copies of that one; their texts were read."""
    folder = tmp_path_factory.mktemp("flow")
    photos = link_photos(folder / "photos")
    with Image.open(SKIMAGE / "motorcycle_left.png") as motorcycle:
        street = motorcycle.convert("RGB").resize((2400, 1600))
    pen = ImageDraw.Draw(street)
    pen.rectangle((1500, 120, 2200, 380), fill="#1c4f9c", outline="white", width=12)
    pen.text((1850, 250), SIGN, font=ImageFont.load_default(150), fill="white", anchor="mm")
    street.save(photos / "street.jpg", quality=92)
    street.resize((900, 600)).save(photos / "street small.jpg", quality=80)
    street.crop((60, 40, 2360, 1560)).save(photos / "street cropped.png")
    with cosmos_search.open(folder / "index") as library:
        library.add(photos)
        library.read_texts()
    with page(folder / "index", home) as address:
        yield address


def test_a_photo_is_found_by_a_word_on_a_sign_and_kept_with_its_copies(site, browser, tmp_path):
    film = Recorder(browser, tmp_path)
    browser.open(site)
    film.take()
    browser.type("Search", SIGN.lower())
    assert set(browser.cards(lambda names: len(names) == 3)) == STREETS
    film.take()
    browser.open_picture("street.jpg")
    browser.detail(f"text in the picture: '{SIGN}'")
    until(lambda: browser.all("dialog[open] .box .label.below"), "it is not shown where the text stands")
    film.take()
    browser.press("+")
    browser.press("+")
    until(lambda: int(browser.text(browser.one("dialog[open] .scale")).rstrip("%")) >= 60, "it is not enlarged")
    until(
        lambda: browser.one("dialog[open] .plane .full.ready").get_property("naturalWidth") == 2400,
        "no original pixels",
    )
    film.take()
    browser.click('dialog[open] [aria-label="Copies of this picture"]')
    copies = browser.cards(lambda names: len(names) == 3)
    assert set(copies) == STREETS
    film.take()
    for name in copies:
        tick = browser.one(f'.tick[aria-label="Select {name}"]')
        browser.browser.execute_script("arguments[0].click()", tick)  # it is shown under the mouse only
        browser.settle()
    browser.says("3 selected")
    browser.click("button", "Add to album")
    browser.one('input[aria-label*="Album"]').send_keys("Way out" + Keys.ENTER)
    browser.click(".st-key-add_to_album button")
    browser.click("button", "Albums")
    browser.says("Way out")
    browser.says("3 pictures")
    film.take()
    browser.click("button", "Open")
    assert set(browser.cards(lambda names: len(names) == 3)) == STREETS
    film.take()
    film.save((PICTURES or tmp_path) / "flow.webp")
