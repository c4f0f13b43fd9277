"""Indexing on a Ray cluster gives what one process gives, whatever dies meanwhile."""

import os
import signal
from functools import partial
from threading import Event, Thread

import pytest

import cosmos_search
from tests.cluster.wait import wait_until
from tests.colour import COLOURS, ColourEncoder, paint
from tests.rows import run_sql

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # Ray warns of what it does itself

FILES = "SELECT directory, name, size_bytes, fingerprint, failure FROM files LEFT JOIN pictures p ON p.id = picture_id"
VECTORS = "SELECT fingerprint, data FROM vectors JOIN pictures ON id = picture_id"


class PidEncoder(ColourEncoder):
    """Writes the ids of its process and of its node into a folder when it encodes pictures."""

    def __init__(self, folder, seconds=0.0):
        super().__init__(seconds=seconds)
        self._folder = folder

    def encode_images(self, prepared):
        import ray

        (self._folder / f"{os.getpid()} {ray.get_runtime_context().get_node_id()}").touch()
        return super().encode_images(prepared)


def make_photos(folder, n):
    """Folders with n pictures, some of them copies, and some broken ones."""
    for i in range(n):
        paint(folder / f"d{i // 20}" / f"{i}.png", COLOURS[i % 8], seed=i)
        if i % 10 == 0:
            paint(folder / "copies" / f"{i}.png", COLOURS[i % 8], seed=i)
            (folder / f"d{i // 20}" / f"broken{i}.png").write_bytes(b"no picture")
    return folder


def rows_of(place):
    """The files, failures and vectors of an index, without ids."""
    return [sorted(map(repr, map(plain, run_sql(place, query)))) for query in (FILES, VECTORS)]


def plain(row):
    return [bytes(value) if isinstance(value, memoryview) else value for value in row]


def index_on_cluster(place, photos, load, **options):
    from cluster.index_workers import ClusterWorkers

    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        distribute = ClusterWorkers(place, load, cores_a_worker=2, task_files=30)
        return library.add(photos, distribute=distribute, **options)


def test_two_workers_of_which_one_is_killed_write_what_one_process_writes(ray_cluster, server_place, tmp_path):
    photos, pids, alone = make_photos(tmp_path / "photos", 200), tmp_path / "pids", tmp_path / "index"
    pids.mkdir()
    killed = []

    def kill_one():
        wait_until(lambda: list(pids.iterdir()))
        killed.append(int(next(pids.iterdir()).name.split()[0]))
        os.kill(killed[0], signal.SIGKILL)

    killer = Thread(target=kill_one)
    killer.start()
    report = index_on_cluster(server_place, photos, partial(PidEncoder, pids, 0.05))
    killer.join()
    with cosmos_search.open(alone, encoder=ColourEncoder()) as library:
        expected = library.add(photos)
    assert rows_of(server_place) == rows_of(alone)
    assert len(list(pids.iterdir())) >= 2
    assert os.getpid() not in killed
    counts = [(r.added, r.updated, r.kept, r.failed_before, r.is_stopped) for r in (report, expected)]
    assert counts[0] == counts[1]
    assert sorted(f.path for f in report.failed) == sorted(f.path for f in expected.failed)
    again = index_on_cluster(server_place, photos, partial(PidEncoder, pids))
    assert (again.added, again.kept, again.failed_before) == (0, expected.added, len(expected.failed))


def test_a_node_that_is_lost_costs_nothing_but_time(ray_cluster, second_node, server_place, tmp_path):
    photos, pids, alone = make_photos(tmp_path / "photos", 300), tmp_path / "pids", tmp_path / "index"
    pids.mkdir()

    def kill_node():
        wait_until(lambda: any(path.name.endswith(second_node.node_id) for path in pids.iterdir()))
        ray_cluster.remove_node(second_node, allow_graceful=False)

    killer = Thread(target=kill_node)
    killer.start()
    report = index_on_cluster(server_place, photos, partial(PidEncoder, pids, 0.05))
    killer.join()
    with cosmos_search.open(alone, encoder=ColourEncoder()) as library:
        expected = library.add(photos)
    assert rows_of(server_place) == rows_of(alone)
    assert (report.added, len(report.failed)) == (expected.added, len(expected.failed)) == (330, 30)


def test_a_stopped_run_keeps_what_it_indexed_and_resumes(ray_cluster, server_place, tmp_path):
    photos, stop = make_photos(tmp_path / "photos", 100), Event()
    load = partial(ColourEncoder, seconds=0.05)
    report = index_on_cluster(server_place, photos, load, stop=stop, on_progress=lambda report: stop.set())
    assert report.is_stopped
    rest = index_on_cluster(server_place, photos, partial(ColourEncoder))
    assert report.added + rest.added == 110
    assert run_sql(server_place, "SELECT count(*) FROM pictures") == [(100,)]


def test_a_server_that_is_restarted_meanwhile_costs_nothing_but_time(ray_cluster, postgres, server_place, tmp_path):
    photos, restarts = make_photos(tmp_path / "photos", 200), []

    def restart():
        wait_until(lambda: run_sql(server_place, "SELECT to_regclass('pictures') IS NOT NULL") == [(True,)])
        wait_until(lambda: run_sql(server_place, "SELECT count(*) > 0 FROM pictures") == [(True,)])
        postgres.stop("immediate")
        postgres.start()
        restarts.append(run_sql(server_place, "SELECT count(*) FROM pictures")[0][0])

    restarter = Thread(target=restart)
    restarter.start()
    report = index_on_cluster(server_place, photos, partial(ColourEncoder, seconds=0.05))
    restarter.join()
    assert 0 < restarts[0] < 200
    assert (report.added, len(report.failed)) == (220, 20)
    assert run_sql(server_place, "SELECT count(*) FROM pictures") == [(200,)]
    assert run_sql(server_place, "SELECT count(*) FROM vectors") == [(200,)]


def test_an_error_of_a_worker_is_that_of_the_run(ray_cluster, server_place, tmp_path):
    photos = make_photos(tmp_path / "photos", 10)
    with pytest.raises(cosmos_search.OtherEncoderError):
        index_on_cluster(server_place, photos, partial(ColourEncoder, version="2"))
