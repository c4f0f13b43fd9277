"""An assistant finds photos: the official SDK's own client talks to the command over stdio."""

import io
import json
import os
import sys
from base64 import b64decode

import pytest

pytest.importorskip("mcp")

import anyio
from mcp import Client, StdioServerParameters, stdio_client
from PIL import Image

from tests import ROOT
from tests.browser import PROGRAM
from tests.colour import dated
from tests.demo import SKIMAGE, link_photos, make_home, make_index


@pytest.fixture(scope="module")
def variables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mcp")
    photos = link_photos(folder / "photos")
    with Image.open(SKIMAGE / "coffee.png") as coffee:
        coffee.crop((0, 0, 300, 200)).save(photos / "placed.jpg", exif=dated("2024:06:15 12:00:00", 48.137, 11.575))
    make_index(folder / "index", photos)
    home = folder / "home"
    home.mkdir()
    cache = str(make_home(home) / "cache")
    return {"COSMOS_SEARCH_INDEX": str(folder / "index"), "XDG_CACHE_HOME": cache, "PYTHONPATH": str(ROOT)}


def talk(variables, *calls, options=()):
    """The names of the tools, and the result of each call."""

    async def run():
        command = StdioServerParameters(
            command=sys.executable, args=["-c", PROGRAM, "mcp", *options], env=os.environ | variables
        )
        async with Client(stdio_client(command)) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            return names, [await client.call_tool(name, arguments) for name, arguments in calls]

    return anyio.run(run)


def read_image(block):
    assert block.type == "image"
    return Image.open(io.BytesIO(b64decode(block.data)))


def test_an_assistant_searches_browses_and_looks_at_pictures(variables):
    names, (found, page, one, none, wrong, unknown) = talk(
        variables,
        ("search", {"query": "a cat", "top": 1}),
        ("browse", {"limit": 2, "filters": {"before": "2030", "texts": ["png"]}}),
        ("picture", {"id": 1}),
        ("search", {"query": "a cat", "filters": {"camera": "none"}}),
        ("search", {"query": "+"}),
        ("picture", {"id": 99}),
    )
    assert names == {"search", "browse", "picture"}
    hit = json.loads(found.content[0].text)
    assert hit["path"].endswith("chelsea.png")
    assert (hit["rank"], hit["evidence"][0]["text"]) == (1, "a cat")
    assert max(read_image(found.content[1]).size) == 320
    listed = json.loads(page.content[0].text)
    assert len(listed["pictures"]) == min(2, listed["n_matching"])
    assert max(read_image(one.content[1]).size) <= 1024
    assert json.loads(none.content[0].text) == {
        "hits": [],
        "no_match": "0 of 6 pictures pass camera=none; there are: PENTAX K100D Super (1)",
    }
    assert (wrong.is_error, "Nothing follows" in wrong.content[0].text) == (True, True)
    assert (unknown.is_error, "No indexed picture" in unknown.content[0].text) == (True, True)


def test_an_assistant_learns_the_town_of_a_picture(variables):
    _, (page, found) = talk(
        variables,
        ("browse", {"filters": {"near": "48.1,11.5,20km"}}),
        ("search", {"query": "coffee", "filters": {"taken": "2024"}}),
    )
    (placed,) = json.loads(page.content[0].text)["pictures"]
    assert (placed["town"]["name"], placed["town"]["country"]) == ("Munich", "Germany")
    assert json.loads(found.content[0].text)["town"] == placed["town"]
    _, (one,) = talk(variables, ("picture", {"id": placed["id"]}))
    assert json.loads(one.content[0].text)["town"] == placed["town"]


def test_original_files_need_the_flag(variables):
    call = ("original", {"id": 1})
    _, (refused,) = talk(variables, call)
    assert refused.is_error
    names, (_, sent) = talk(variables, ("picture", {"id": 1}), call, options=["--allow-originals"])
    assert "original" in names
    assert sent.content[0].mime_type in ("image/png", "image/jpeg")
    assert read_image(sent.content[0]).size
