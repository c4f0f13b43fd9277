"""The page where only its own extra is installed."""

import json

from tests import ROOT
from tests.colour import paint_photos
from tests.micro import PARITY, micro_like
from tests.missing import TORCH, run_without

OPEN = """
import json
from streamlit.testing.v1 import AppTest
from ui.settings import APP
test = AppTest.from_file(str(APP), default_timeout=60)
test.query_params.update(dict(word.split("=") for word in sys.argv[1:]))
test.run()
wrong = [one.value for one in [*test.exception, *test.error]]
print(json.dumps({"said": [one.value for one in test.info], "wrong": wrong}))
"""


HEAT = """
import json
from starlette.applications import Starlette
from starlette.testclient import TestClient
from ui.routes.routes import make_routes
client = TestClient(Starlette(routes=make_routes(is_local=True)))
answers = [client.get(f"/page/pictures/1/{name}", params={"text": "a dog"}) for name in ("preview", "heat")]
print(json.dumps([answer.status_code for answer in answers] + [answers[-1].json()["error"]]))
"""


def open_page(tmp_path, *address):
    done = run_without(TORCH, tmp_path, *address, code=OPEN)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_page_names_the_extra_for_a_heat_map_and_shows_the_picture_all_the_same(tmp_path):
    add = [
        "models",
        "add",
        PARITY / "hub_format_micro.pt",
        "--name",
        "micro",
        "--config-from",
        micro_like(tmp_path / "like"),
    ]
    assert run_without((), tmp_path, *add).returncode == 0
    photos = ROOT / "cosmos_search/data/photos"
    assert run_without((), tmp_path, "index", photos, "--model", "micro").returncode == 0
    page = open_page(tmp_path, "query=a dog", "picture=1")
    assert page == {"said": [], "wrong": []}
    done = run_without(TORCH, tmp_path, code=HEAT)
    assert done.returncode == 0, done.stderr
    picture, heat, sentence = json.loads(done.stdout.splitlines()[-1])
    assert (picture, heat) == (200, 501)
    assert sentence.startswith("A heat map of the model micro needs PyTorch and Transformers, which are not installed")


def test_the_library_view_names_the_extra_for_text_in_pictures(tmp_path):
    folder = paint_photos(tmp_path / "photos", ("red", "blue"))
    assert run_without((), tmp_path, "index", folder).returncode == 0
    done = run_without(("rapidocr",), tmp_path, "view=library", code=OPEN)
    assert done.returncode == 0, done.stderr
    page = json.loads(done.stdout.splitlines()[-1])
    assert page["wrong"] == []
    (sentence,) = page["said"]
    assert "Reading texts in pictures needs RapidOCR, which is not installed" in sentence.replace("\\", "")
    assert "pip" not in sentence
