import json
from random import Random

import pytest

from tests import DATA
from trainer.data.captions import dreamlip_pool, pixelprose_pool, sample_captions

FIXTURES = json.loads((DATA / "parity/expected/textcrop.json").read_text())


@pytest.mark.parametrize("sample", FIXTURES["samples"], ids=lambda s: f"{s['mode']}-{s['source']}-{s['k']}-{s['seed']}")
def test_sampling_is_the_authors_under_their_seeds(sample):
    source = FIXTURES["sources"][sample["source"]]
    pool = pixelprose_pool(source) if sample["mode"] == "textcrop_pixelprose" else dreamlip_pool(source)
    assert sample_captions(pool, sample["k"], Random(sample["seed"])) == sample["sentences"]


def test_an_empty_pool_is_an_error():
    with pytest.raises(ValueError, match="empty"):
        sample_captions([], 8, Random(0))


def test_a_small_pool_is_repeated():
    captions = sample_captions(["one", "two"], 8, Random(0))
    assert len(captions) == 8
    assert {*captions[2:]} == {"one", "two"}
