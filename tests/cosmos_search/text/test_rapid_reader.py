"""Texts in pictures are read: at all angles, in reading order, without network."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from cosmos_search.text.rapid_reader import Line, load_reader, sort_lines
from indexer.pictures.regions import Box
from tests import ROOT

LINES = ["EXIT 12", "Gate B", "No parking"]
BOXES = [Box(0.16, 0.17, 0.45, 0.29), Box(0.58, 0.17, 0.83, 0.29), Box(0.16, 0.46, 0.62, 0.59)]


@pytest.fixture(scope="module")
def reader():
    return load_reader()


def draw_sign():
    """A plate with two texts beside one another, and one below."""
    picture = Image.new("RGB", (640, 480), (90, 120, 80))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(48)
    pen.rectangle((70, 50, 560, 330), fill="white")
    for text, place in zip(LINES, ((110, 80), (380, 80), (110, 220)), strict=True):
        pen.text(place, text, font=font, fill="black")
    return picture


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_lines_are_read_in_reading_order_at_all_right_angles(reader, angle):
    turned = draw_sign().rotate(angle, expand=True)
    assert [line.text for line in reader.read(turned)] == LINES


def test_boxes_are_where_the_text_stands(reader):
    for line, box in zip(reader.read(draw_sign()), BOXES, strict=True):
        assert line.box.iou(box) > 0.6
        assert line.confidence > 0.9


@pytest.mark.parametrize("angle", [-30, 20])
def test_slanted_text_is_read_and_its_box_is_in_the_picture_as_it_is(reader, angle):
    picture = draw_sign()
    turned = picture.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    found = reader.read(turned)
    assert [line.text for line in found] == LINES
    for line, box in zip(found, BOXES, strict=True):
        centre = np.array([(box.left + box.right) / 2 * 640 - 320, (box.top + box.bottom) / 2 * 480 - 240])
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        x, y = centre @ np.array([[cos, -sin], [sin, cos]]) + np.array(turned.size) / 2
        assert line.box.left < x / turned.width < line.box.right
        assert line.box.top < y / turned.height < line.box.bottom


def test_pictures_without_text_have_no_lines(reader):
    assert reader.read(Image.new("RGB", (320, 240), "navy")) == []
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    assert reader.read(Image.fromarray(noise)) == []
    assert reader.read(Image.new("RGB", (400, 3), "white")) == []


def test_reading_needs_no_network_and_writes_no_messages():
    code = (
        "import socket\n"
        "def refuse(*arguments, **options): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from tests.cosmos_search.text.test_rapid_reader import draw_sign\n"
        "from cosmos_search.text.rapid_reader import load_reader\n"
        "print([line.text for line in load_reader().read(draw_sign())])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(LINES)
    assert done.stderr == ""


def test_rows_are_read_from_the_left_and_from_the_top_in_the_direction_of_the_text():
    def line(text, left, top, width=100, height=20):
        corners = np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])
        return Line(text, 1.0, corners.astype(np.float64))

    lines = [line("d", 150, 52), line("b", 150, 4), line("c", 0, 50), line("a", 0, 0), line("e", 0, 90)]
    assert [one.text for one in sort_lines(lines)] == list("abcde")
    upside_down = [Line(one.text, 1.0, 300 - one.corners) for one in lines]
    assert [one.text for one in sort_lines(upside_down)] == list("abcde")
    assert sort_lines([]) == []
