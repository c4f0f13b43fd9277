"""What goes wrong with a server and the connection to it. Each is one sentence, and no password is in it."""

import logging
import os
import pickle
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner

import cosmos_search
from cosmos_search.cli.main import main
from cosmos_search.places import parse_place
from indexer.errors import CosmosSearchError, UsageError
from indexer.ingest.update import update
from indexer.places import ServerPlace
from indexer.store.errors import FullDiskError, ServerError
from indexer.store.index import Index
from tests import ROOT
from tests.colour import COLOURS, ColourEncoder, paint, paint_photos
from tests.missing import run_without
from tests.postgres import PASSWORD, Postgres, find_programs
from tests.results import counts, names


@pytest.fixture
def photos(tmp_path):
    return paint_photos(tmp_path / "photos")


@pytest.fixture
def url(postgres, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return postgres.new_url()


def with_password(url, password):
    return url.replace("//cosmos@", f"//guarded:{quote(password, safe='')}@")


def run(url, *arguments, **environment):
    """What a process of its own prints in its single line, and nothing on stderr."""
    command = [sys.executable, "-m", "tests.index_process", url, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.stderr == "", done.stderr
    (line,) = done.stdout.splitlines()
    return line


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# Connections


@pytest.mark.parametrize("command", ["search", "info", "add", "remove"])
def test_a_server_that_can_not_be_reached_is_one_sentence(command, photos):
    line = run(f"postgresql://someone:secret@127.0.0.1:{free_port()}/pictures", command, photos)
    assert "The server of the index at postgresql://someone@127.0.0.1:" in line
    assert "Connection refused" in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda url: with_password(url, "sesame"), "password authentication failed"),
        (lambda url: url.replace("//cosmos@", "//guarded@"), "no password supplied"),
        (lambda url: url.replace("/postgres?", "/elsewhere?"), "does not exist"),
        (lambda url: url.replace("//cosmos@", "//nobody_here@"), "does not exist"),
        (lambda url: "postgresql://someone@no-such-host.invalid/pictures", "no-such-host"),
        (lambda url: f"{url}&nonsense=sesame", "unknown or wrong parameters"),
        (lambda url: f"{url}&sslmode=sesame", "sslmode"),
    ],
)
def test_a_connection_that_is_refused_is_one_sentence(url, change, reason):
    with (
        pytest.raises(CosmosSearchError) as caught,
        cosmos_search.open(change(url), encoder=ColourEncoder()) as library,
    ):
        library.info()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "sesame" not in str(caught.value) or reason == "sslmode"


def test_a_schema_that_does_not_exist_or_may_not_be_used_is_one_sentence(postgres, url, photos):
    missing = postgres.url(options="-csearch_path=nowhere")
    postgres.execute("CREATE SCHEMA closed")
    closed = postgres.url("postgres", "reader", options="-csearch_path=closed")
    postgres.execute("CREATE ROLE reader LOGIN")
    for place, reason in ((missing, "no schema has been selected"), (closed, "permission denied|no schema")):
        with (
            cosmos_search.open(place, encoder=ColourEncoder()) as library,
            pytest.raises(CosmosSearchError, match=reason),
        ):
            library.add(photos)


def test_a_user_who_may_only_read_searches_and_is_told_that_nothing_was_changed(postgres, url, photos):
    with cosmos_search.open(url, encoder=ColourEncoder()) as library:
        library.add(photos)
    postgres.execute("CREATE ROLE visitor LOGIN")
    ((schema,),) = postgres.execute("SELECT current_schema()", place=url)
    postgres.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO visitor")
    with cosmos_search.open(url.replace("//cosmos@", "//visitor@"), encoder=ColourEncoder()) as library:
        assert names(library.search("red", 1)) == ["red.png"]
        with pytest.raises(CosmosSearchError, match="permission denied"):
            library.remove(photos)
        with pytest.raises(CosmosSearchError, match="permission denied"):
            library.add(photos)


def test_the_missing_driver_is_named_with_its_extra(tmp_path):
    done = run_without(("psycopg",), tmp_path, "info", "--index", "postgresql://someone:sesame@host/pictures")
    sentence = (
        "An index on a server needs psycopg; in the folder of the clone: pip install -c constraints.txt '.[cluster]'"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {sentence}\n")


# Passwords


def test_a_password_comes_from_the_url_a_file_or_the_environment_and_is_shown_nowhere(
    url, photos, tmp_path, capfd, caplog
):
    caplog.set_level(logging.DEBUG)
    whole, without = with_password(url, PASSWORD), url.replace("//cosmos@", "//guarded@")
    with cosmos_search.open(whole, encoder=ColourEncoder()) as library:
        library.add(photos)
        info = library.info()
        shown = f"{library.place} {library.place!r} {info} {info.to_dict()} {vars(library)}"
    done = CliRunner().invoke(main, ["info", "--index", whole])
    assert done.exit_code == 0, done.output
    assert "Pictures  8" in done.output
    secrets = tmp_path / "secrets"
    secrets.write_text(f"*:*:*:guarded:{PASSWORD.replace(':', chr(92) + ':')}\n")
    secrets.chmod(0o600)
    assert run(without, "info", PGPASSFILE=str(secrets)) == "8 pictures"
    assert run(without, "info", PGPASSWORD=PASSWORD) == "8 pictures"
    for text in (shown, done.output, caplog.text, *capfd.readouterr()):
        assert not any(secret in text for secret in (PASSWORD, quote(PASSWORD, safe=""), "s@cret", "s%40cret"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://", "postgresql://"),
        ("postgres://host/db", "postgres://host/db"),
        ("postgresql://user:sesame@host:5432/db", "postgresql://user@host:5432/db"),
        ("postgresql://user:@host/db", "postgresql://user@host/db"),
        ("postgresql://:sesame@host/db", "postgresql://host/db"),
        ("postgresql://[::1]:5432/db", "postgresql://[::1]:5432/db"),
        ("postgresql://u:sesame@[::1],other:1/db", "postgresql://u@[::1],other:1/db"),
        ("postgresql://host/db?password=sesame", "postgresql://host/db"),
        ("postgresql://host/db?p%61ssword=sesame&user=me", "postgresql://host/db?user=me"),
        ("postgresql:///db?host=/run/x&sslpassword=sesame", "postgresql:///db?host=/run/x"),
    ],
)
def test_a_place_is_shown_without_its_secrets(url, shown):
    place = parse_place(url)
    assert (str(place), repr(place)) == (shown, f"ServerPlace({shown!r})")
    assert pickle.loads(pickle.dumps(place)) == place
    assert "sesame" not in repr(ServerError(place, "x")) + str(ServerError(place, "x"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:ses@me@host/db",
        "postgresql://user:ses/ame@host/db",
        "postgresql://user:ses?ame@host/db",
        "postgresql://user:sesame%zz@host/db",
        "postgresql://user:sesame%00@host/db",
        "postgresql+psycopg://user:sesame@host/db",
        "PostgreSQL://user:sesame@host/db",
        "postgresql:/user:sesame@host/db",
    ],
)
def test_a_url_that_is_not_valid_is_refused_without_being_quoted(url):
    with pytest.raises(UsageError, match="is not valid") as caught:
        parse_place(url)
    assert "ses" not in str(caught.value)
    done = CliRunner().invoke(main, ["info", "--index", url])
    assert done.exit_code == 2
    assert "ame" not in done.output.replace("name", "")


# A server that goes away


def add_many(photos, n=150):
    for i in range(n):
        paint(photos / "many" / f"{i:03}.png", COLOURS[i % 8], seed=100 + i)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_is_restarted_while_a_run_goes_on_costs_nothing_but_time(postgres, url, photos, mode):
    add_many(photos)
    restarts = []

    def restart(report):
        if report.embedded and len(restarts) < 2:
            restarts.append(report.embedded)
            postgres.stop(mode)
            postgres.start()

    with cosmos_search.open(url, encoder=ColourEncoder()) as library:
        assert counts(library.add(photos, on_progress=restart)) == {"added": 158}
        assert len(restarts) == 2
        assert counts(library.add(photos)) == {"kept": 158}
        assert len(library.search("red", 200, include_unlikely=True)) == 158


class ImpatientIndex(Index):
    retry_after_s = (0.01, 0.01)


def test_a_server_that_does_not_come_back_ends_the_run_with_one_sentence_and_loses_nothing(postgres, url, photos):
    add_many(photos)
    written = []

    def stop(report):
        if report.added and not written:
            written.append(report.added)
            postgres.stop()

    index = ImpatientIndex.create(ServerPlace(url))
    try:
        with closing(index), pytest.raises(ServerError, match="can't be reached") as caught:
            update(index, ColourEncoder(), [photos], on_progress=stop)
        assert "What was indexed before is kept" in str(caught.value)
        with (
            cosmos_search.open(url, encoder=ColourEncoder()) as library,
            pytest.raises(ServerError, match="can't be reached"),
        ):
            library.search("red")
    finally:
        postgres.start()
    with cosmos_search.open(url, encoder=ColourEncoder()) as library:
        assert counts(library.add(photos)) == {"added": 158 - written[0], "kept": written[0]}


def test_an_open_library_goes_on_after_a_restart(postgres, url, photos):
    with cosmos_search.open(url, encoder=ColourEncoder()) as library:
        library.add(photos)
        postgres.stop()
        with pytest.raises(ServerError):
            library.search("red")
        postgres.start()
        assert names(library.search("red", 1)) == ["red.png"]


def can_mount():
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk():
    """The URL of a server whose tables are on a disk of 1.5 MB."""
    if os.geteuid() or not shutil.which("unshare") or not can_mount():
        pytest.skip("no file system can be mounted")
    disk = Path(tempfile.mkdtemp(prefix="disk-"))
    owner = Postgres.find_user()
    mount = f"mount -t tmpfs -o size=1500k,mode=0700,uid={owner.pw_uid},gid={owner.pw_gid} tmpfs {disk}"
    server = Postgres(find_programs(), ("unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"))
    server.start()
    try:
        server.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        yield server.url(options="-cdefault_tablespace=small")
    finally:
        server.close()
        disk.rmdir()


def test_a_full_disk_of_the_server_is_one_sentence_and_what_was_indexed_before_is_kept(
    postgres, small_disk, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    photos = tmp_path / "photos"
    add_many(photos, 1500)
    written = []
    with cosmos_search.open(small_disk, encoder=ColourEncoder()) as library:
        with pytest.raises(FullDiskError, match=r"is full\. What was indexed before is kept"):
            library.add(photos, regions="fine", on_progress=lambda report: written.append(report.added))
        assert library.n_pictures() == max(written) > 0
        assert names(library.search("red", 1))
