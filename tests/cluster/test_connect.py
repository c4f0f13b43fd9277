"""Connect to a cluster, and what can be wrong with it. Each is one sentence."""

import os
import subprocess
import sys
from dataclasses import replace
from time import monotonic

import pytest

from cluster.versions import NodeVersions, check_versions, read_versions
from cosmos_search import ClusterAddressError, ClusterVersionError
from tests import ROOT

OWN = NodeVersions("here", "3.11.2", "2.60.0", "0.1.0")
CONNECT = """
import sys
from cluster.connect import connect, disconnect
from indexer.errors import CosmosSearchError
try:
    connect(sys.argv[1])
    print("connected")
    disconnect()
except CosmosSearchError as error:
    print(type(error).__name__, error)
"""


def connect(address, **environment):
    """What a process of its own prints, and how long it took."""
    started = monotonic()
    done = subprocess.run(
        [sys.executable, "-c", CONNECT, address],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
    )
    return done.stdout.strip(), monotonic() - started


def test_machines_with_the_same_versions_are_accepted():
    check_versions(OWN, [replace(OWN, node="there"), OWN])
    check_versions(read_versions(), [read_versions()])


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"python": "3.12.1"}, "there has Python 3.12.1 and here 3.11.2"),
        ({"ray": "2.61.0"}, "there has Ray 2.61.0 and here 2.60.0"),
        ({"program": "0.2.0"}, "there has cosmos-search 0.2.0 and here 0.1.0"),
    ],
)
def test_a_machine_with_another_version_is_named(other, difference):
    with pytest.raises(ClusterVersionError) as caught:
        check_versions(OWN, [replace(OWN, node="third"), replace(OWN, node="there", **other)])
    assert str(caught.value).endswith(f": {difference}.")


@pytest.mark.parametrize("address", ["", "http://head:1", "head", "ray://head", "ray://head:x", "local:1:2"])
def test_an_address_that_is_not_valid_is_refused(address):
    from cluster.connect import connect

    with pytest.raises(ClusterAddressError):
        connect(address)


@pytest.mark.slow
def test_a_cluster_is_joined_with_its_token_and_refuses_another_within_seconds(ray_cluster):
    said, seconds = connect(ray_cluster.address)
    assert said == "connected"
    refused, until_refused = connect(ray_cluster.address, RAY_AUTH_TOKEN="1" * 64)
    assert refused.startswith("ClusterTokenError The Ray cluster at")
    assert until_refused < seconds + 10  # Ray itself would try for 20 seconds


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999"])
def test_a_cluster_that_is_not_there_is_one_sentence(address):
    said, _ = connect(address)
    assert said.startswith(f"NoClusterError There is no Ray cluster at {address} (")
    assert "\n" not in said
