import csv
import io
import json
import os
import tarfile
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from PIL import Image

from indexer.errors import CosmosSearchError, UsageError
from tests.pictures import COLOURS, make_folder, make_shards, squares
from trainer.cli import train
from trainer.data.captions import DREAMLIP_KEYS, read_captions
from trainer.data.errors import AlreadyShardsError
from trainer.data.samples import Pair, open_source
from trainer.data.shards import prepare


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, picture, _ in squares():
        (folder / f"{name}.jpg").write_bytes(picture)
    return folder


def write_csv(path, rows, **options):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), **options)
        writer.writeheader()
        writer.writerows(rows)
    return path


def pairs_in(folder):
    pairs = list(open_source(folder).pairs(Random(0), 0, 1))
    assert all(isinstance(pair, Pair) for pair in pairs), pairs
    return sorted(pairs, key=lambda pair: pair.key)


def refused(folder):
    return {one["pair"]: one["reason"] for one in map(json.loads, (folder / "refused.jsonl").read_text().splitlines())}


def test_a_table_becomes_shards_with_the_same_pictures_and_captions(photos, tmp_path):
    rows = [{"path": f"photos/{name}.jpg", "caption": caption} for name, _, caption in squares()]
    done = prepare(write_csv(tmp_path / "captions.csv", rows), tmp_path / "shards", shard_bytes=5000)
    assert (done.n_pairs, done.n_skipped, dict(done.text_modes)) == (36, 0, {"sentences": 36})
    assert done.n_shards > 3
    assert len(list((tmp_path / "shards").glob("*.tar"))) == done.n_shards
    pairs = pairs_in(tmp_path / "shards")
    assert [pair.picture for pair in pairs] == [picture for _, picture, _ in squares()]
    assert [read_captions(pair, "sentences")[0] for pair in pairs] == [caption for *_, caption in squares()]


@pytest.mark.parametrize("kind", ["tsv", "jsonl", "folder"])
def test_other_lists_become_the_same_shards(kind, photos, tmp_path):
    rows = [{"Image Path": f"photos/{name}.jpg", "Text": caption} for name, _, caption in squares()]
    if kind == "tsv":
        source = write_csv(tmp_path / "captions.tsv", rows, delimiter="\t")
    elif kind == "jsonl":
        source = tmp_path / "captions.jsonl"
        source.write_text("\n".join(map(json.dumps, rows)))
    else:
        source = make_folder(tmp_path / "beside")
    prepare(source, tmp_path / "shards")
    said = {read_captions(pair, "sentences")[0] for pair in pairs_in(tmp_path / "shards")}
    assert said == {caption for *_, caption in squares()}


def test_dreamlip_and_pixelprose_keep_their_forms(photos, tmp_path):
    name = next(squares())[0]
    dreamlip = {"Image Path": f"photos/{name}.jpg"} | dict.fromkeys(DREAMLIP_KEYS, "One thing. Another thing.")
    prepare(write_csv(tmp_path / "dreamlip.csv", [dreamlip]), tmp_path / "one")
    whole, pool = read_captions(pairs_in(tmp_path / "one")[0], "dreamlip")
    assert (whole, pool) == ("One thing. Another thing", ["One thing", "Another thing"] * 7)
    pixelprose = {"file": f"photos/{name}.jpg", "original_caption": "Web text", "vlm_caption": "A red. A blue."}
    done = prepare(write_csv(tmp_path / "pixelprose.csv", [pixelprose]), tmp_path / "two")
    assert read_captions(pairs_in(tmp_path / "two")[0], "pixelprose") == ("Web text", ["Web text", "A red", "A blue"])
    assert dict(done.text_modes) == {"pixelprose": 1}


def test_skipped_pairs_are_named_with_line_and_reason(photos, tmp_path):
    broken = sorted(photos.iterdir())[0]
    broken.write_bytes(broken.read_bytes()[:300])
    lines = [
        b"path,caption",
        f"photos/{broken.name},a truncated picture".encode(),
        b"photos/red-blue.jpg,a caption in \xe9nglish",
        b"photos/red-red.jpg,",
        b"photos/gone.jpg,nothing there",
        b"https://example.com/1.jpg,on the web",
        b"photos/red-green.jpg,of use",
    ]
    (tmp_path / "captions.csv").write_bytes(b"\n".join(lines))
    done = prepare(tmp_path / "captions.csv", tmp_path / "shards")
    assert (done.n_pairs, done.n_skipped) == (1, 5)
    reasons = refused(tmp_path / "shards")
    for line, said in ((2, "cut short"), (3, "not valid UTF-8"), (4, "no caption"), (5, "No such file"), (6, "URL")):
        assert any(f"captions.csv:{line}" in key and said in reason for key, reason in reasons.items()), (line, reasons)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"caption": None}, "null in place of a text"),
        ({"caption": 5}, "5 in place of a text"),
        ({"caption": "red", "path": None}, "null in place of a text"),
        ({"text": ["a", 5]}, "5 in place of a text"),
        ({}, "no caption"),
    ],
)
def test_a_record_without_text_is_refused(record, said, photos, tmp_path):
    good = {"path": "photos/red-red.jpg", "caption": ["One cat", "Two dogs"]}
    lines = [good, {"path": "photos/red-blue.jpg"} | record]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    prepare(tmp_path / "list.jsonl", tmp_path / "shards")
    assert said in refused(tmp_path / "shards")["list.jsonl:2"]
    assert read_captions(pairs_in(tmp_path / "shards")[0], "sentences")[1] == ["One cat", "Two dogs"]


def test_a_caption_file_without_text_is_refused_in_the_same_words(photos, tmp_path):
    (photos / "red-red.txt").write_text("red")
    (photos / "red-blue.json").write_text('{"caption": 5}')
    (photos / "red-green.json").write_text("{}")
    prepare(photos, tmp_path / "shards")
    assert refused(tmp_path / "shards") == {
        "red-blue.jpg": "it has 5 in place of a text",
        "red-green.jpg": "it has no caption",
    }


def test_a_line_that_cannot_be_parsed_is_skipped(photos, tmp_path):
    lines = ['{"path": "photos/red-red.jpg", "caption": "red"}', "[1]", "{", "[" * 100_000]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    assert prepare(tmp_path / "list.jsonl", tmp_path / "shards").n_pairs == 1
    reasons = refused(tmp_path / "shards")
    for line, said in ((2, "not a JSON object"), (3, "cannot be read"), (4, "nested too deeply")):
        assert said in reasons[f"list.jsonl:{line}"]


def test_a_folder_of_shards_is_not_prepared_again(tmp_path):
    make_shards(tmp_path / "shards")
    with pytest.raises(AlreadyShardsError) as caught:
        prepare(tmp_path / "shards", tmp_path / "again")
    assert caught.value.folder == tmp_path / "shards"


def test_the_shards_of_a_folder_are_not_read_to_find_out_that_they_are_shards(tmp_path):
    (tmp_path / "000000.tar").write_bytes(b"reading this shard would find that it is damaged")
    with pytest.raises(AlreadyShardsError):
        prepare(tmp_path, tmp_path / "again")


def test_empty_cells_do_not_change_a_tables_form(photos, tmp_path):
    names = [name for name, *_ in squares()][:3]
    rows = [{"path": f"photos/{name}.jpg", "original_caption": web, "caption": "A red. A blue."} for name, web in
            zip(names, ("Web", "", "Text"), strict=True)]  # fmt: skip
    done = prepare(write_csv(tmp_path / "pixelprose.csv", rows), tmp_path / "one")
    assert (done.n_pairs, dict(done.text_modes)) == (3, {"pixelprose": 3})
    dreamlip = {"path": f"photos/{names[0]}.jpg"} | dict.fromkeys(DREAMLIP_KEYS, "A red.") | {"raw_caption": ""}
    prepare(write_csv(tmp_path / "dreamlip.csv", [dreamlip]), tmp_path / "two")
    assert read_captions(pairs_in(tmp_path / "two")[0], "dreamlip") == ("", ["A red"] * 6)


def test_a_quote_in_a_tsv_is_a_letter_and_an_open_one_in_a_csv_is_said(photos, tmp_path):
    (tmp_path / "a.tsv").write_text('path\tcaption\nphotos/red-red.jpg\t"Red" it says\nphotos/red-blue.jpg\t"Blue\n')
    prepare(tmp_path / "a.tsv", tmp_path / "one")
    assert sorted(read_captions(pair, "sentences")[0] for pair in pairs_in(tmp_path / "one")) == [
        '"Blue',
        '"Red" it says',
    ]
    limit = csv.field_size_limit(1000)
    try:
        (tmp_path / "a.csv").write_text('path,caption\nphotos/red-red.jpg,red\nphotos/red-blue.jpg,"' + 2000 * "x")
        prepare(tmp_path / "a.csv", tmp_path / "two")
    finally:
        csv.field_size_limit(limit)
    assert any("cannot be read from here on" in reason for reason in refused(tmp_path / "two").values())


def test_a_name_in_no_encoding_is_prepared_too(photos, tmp_path):
    for kind in ("jpg", "txt"):
        (photos / "red-red.txt").write_text("red")
        (photos / f"red-red.{kind}").rename(os.fsdecode(os.fsencode(photos) + b"/caf\xe9." + kind.encode()))
    assert prepare(photos, tmp_path / "shards").n_pairs == 1


def test_a_picture_that_the_decoder_halves_to_the_very_side_is_made_smaller(tmp_path):
    Image.new("RGB", (1024, 1024), "red").save(tmp_path / "large.jpg")
    write_csv(tmp_path / "captions.csv", [{"path": "large.jpg", "caption": "red"}])
    prepare(tmp_path / "captions.csv", tmp_path / "shards", max_side=128)
    (pair,) = pairs_in(tmp_path / "shards")
    assert Image.open(io.BytesIO(pair.picture)).size == (128, 128)


def test_large_pictures_are_made_smaller_if_asked(tmp_path):
    Image.new("RGB", (400, 200), "red").save(tmp_path / "wide.png")
    write_csv(tmp_path / "captions.csv", [{"path": "wide.png", "caption": "red"}])
    prepare(tmp_path / "captions.csv", tmp_path / "shards", max_side=100)
    with (
        tarfile.open(tmp_path / "shards" / "000000.tar") as tar,
        Image.open(tar.extractfile("00000000.jpg")) as picture,
    ):
        assert picture.size == (100, 50)


def test_nothing_half_done_is_left_and_nothing_of_others_is_touched(photos, tmp_path):
    write_csv(tmp_path / "captions.csv", [{"path": "gone.jpg", "caption": "red"}])
    with pytest.raises(CosmosSearchError, match="No such file"):
        prepare(tmp_path / "captions.csv", tmp_path / "shards")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["captions.csv", "photos"]
    with pytest.raises(UsageError, match="not empty"):
        prepare(tmp_path / "captions.csv", photos)
    assert len(list(photos.iterdir())) == len(COLOURS) ** 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "url,alt\nx,y\n", "its columns are: url, alt"),
        ("a.csv", "", "its columns are: none"),
        ("a.csv", "path,caption\n", "the list is empty"),
        ("a.parquet", "", "neither a folder nor"),
        ("missing/a.csv", None, "There is no file"),
    ],
)
def test_a_list_that_cannot_be_read_is_said(name, content, said, tmp_path):
    if content is not None:
        Path(tmp_path / name).write_text(content)
    done = CliRunner().invoke(train, ["prepare", str(tmp_path / name), str(tmp_path / "shards")])
    assert done.exit_code == 1
    assert said in done.output
    assert not (tmp_path / "shards").exists()


def test_the_command_says_what_was_done_and_what_to_do_next(photos, tmp_path):
    rows = [{"path": f"photos/{name}.jpg", "caption": caption} for name, _, caption in squares()]
    write_csv(tmp_path / "captions.csv", [*rows, {"path": "gone.jpg", "caption": "x"}])
    done = CliRunner().invoke(train, ["prepare", str(tmp_path / "captions.csv"), str(tmp_path / "shards")])
    assert done.exit_code == 0, done.output
    assert "36 pairs in 1 shard," in done.output
    assert "1 refused" in done.output
    assert '"text_mode": "sentences"' in done.output
