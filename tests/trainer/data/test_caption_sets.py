import json
import shutil
from random import Random

import pytest
from click.testing import CliRunner

from indexer.errors import CosmosSearchError, UsageError
from tests.pictures import make_shards, squares
from trainer.cli import train
from trainer.data.captions import read_captions, sample_captions
from trainer.data.errors import AlreadyShardsError, NoPicturesError, SampleError
from trainer.data.samples import Pair, SkippedSample, open_source
from trainer.data.shards import prepare

FOLDERS = ["Flicker8k_Dataset", "Flickr8k_Dataset", "flickr30k-images", "Images", "images", "."]
CAPTIONS = {
    "red-blue.jpg": ["A blue square .", "Blue, on red. It is small."],
    "red-green.jpg": ["A green square", 'A "green" one, on red'],
}


def make_pictures(folder, names=CAPTIONS):
    folder.mkdir(exist_ok=True, parents=True)
    for name, picture, _ in squares():
        if f"{name}.jpg" in names:
            (folder / f"{name}.jpg").write_bytes(picture)


def write_tokens(path, captions=CAPTIONS, end="\n", extra=b""):
    lines = [f"{name}#{i}\t{text}" for name, texts in captions.items() for i, text in enumerate(texts)]
    path.write_bytes(end.join([*lines, ""]).encode() + extra)
    return path


def write_karpathy(path, images=None, folder=None):
    if images is None:
        images = [
            {"filename": name, "split": split, "sentences": [{"raw": text, "tokens": []} for text in texts]}
            for (name, texts), split in zip(CAPTIONS.items(), ("train", "val"), strict=True)
        ]
    if folder is not None:
        images = [{"filepath": folder} | image for image in images]
    path.write_text(json.dumps({"images": images, "dataset": "flickr8k"}))
    return path


def read_pools(shards):
    pairs = list(open_source(shards).pairs(Random(0), 0, 1))
    return [read_captions(pair, "sentences")[1] for pair in pairs]


def read_refused(shards):
    return {one["pair"]: one["reason"] for one in map(json.loads, (shards / "refused.jsonl").read_text().splitlines())}


POOLS = [["A blue square", "Blue, on red. It is small"], ["A green square", 'A "green" one, on red']]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("folder", FOLDERS)
def test_all_captions_of_a_picture_are_in_one_sample(folder, end, tmp_path):
    make_pictures(tmp_path / folder)
    source = write_tokens(tmp_path / "Flickr8k.token.txt", end=end)
    done = prepare(source, tmp_path / "shards")
    assert (done.n_pairs, done.n_skipped, dict(done.text_modes)) == (2, 0, {"sentences": 2})
    assert read_pools(tmp_path / "shards") == POOLS


def test_flickr30k_and_a_byte_order_mark_are_read(tmp_path):
    make_pictures(tmp_path / "flickr30k_images")
    source = write_tokens(tmp_path / "results_20130124.token")
    source.write_bytes(b"\xef\xbb\xbf" + source.read_bytes())
    prepare(source, tmp_path / "shards")
    assert read_pools(tmp_path / "shards") == POOLS


@pytest.mark.parametrize("is_quoted", [True, False])
def test_kaggles_commas_are_quoted_or_not(is_quoted, tmp_path):
    make_pictures(tmp_path / "Images")
    rows = [(name, text) for name, texts in CAPTIONS.items() for text in texts]
    if is_quoted:
        rows = [(name, '"' + text.replace('"', '""') + '"') for name, text in rows]
    (tmp_path / "captions.txt").write_text("\n".join(["image,caption", *map(",".join, rows)]) + "\n")
    prepare(tmp_path, tmp_path / "shards")
    assert read_pools(tmp_path / "shards") == POOLS


def test_a_quote_without_its_end_belongs_to_the_caption(tmp_path):
    make_pictures(tmp_path)
    lines = ["image,caption", 'red-blue.jpg,"Blue" it says, on red', 'red-green.jpg,"Green, on red']
    (tmp_path / "captions.txt").write_text("\n".join(lines))
    prepare(tmp_path / "captions.txt", tmp_path / "shards")
    assert read_pools(tmp_path / "shards") == [['"Blue" it says, on red'], ['"Green, on red']]


@pytest.mark.parametrize("name", ["dataset_flickr8k.json", "dataset.json"])
def test_karpathys_json_is_read(name, tmp_path):
    make_pictures(tmp_path / "images")
    source = write_karpathy(tmp_path / name)
    prepare(source, tmp_path / "file")
    assert read_pools(tmp_path / "file") == POOLS
    shutil.rmtree(tmp_path / "file")
    prepare(tmp_path, tmp_path / "folder")
    assert read_pools(tmp_path / "folder") == POOLS


@pytest.mark.parametrize("place", ["val2014", "images/val2014", "images"])
def test_karpathys_filepath_is_a_folder_of_pictures(place, tmp_path):
    make_pictures(tmp_path / place)
    prepare(write_karpathy(tmp_path / "dataset_coco.json", folder="val2014"), tmp_path / "shards")
    assert read_pools(tmp_path / "shards") == POOLS


@pytest.mark.parametrize(
    ("split", "pools"), [("train", POOLS[:1]), ("val", POOLS[1:]), ("train,val", POOLS), ("val, train", POOLS)]
)
def test_a_split_of_karpathys_json_leaves_out_the_others(split, pools, tmp_path):
    make_pictures(tmp_path)
    done = prepare(write_karpathy(tmp_path / "dataset_coco.json"), tmp_path / "shards", split=split)
    assert read_pools(tmp_path / "shards") == pools
    assert done.n_skipped == 0


@pytest.mark.parametrize("kind", ["token", "table"])
def test_a_split_file_leaves_out_the_others_and_names_those_without_captions(kind, tmp_path):
    make_pictures(tmp_path)
    if kind == "token":
        source = write_tokens(tmp_path / "my tokens.token.txt", extra=b"red-blue.jpg#9\t\n")
    else:
        source = tmp_path / "captions.txt"
        source.write_text("image,caption\nred-green.jpg,A green square\nred-blue.jpg,\n")
    (tmp_path / "train.txt").write_bytes(b"red-green.jpg \r\nother.jpg\r\n\r\n")
    prepare(source, tmp_path / "shards", split=str(tmp_path / "train.txt"))
    assert [pool[0] for pool in read_pools(tmp_path / "shards")] == ["A green square"]
    assert read_refused(tmp_path / "shards") == {"other.jpg": f"it has no caption in {source.name}"}


def test_what_a_token_file_lacks_is_named_with_line_and_reason(tmp_path):
    make_pictures(tmp_path / "images", [*CAPTIONS, "red-red.jpg"])
    extra = (
        b"2258277193_586949ec62.jpg.1#0\tTwo people\n"
        b"red-blue.jpg#7\t .\nred-blue.jpg#8\tcaf\xe9\nred-blue.jpg A square\n"
        b"gone.jpg#0\tA square\nred-red.jpg#0\t\n\n"
    )
    source = write_tokens(tmp_path / "Flickr8k.token.txt", extra=extra)
    done = prepare(source, tmp_path / "shards")
    assert done.n_pairs == 2
    assert read_refused(tmp_path / "shards") == {
        "Flickr8k.token.txt:6 red-blue.jpg": "its caption is empty",
        "Flickr8k.token.txt:7 red-blue.jpg": "its caption is not valid UTF-8",
        "Flickr8k.token.txt:8": "the line is damaged: it is not NAME#NUMBER, a tab and a caption",
        "Flickr8k.token.txt:10 red-red.jpg": "its caption is empty",
        "Flickr8k.token.txt 2258277193_586949ec62.jpg.1": "there is no such picture",
        "Flickr8k.token.txt gone.jpg": "there is no such picture",
        "Flickr8k.token.txt red-red.jpg": "it has no caption",
    }
    assert done.n_skipped == sum(done.reasons.values()) == 7


def test_a_damaged_line_of_a_table_is_named(tmp_path):
    make_pictures(tmp_path)
    (tmp_path / "captions.txt").write_text("image,caption\nred-blue.jpg,blue\nno comma\n,blue\nred-blue.jpg,\n")
    prepare(tmp_path / "captions.txt", tmp_path / "shards")
    assert read_refused(tmp_path / "shards") == {
        "captions.txt:3": "the line is damaged: it is not NAME,CAPTION",
        "captions.txt:4": "the line is damaged: it is not NAME,CAPTION",
        "captions.txt:5 red-blue.jpg": "its caption is empty",
    }


def test_what_an_image_of_karpathys_json_lacks_is_named(tmp_path):
    make_pictures(tmp_path)
    name = "red-blue.jpg"
    good = {"filename": name, "split": "train", "sentences": [{"raw": "blue"}, {"raw": " "}, {}, 5, {"raw": "\ud800"}]}
    images = [
        good,
        {"filename": name, "sentences": [{"raw": "blue"}]},
        {"filename": name, "split": "train"},
        {"filename": name, "split": "train", "sentences": "blue"},
        {"split": "train", "sentences": []},
        {"filename": "red-green.jpg", "split": "train", "sentences": []},
        {"filename": 5, "split": "train", "sentences": []},
        "red",
        {"filename": name, "filepath": None, "split": "train", "sentences": []},
    ]
    prepare(write_karpathy(tmp_path / "dataset.json", images), tmp_path / "shards", split="train")
    assert read_pools(tmp_path / "shards") == [["blue"]]
    assert read_refused(tmp_path / "shards") == {
        f"dataset.json images[0] {name} sentences[1]": "its caption is empty",
        f"dataset.json images[0] {name} sentences[2]": "it has no raw",
        f"dataset.json images[0] {name} sentences[3]": "it is not a JSON object",
        f"dataset.json images[0] {name} sentences[4]": "its caption is not valid UTF-8",
        "dataset.json images[1]": "it has no split",
        "dataset.json images[2]": "it has no sentences",
        "dataset.json images[3]": "its sentences is not a list",
        "dataset.json images[4]": "it has no filename",
        "dataset.json images[6]": "its filename is not a text",
        "dataset.json images[7]": "it is not a JSON object",
        "dataset.json images[8]": "its filepath is not a text",
        "dataset.json red-green.jpg": "it has no caption",
    }


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("dataset.json", "[]", 'no list "images"'),
        ("dataset.json", '{"images": {}}', 'no list "images"'),
        ("dataset.json", "{", "cannot be read"),
        ("dataset.json", "[" * 100_000, "nested too deeply"),
        ("captions.txt", "", "has no captions"),
        ("captions.txt", "image,caption\n", "has no captions"),
        ("a.token.txt", "one line\nanother\n", "has no captions"),
    ],
)
def test_a_file_in_another_form_is_refused(name, content, said, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(CosmosSearchError, match=said):
        prepare(tmp_path / name, tmp_path / "shards")
    assert not (tmp_path / "shards").exists()


def test_an_unknown_split_is_refused_with_those_there_are(tmp_path):
    make_pictures(tmp_path)
    source = write_karpathy(tmp_path / "dataset_coco.json")
    with pytest.raises(CosmosSearchError, match=r"no split 'dev'; its splits are: train, val\.$"):
        prepare(source, tmp_path / "shards", split="dev,train")
    source = write_tokens(tmp_path / "Flickr8k.token.txt")
    with pytest.raises(CosmosSearchError, match=r"'train' cannot be read .* one picture name a line\.$"):
        prepare(source, tmp_path / "shards", split="train")
    (tmp_path / "none.txt").write_text("\n")
    with pytest.raises(CosmosSearchError, match="lists no picture"):
        prepare(source, tmp_path / "shards", split=str(tmp_path / "none.txt"))


def test_a_table_has_no_split_and_no_folder_of_pictures(tmp_path):
    (tmp_path / "captions.csv").write_text("path,caption\na.jpg,red\n")
    for options in ({"split": "train"}, {"images": tmp_path}):
        with pytest.raises(UsageError, match="no splits"):
            prepare(tmp_path / "captions.csv", tmp_path / "shards", **options)


def test_pictures_are_somewhere_else(tmp_path):
    make_pictures(tmp_path / "elsewhere")
    (tmp_path / "flickr").mkdir()
    source = write_tokens(tmp_path / "flickr" / "Flickr8k.token.txt")
    with pytest.raises(NoPicturesError, match=r"None of the 2 pictures .* is in ") as caught:
        prepare(source, tmp_path / "shards")
    assert caught.value.folders == (tmp_path / "flickr",)
    done = CliRunner().invoke(train, ["prepare", str(source), str(tmp_path / "shards")])
    assert done.exit_code == 1
    assert "--images DIR" in done.output
    options = ["--images", str(tmp_path / "elsewhere")]
    done = CliRunner().invoke(train, ["prepare", str(source), str(tmp_path / "shards"), *options])
    assert done.exit_code == 0, done.output
    assert read_pools(tmp_path / "shards") == POOLS
    with pytest.raises(CosmosSearchError, match="no folder"):
        prepare(source, tmp_path / "again", images=tmp_path / "missing")


def test_an_unclear_folder_is_refused(tmp_path):
    make_pictures(tmp_path)
    write_tokens(tmp_path / "Flickr8k.token.txt")
    write_tokens(tmp_path / "Flickr8k.lemma.token.txt")  # part of the archive
    prepare(tmp_path, tmp_path / "shards")
    assert read_pools(tmp_path / "shards") == POOLS
    (tmp_path / "red-blue.txt").write_text("blue")
    with pytest.raises(CosmosSearchError, match=r"Flickr8k\.token\.txt and pictures with captions beside them"):
        prepare(tmp_path, tmp_path / "again")
    write_karpathy(tmp_path / "dataset_flickr8k.json")
    with pytest.raises(CosmosSearchError, match=r"\(Flickr8k\.token\.txt, dataset_flickr8k\.json\); name the one"):
        prepare(tmp_path, tmp_path / "again")


def test_a_caption_file_of_one_picture_is_no_caption_set(tmp_path):
    make_pictures(tmp_path)
    (tmp_path / "red-blue.jpg").rename(tmp_path / "captions.jpg")
    (tmp_path / "captions.txt").write_text("blue")
    prepare(tmp_path, tmp_path / "shards")
    assert read_pools(tmp_path / "shards") == [["blue"]]


def read_record(record):
    return read_captions(Pair("a", b"", json.dumps(record).encode(), ".json"), "sentences")


def test_a_list_of_captions_is_one_sentence_each_and_joined_as_the_whole():
    whole, pool = read_record({"captions": ["A dog . ", "Two cats. They sleep.", " ", "..."], "caption": "x"})
    assert (whole, pool) == ("A dog. Two cats. They sleep", ["A dog", "Two cats. They sleep"])
    assert read_record({"captions": []}) == ("", [])
    captions = sample_captions(pool, 6, Random(0))
    assert set(captions[2:]) == set(pool)
    for damaged in ("A dog", ["A dog", None], None):
        with pytest.raises(SampleError, match="captions is not a list"):
            read_record({"captions": damaged})


def test_lists_of_captions_in_json_files_survive(tmp_path):
    make_pictures(tmp_path / "beside")
    (tmp_path / "beside" / "red-blue.json").write_text(json.dumps({"captions": ["A dog. It runs.", "Two cats"]}))
    prepare(tmp_path / "beside", tmp_path / "one")
    assert read_pools(tmp_path / "one") == [["A dog. It runs", "Two cats"]]
    (tmp_path / "a.jsonl").write_text(json.dumps({"path": "beside/red-blue.jpg", "captions": ["A dog. It runs.", "B"]}))
    prepare(tmp_path / "a.jsonl", tmp_path / "two")
    assert read_pools(tmp_path / "two") == [["A dog. It runs", "B"]]


def test_a_single_shard_is_a_data_set(tmp_path):
    shard = make_shards(tmp_path / "shards", n_shards=1) / "0000.tar"
    pairs = list(open_source(shard).pairs(Random(0), 0, 1))
    assert len(pairs) == 36
    assert not any(isinstance(pair, SkippedSample) for pair in pairs)
    assert open_source(shard).inventory() == open_source(shard.parent).inventory()
    with pytest.raises(AlreadyShardsError):
        prepare(shard, tmp_path / "again")
    (tmp_path / "a.txt").write_text("x")
    for path in (tmp_path / "a.txt", tmp_path / "gone.tar"):
        with pytest.raises(CosmosSearchError, match=r"\.tar shard"):
            open_source(path)
