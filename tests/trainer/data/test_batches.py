import json
import os
import pickle
import tarfile
from dataclasses import replace
from io import BytesIO
from itertools import islice
from random import Random

import pytest
import torch

from indexer.errors import CosmosSearchError
from tests.pictures import CONFIG, make_folder, make_shards
from trainer.data.batches import StreamPosition, Views, load_batches
from trainer.data.captions import DREAMLIP_KEYS, read_captions
from trainer.data.errors import SampleError
from trainer.data.samples import Pair, open_source


def take(source, tokenizer, n, config=CONFIG, **start):
    return list(islice(load_batches(source, Views(config, tokenizer), 4, **start), n))


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
    first, second = (
        {key: view for one in epoch for key, view in zip(one.batch.keys, one.batch.views[0], strict=True)}
        for epoch in (loaded[:9], loaded[9:])
    )
    assert first.keys() == second.keys()
    assert list(first) != list(second)
    assert sum(torch.equal(first[key], second[key]) for key in first) < len(first) / 2  # some are of one color


def test_the_config_sets_seed_and_augmentation(tmp_path, tokenizer):
    pairs = open_source(make_folder(tmp_path / "data")).pairs(Random(0), 0, 1)
    pair = next(pair for pair in pairs if pair.key == "red-blue.jpg")
    one, again, other = (Views(replace(CONFIG, seed=seed), tokenizer)(pair, 0) for seed in (0, 0, 1))
    assert all(map(torch.equal, one.images, again.images))
    assert not all(map(torch.equal, one.images, other.images))
    plain = Views(replace(CONFIG, augment=False), tokenizer).multi_crop
    assert not any(crop.augment for crop in plain.crops)


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_resumes_at_a_position(workers, tmp_path, tokenizer):
    source, config = open_source(make_shards(tmp_path / "data")), replace(CONFIG, workers=workers)
    loaded = take(source, tokenizer, 20, config)
    for n_done in (5, 9, 16):  # within the first epoch, at its end, and within the second
        positions = [StreamPosition()] * max(1, workers)
        for one in loaded[:n_done]:
            positions[one.worker] = one.position
        again = take(source, tokenizer, 20 - n_done, config, positions=tuple(positions), n_done=n_done)
        for one, other in zip(again, loaded[n_done:], strict=True):
            same(one, other)


@pytest.mark.parametrize("n_shards", [2, 5])
def test_ranks_and_workers_share_the_samples(n_shards, tmp_path, tokenizer):
    source, seen = open_source(make_shards(tmp_path / "data", n_shards)), []
    for stream in range(4):
        seen += [pair.key for pair in source.pairs(Random(1), stream, 4)]
    assert len(seen) == len(set(seen)) == 36


def test_broken_samples_are_skipped_and_named(tmp_path, tokenizer):
    folder = make_folder(tmp_path / "data")
    (folder / "red-red.jpg").write_bytes(b"no picture")
    (folder / "red-blue.txt").write_text(" \n. ")
    (folder / "blue-red.txt").write_bytes(b"\xff\xfe\x00")
    (folder / "blue-blue.txt").unlink()
    (folder / "blue-blue.json").write_text(json.dumps({"title": "a square"}))
    loaded = take(open_source(folder), tokenizer, 9)  # the first epoch, and a little more
    reasons = {skipped.key: skipped.reason for one in loaded for skipped in one.skipped}
    assert reasons.keys() == {"red-red.jpg", "red-blue.jpg", "blue-red.jpg", "blue-blue.jpg"}
    assert "picture" in reasons["red-red.jpg"]
    assert reasons["red-blue.jpg"] == "it has no sentences"
    assert "its captions cannot be read" in reasons["blue-red.jpg"]
    assert reasons["blue-blue.jpg"] == "its captions have no key 'caption'"


def test_a_truncated_shard_gives_what_it_has(tmp_path, tokenizer):
    folder = make_shards(tmp_path / "data", 2)
    content = (folder / "0000.tar").read_bytes()
    (folder / "0000.tar").write_bytes(content[: len(content) // 2 + 700])
    loaded = take(open_source(folder), tokenizer, 10)
    assert any(skipped.key == "0000.tar" for one in loaded for skipped in one.skipped)


def test_without_crops_there_is_one_view_and_the_whole_caption(tmp_path, tokenizer):
    config = replace(CONFIG, image_crops=False, text_crops=False)
    (one,) = take(open_source(make_folder(tmp_path / "data")), tokenizer, 1, config)
    assert len(one.batch.views) == 1
    assert [tuple(ids.shape) for ids in one.batch.ids] == [(4, 12)]


@pytest.mark.parametrize("has_folder", [True, False])
def test_a_folder_without_data_is_an_error(has_folder, tmp_path):
    if has_folder:
        (tmp_path / "data").mkdir()
    with pytest.raises(CosmosSearchError, match="data"):
        open_source(tmp_path / "data")


@pytest.mark.parametrize("workers", [0, 2])
def test_data_without_a_usable_sample_is_an_error(workers, tmp_path, tokenizer):
    folder = make_folder(tmp_path / "data")
    for captions in folder.glob("*.txt"):
        captions.write_text("")
    with pytest.raises(CosmosSearchError, match=r"no sentences\.$"):
        take(open_source(folder), tokenizer, 1, replace(CONFIG, workers=workers))


@pytest.mark.parametrize("workers", [0, 2])
def test_no_samples_and_too_few_are_errors(workers, tmp_path, tokenizer):
    (tmp_path / "empty").mkdir()
    with tarfile.open(tmp_path / "empty" / "0.tar", "w"):
        pass
    with pytest.raises(CosmosSearchError, match=r"^There are no samples in the data\.$"):
        take(open_source(tmp_path / "empty"), tokenizer, 1, replace(CONFIG, workers=workers))
    folder = make_folder(tmp_path / "one")
    for path in sorted(folder.iterdir())[2:]:
        path.unlink()
    if workers:
        with pytest.raises(CosmosSearchError, match="fewer samples than workers"):
            take(open_source(folder), tokenizer, 9, replace(CONFIG, workers=workers))


def shard(path, files):
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))


def test_samples_of_one_name_in_several_folders_of_a_shard_are_several(tmp_path):
    (tmp_path / "data").mkdir()
    shard(tmp_path / "data" / "0.tar", {"a/1.jpg": b"A", "a/1.txt": b"a", "b/1.jpg": b"B", "b/1.txt": b"b"})
    pairs = list(open_source(tmp_path / "data").pairs(Random(0), 0, 1))
    assert [(pair.key, pair.picture, pair.captions) for pair in pairs] == [
        ("0.tar/a/1", b"A", b"a"),
        ("0.tar/b/1", b"B", b"b"),
    ]


def test_a_sample_that_was_whole_before_the_damage_is_kept(tmp_path):
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "0.tar"
    shard(path, {"1.jpg": b"A", "1.txt": b"a", "2.jpg": bytes(5000)})
    path.write_bytes(path.read_bytes()[:3000])
    first, damage = open_source(tmp_path / "data").pairs(Random(0), 0, 1)
    assert first.key == "0.tar/1"
    assert "damaged" in damage.reason


def test_a_file_name_that_cannot_be_decoded_is_read(tmp_path, tokenizer):
    folder = make_folder(tmp_path / "data")
    for path in (folder / "red-red.jpg", folder / "red-red.txt"):
        path.rename(os.fsdecode(os.fsencode(folder) + b"/caf\xe9" + path.suffix.encode()))
    keys = [key for one in take(open_source(folder), tokenizer, 9) for key in one.batch.keys]
    assert "caf\\xe9.jpg" in keys


@pytest.mark.parametrize(
    ("mode", "record", "said"),
    [
        ("sentences", {"caption": None}, "caption is not a text"),
        ("pixelprose", {"original_caption": 5, "caption": "A."}, "original_caption is not a text"),
        ("dreamlip", dict.fromkeys(DREAMLIP_KEYS, "A dog. A cat."), "raw_caption is not a list"),
        ("dreamlip", {key: ["A dog", None] for key in DREAMLIP_KEYS}, "raw_caption is not a list"),
        ("dreamlip", {"raw_caption": ["A dog"]}, "no key 'shortIB_captions'"),
        ("sentences", ["A dog"], "not a JSON object"),
    ],
)
def test_captions_of_another_form_are_refused_with_the_reason(mode, record, said):
    with pytest.raises(SampleError, match=said):
        read_captions(Pair("a", b"", json.dumps(record).encode(), ".json"), mode)


def test_a_sample_error_survives_a_process_border():
    error = pickle.loads(pickle.dumps(SampleError("it has no caption")))
    assert (type(error), error.reason, str(error)) == (SampleError, "it has no caption", "it has no caption")


def test_empty_sentences_are_left_out():
    record = {key: ["A dog", "", " "] for key in DREAMLIP_KEYS}
    assert read_captions(Pair("a", b"", json.dumps(record).encode(), ".json"), "dreamlip") == ("A dog", ["A dog"] * 7)
