"""Repositories of the hub, from a stand-in that serves folders as the hub does."""

import functools
import hashlib
import http.server
import threading

import pytest

from cosmos_search.encoders.load import load_encoder
from cosmos_search.models.errors import HubError, UnpublishedModelError
from cosmos_search.models.install import list_models, pull_model
from cosmos_search.models.published import PUBLISHED, RECOMMENDED
from cosmos_search.models.store import ModelStore, default_model
from indexer.errors import CosmosSearchError
from tests.families import save_family

REPOSITORY = PUBLISHED[RECOMMENDED].repository


class Hub(http.server.BaseHTTPRequestHandler):
    """Serves `root`/OWNER/NAME/FILE as /OWNER/NAME/resolve/main/FILE."""

    def __init__(self, root, *args):
        self.root = root
        super().__init__(*args)

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self):
        repository, _, name = self.path.strip("/").partition("/resolve/main/")
        file = self.root / repository / name
        if not file.is_file():
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound" if file.parent.is_dir() else "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def root(tmp_path):
    return tmp_path / "hub"


@pytest.fixture
def endpoint(root):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Hub, root))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "models")


def test_a_listed_model_is_pulled_by_its_name_and_is_the_default_for_new_indexes(store, root, endpoint):
    save_family("siglip2", root / REPOSITORY)
    card = pull_model(store, RECOMMENDED, endpoint=endpoint)
    assert (card.name, card.kind, card.source, card.is_english) == (RECOMMENDED, "siglip", REPOSITORY, True)
    assert load_encoder(RECOMMENDED, "cpu", "fp32", store).encode_texts(["a dog"]).shape == (1, card.dim)
    assert default_model(store) == RECOMMENDED
    assert not (store.place / ".downloads" / RECOMMENDED).exists()
    (row,) = (row for row in list_models(store) if row.name == RECOMMENDED)
    assert row.to_dict()["installed"]


def test_any_repository_is_pulled_under_the_last_part_of_its_name_or_another(store, root, endpoint):
    save_family("metaclip_2", root / "somebody" / "a-model")
    card = pull_model(store, "somebody/a-model", endpoint=endpoint)
    assert (card.name, card.kind, card.is_english) == ("a-model", "metaclip_2", False)
    assert pull_model(store, "somebody/a-model", endpoint=endpoint, as_name="mine").name == "mine"


def test_what_cannot_be_pulled_gets_one_sentence_and_leaves_nothing(store, root, endpoint):
    (root / "somebody" / "empty").mkdir(parents=True)
    saved = save_family("chinese_clip", root / "somebody" / "other")
    (saved.folder / "config.json").write_text('{"model_type": "bert"}')
    for name, said in (("somebody/empty", "no weights"), ("somebody/other", "of type bert")):
        with pytest.raises(CosmosSearchError, match=said) as caught:
            pull_model(store, name, endpoint=endpoint)
        assert "\n" not in str(caught.value)
        assert str(store.place) not in str(caught.value)
    with pytest.raises(HubError):
        pull_model(store, "nobody/nothing", endpoint=endpoint)
    for name in ("../up", "a/b/c", "somebody/", "/etc"):
        with pytest.raises(UnpublishedModelError):
            pull_model(store, name, endpoint=endpoint)
    assert store.cards() == []
    assert not list((store.place / ".downloads").rglob("*.safetensors"))
