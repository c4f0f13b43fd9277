import json
from dataclasses import replace
from itertools import islice
from random import Random

import pytest
import torch

from indexer.errors import CosmosSearchError
from tests.pictures import CONFIG, letters, make_folder, make_shards
from trainer.data import Views, batches
from trainer.pairs import open_source


@pytest.fixture
def tokenizer(tmp_path):
    return letters(tmp_path / "letters")


def take(source, tokenizer, n, config=CONFIG, **place):
    return list(islice(batches(source, Views(config, tokenizer), 4, **place), n))


def same(one, other):
    assert one.batch.keys == other.batch.keys
    for ours, theirs in ((one.batch.ids, other.batch.ids), (one.batch.views, other.batch.views)):
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("make", [make_folder, make_shards])
def test_an_epoch_has_every_sample_once(make, tmp_path, tokenizer):
    source = open_source(make(tmp_path / "data"))
    assert source.count() == 36
    loaded = take(source, tokenizer, 9)
    assert len({key for one in loaded for key in one.batch.keys}) == 36
    assert [tuple(view.shape) for view in loaded[0].batch.views] == [(4, 3, 32, 32)] * 2 + [(4, 3, 16, 16)] * 2
    assert [len(ids) for ids in loaded[0].batch.ids] == [4] * 4
    assert loaded[0].batch.ids[0].shape == (4, 12)


@pytest.mark.parametrize("make", [make_folder, make_shards])
def test_epochs_have_orders_and_views_of_their_own(make, tmp_path, tokenizer):
    loaded = take(open_source(make(tmp_path / "data")), tokenizer, 18)
    first, second = ([key for one in part for key in one.batch.keys] for part in (loaded[:9], loaded[9:]))
    assert sorted(first) == sorted(second)
    assert first != second


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_goes_on_where_it_was(workers, tmp_path, tokenizer):
    source, config = open_source(make_shards(tmp_path / "data")), replace(CONFIG, workers=workers)
    loaded = take(source, tokenizer, 9, config)
    read = [0] * max(1, workers)
    for one in loaded[:5]:
        read[one.worker] = one.n_read
    for one, other in zip(take(source, tokenizer, 4, config, n_read=tuple(read), turn=5), loaded[5:], strict=True):
        same(one, other)


@pytest.mark.parametrize("n_shards", [2, 5])
def test_ranks_and_workers_share_the_samples(n_shards, tmp_path, tokenizer):
    source, seen = open_source(make_shards(tmp_path / "data", n_shards)), []
    for stream in range(4):
        seen += [pair.key for pair in source.pairs(Random(1), stream, 4)]
    assert len(seen) == len(set(seen)) == 36


def test_broken_samples_are_passed_over_and_named(tmp_path, tokenizer):
    folder = make_folder(tmp_path / "data")
    (folder / "red-red.jpg").write_bytes(b"no picture")
    (folder / "red-blue.txt").write_text(" \n. ")
    (folder / "blue-red.txt").write_bytes(b"\xff\xfe\x00")
    (folder / "blue-blue.txt").unlink()
    (folder / "blue-blue.json").write_text(json.dumps({"title": "a square"}))
    loaded = take(open_source(folder), tokenizer, 8)
    reasons = {refused.key: refused.reason for one in loaded for refused in one.refused}
    assert reasons.keys() <= {"red-red.jpg", "red-blue.jpg", "blue-red.jpg", "blue-blue.jpg"}
    assert len(reasons) >= 3
    assert "picture" in reasons.get("red-red.jpg", "picture")
    assert "no sentences" in reasons.get("red-blue.jpg", "no sentences")
    assert "caption" in reasons.get("blue-blue.jpg", "caption")


def test_a_truncated_shard_gives_what_it_has(tmp_path, tokenizer):
    folder = make_shards(tmp_path / "data", 2)
    content = (folder / "0000.tar").read_bytes()
    (folder / "0000.tar").write_bytes(content[: len(content) // 2 + 700])
    loaded = take(open_source(folder), tokenizer, 10)
    assert any(refused.key == "0000.tar" for one in loaded for refused in one.refused)


def test_without_crops_there_is_one_view_and_the_whole_caption(tmp_path, tokenizer):
    config = replace(CONFIG, image_crops=False, text_crops=False)
    (one,) = take(open_source(make_folder(tmp_path / "data")), tokenizer, 1, config)
    assert len(one.batch.views) == 1
    assert [tuple(ids.shape) for ids in one.batch.ids] == [(4, 12)]


@pytest.mark.parametrize("has_folder", [True, False])
def test_no_data_is_said(has_folder, tmp_path):
    if has_folder:
        (tmp_path / "data").mkdir()
    with pytest.raises(CosmosSearchError, match="data"):
        open_source(tmp_path / "data")


def test_data_that_is_of_no_use_at_all_is_said(tmp_path, tokenizer):
    folder = make_folder(tmp_path / "data")
    for captions in folder.glob("*.txt"):
        captions.write_text("")
    with pytest.raises(CosmosSearchError, match="no sentences"):
        take(open_source(folder), tokenizer, 1)
