"""Shards on a Ray cluster find what one index finds, to the last bit of the scores, and say what they can't search."""

import os
import signal
from datetime import datetime
from itertools import pairwise
from threading import Timer
from time import monotonic

import pytest

from cosmos_search.retrieval.rank import rank
from indexer.places import ServerPlace
from indexer.store.filter_record import Filters, Near
from indexer.store.index import Index
from tests.cluster.wait import wait_until
from tests.rows import run_sql
from tests.synthetic import fill, make_queries

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # Ray warns of what it does itself

N_PICTURES, N_TWINS = 1200, 500
FILTERS = {
    "all": None,
    "after": Filters(after=datetime(2020, 6, 1)),
    "before": Filters(before=datetime(2020, 6, 1)),
    "folder": Filters(folder="odd ä"),
    "directory": Filters(directory="/photos/even"),
    "camera": Filters(camera="nikon"),
    "near": Filters(near=Near(48.1, 11.5, 20.0)),
    "pixels": Filters(min_pixels=10_000),
    "orientation": Filters(orientation="portrait"),
    "several": Filters(after=datetime(2020, 6, 1), directory="/photos", min_pixels=3000, orientation="landscape"),
    "nothing": Filters(camera="no such camera"),
}
# Pairs of twins that pass a filter; of the pairs with other filters, one passes.
N_TIES = {"all": N_TWINS, "after": 300, "near": 24, "pixels": 125, "orientation": 125, "several": 150}
QUERIES = make_queries()


@pytest.fixture(scope="module")
def index(postgres, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        index = Index.create(ServerPlace(postgres.new_url()))
        fill(index, N_PICTURES, N_TWINS)
        yield index
        index.close()


@pytest.fixture(scope="module")
def shards(ray_cluster, index, tmp_path_factory):
    yield from start(index, tmp_path_factory.mktemp("shards"), 2, 1)


def start(index, directory, n_shards, n_replicas, **options):
    from cluster.shards import Shards

    shards = Shards(index.place, n_shards, n_replicas, directory=directory, n_cores=0.5, **options)
    wait_until(
        lambda: all(s is not None and s.is_complete for states in shards.states() for s in states), shards.states
    )
    yield shards
    shards.close()


def rank_alone(index, encoded, top, filters):
    with index.snapshot() as snapshot:
        return rank(snapshot, encoded, top, filters)


def pid_of(actor):
    import ray

    return ray.get(actor.__ray_call__.remote(lambda self: os.getpid()))


@pytest.mark.parametrize("name", FILTERS)
def test_two_shards_find_what_one_index_finds(index, shards, name):
    for encoded in QUERIES.values():
        for top in (1, 10, N_PICTURES):
            expected = rank_alone(index, encoded, top, FILTERS[name])
            found = shards.rank(encoded, top, FILTERS[name])
            assert found.missing == ()
            assert found.scores == expected  # pictures, order, scores, cosines and regions
    assert bool(expected) == (name != "nothing")
    assert sum(a.score == b.score for a, b in pairwise(expected)) == N_TIES.get(name, 0)


def test_twins_are_in_the_order_of_their_fingerprints_across_shards(index, shards):
    scores = shards.rank(QUERIES["three"], N_PICTURES).scores
    pairs = [(a, b) for a, b in pairwise(scores) if a.score == b.score]
    assert len(pairs) == N_TWINS
    assert 200 < sum(a.picture_id % 2 != b.picture_id % 2 for a, b in pairs) < 300  # in both shards
    with index.reading() as catalog:
        names = catalog.fingerprints([score.picture_id for score in scores])
    assert all(names[a.picture_id] < names[b.picture_id] for a, b in pairs)


def test_deletions_and_additions_are_seen_within_two_seconds(index, shards):
    encoded = QUERIES["one"]
    best = shards.rank(encoded, 1).scores[0].picture_id
    seconds = []
    for change in (
        lambda: run_sql(
            index.place, f"DELETE FROM files WHERE picture_id = {best}; DELETE FROM pictures WHERE id = {best}"
        ),
        lambda: fill(index, 20, seed=7),
    ):
        change()
        changed = monotonic()
        n_pictures = run_sql(index.place, "SELECT count(*) FROM pictures")[0][0]
        wait_until(lambda n=n_pictures: len(shards.rank(encoded, 10_000).scores) == n, shards.states)
        seconds.append(monotonic() - changed)
    assert best not in {score.picture_id for score in shards.rank(encoded, 10_000).scores}
    assert shards.rank(encoded, 10_000).scores == rank_alone(index, encoded, 10_000, None)
    assert max(seconds) < 2


def test_without_a_replica_the_answer_names_the_missing_share_until_the_shard_is_back(index, shards):
    encoded = QUERIES["one"]
    everything = shards.rank(encoded, 10_000).scores
    os.kill(pid_of(shards.actors[1][0]), signal.SIGKILL)
    rankings = [shards.rank(encoded, 10_000)]
    assert rankings[0].missing == (1,)
    assert rankings[0].scores == [score for score in everything if score.picture_id % 2 == 0]
    wait_until(lambda: shards.rank(encoded, 10_000).missing == (), shards.states)
    assert shards.rank(encoded, 10_000).scores == everything


def test_shards_search_on_while_the_server_is_down_and_follow_it_afterwards(postgres, index, shards):
    encoded = QUERIES["one"]
    before = shards.rank(encoded, 10_000)
    postgres.stop("immediate")
    try:
        wait_until(lambda: all("can't be reached" in problem for problem in list_problems(shards)), shards.states)
        assert shards.rank(encoded, 10_000) == before
    finally:
        postgres.start()
    index.retry(lambda: fill(index, 20, seed=8))
    wait_until(lambda: len(shards.rank(encoded, 10_000).scores) == len(before.scores) + 20, shards.states)
    assert shards.rank(encoded, 10_000).scores == rank_alone(index, encoded, 10_000, None)
    wait_until(lambda: list_problems(shards) == ["None", "None"], shards.states)


def list_problems(shards):
    return [str(state and state.problem) for states in shards.states() for state in states]


def test_with_replicas_a_shard_that_dies_during_a_query_costs_nothing(ray_cluster, index, tmp_path):
    for shards in start(index, tmp_path, 1, 2, restarts=0):
        expected = rank_alone(index, QUERIES["many"], 10_000, None)
        pids = [pid_of(actor) for actor in shards.actors[0]]
        os.kill(pids[0], signal.SIGSTOP)  # so that a query is waiting in it when it dies
        killer = Timer(0.5, os.kill, (pids[0], signal.SIGKILL))
        killer.start()
        for _ in range(2):  # one of them starts with the replica that dies
            found = shards.rank(QUERIES["many"], 10_000)
            assert (found.scores, found.missing) == (expected, ())
        killer.join()
