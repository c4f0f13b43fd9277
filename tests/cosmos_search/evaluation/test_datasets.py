"""Each reader on a small made set in its form, and on damaged ones."""

import pytest

from cosmos_search.evaluation.datasets import annotations
from cosmos_search.evaluation.datasets.errors import AnnotationError, MissingPicturesError
from cosmos_search.evaluation.datasets.open import draw_sample, open_dataset
from cosmos_search.evaluation.datasets.origins import NAMES as SETS
from cosmos_search.evaluation.datasets.origins import ORIGINS
from indexer.errors import CosmosSearchError, UsageError
from tests.made_sets import (
    CAPTIONS,
    MAKERS,
    NAMES,
    copy_photos,
    make_coco_captions,
    make_dci,
    make_docci,
    make_iiw,
    make_imagenet,
    make_karpathy,
    make_regions,
    make_sharegpt4v,
    make_sugarcrepe,
    make_tokens,
    make_urban1k,
    make_winoground,
    several,
    write_json,
    write_lines,
)

FIVE = {name: tuple(several(name)[:5]) for name in NAMES}
LONG = {name: (text,) for name, text in CAPTIONS.items()}


def read(name, source, **options):
    found = open_dataset(name, source, **options)
    assert all(item.path.is_file() for item in found.items)
    return {item.path.name: item.captions for item in found.items}


def test_karpathys_json_has_the_first_five_captions_of_the_test_split(tmp_path):
    assert read("coco", make_karpathy(tmp_path)) == FIVE
    split_of = dict.fromkeys(NAMES[:2], "val")
    assert list(read("coco", make_karpathy(tmp_path, split_of))) == list(NAMES[2:])
    assert list(read("coco", make_karpathy(tmp_path, split_of), split="val")) == list(NAMES[:2])
    with pytest.raises(UsageError, match="no split 'dev'; its splits are: test, val"):
        open_dataset("coco", make_karpathy(tmp_path, split_of), split="dev")


def test_pictures_are_found_in_a_flat_folder_too(tmp_path):
    source = make_karpathy(tmp_path / "a")
    assert list(read("coco", source, images=copy_photos(tmp_path / "elsewhere"))) == list(NAMES)


def test_cocos_own_json_has_the_first_five_captions(tmp_path):
    assert read("coco", make_coco_captions(tmp_path)) == FIVE
    with pytest.raises(UsageError, match="has no splits"):
        open_dataset("coco", make_coco_captions(tmp_path), split="val")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_token_lines_and_tables_have_the_first_five_captions(tmp_path, end):
    source = make_tokens(tmp_path, end)
    assert read("flickr8k", source) == FIVE
    names = tmp_path / "Flickr_8k.testImages.txt"
    names.write_text(f"{NAMES[2]}\n{NAMES[0]}\n")
    assert list(read("flickr8k", source, split=str(names))) == [NAMES[2], NAMES[0]]
    table = tmp_path / "captions.txt"
    table.write_bytes(end.join(["image,caption", *(f'{name},"{text}"' for name, text in CAPTIONS.items())]).encode())
    assert read("flickr30k", table) == LONG


def test_docci_reads_a_split(tmp_path):
    assert read("docci", make_docci(tmp_path)) == dict(list(LONG.items())[1:])
    assert list(read("docci", make_docci(tmp_path), split="train")) == [NAMES[0]]


def test_dci_joins_the_short_and_the_extra_caption(tmp_path):
    assert read("dci", make_dci(tmp_path)) == {name: (f"{text}\nMore.",) for name, text in CAPTIONS.items()}
    assert list(read("dci", tmp_path, split="test")) == list(NAMES[:2])
    with pytest.raises(UsageError, match="no split 'valid'"):
        open_dataset("dci", tmp_path, split="valid")


def test_urban1k_uses_the_first_line(tmp_path):
    assert read("urban1k", make_urban1k(tmp_path)) == LONG


def test_iiw_reads_the_texts_by_people_of_all_parts(tmp_path):
    found = read("iiw", make_iiw(tmp_path))
    assert found == LONG
    assert list(read("iiw", tmp_path / "IIW-400" / "data.jsonl", images=tmp_path)) == ["coffee.jpg", "rocket.jpg"]


def test_sharegpt4v_reads_the_first_entries_without_loading_the_whole_file(tmp_path, monkeypatch):
    source = make_sharegpt4v(tmp_path, n_more=20)
    assert read("sharegpt4v", source, split="4") == LONG
    monkeypatch.setattr(annotations, "CHUNK", 7)  # every entry spans chunks
    assert len(open_dataset("sharegpt4v", source, split="30").items) == 24
    source.write_text(source.read_text()[:-200])  # the end is lost, but not needed
    assert list(read("sharegpt4v", source, split="2")) == list(NAMES[:2])
    with pytest.raises(AnnotationError, match="not valid JSON"):
        open_dataset("sharegpt4v", source, split="30")
    with pytest.raises(UsageError, match="number of the first entries"):
        open_dataset("sharegpt4v", source, split="test")


def test_region_sets_have_a_text_and_perhaps_a_box(tmp_path):
    found = open_dataset("regions", make_regions(tmp_path, {"chelsea.jpg": [10, 20, 30.5, 40]}))
    assert [(item.path.name, item.text) for item in found.items] == list(CAPTIONS.items())
    assert [item.box for item in found.items] == [(10, 20, 30.5, 40), None, None, None]


@pytest.mark.parametrize("box", [[1, 2, 3], [30, 20, 10, 40], "1,2,3,4", [0, 0, float("inf"), 1], [-1, 0, 1, 1]])
def test_a_box_in_another_form_is_refused(tmp_path, box):
    with pytest.raises(AnnotationError, match='line 1 has a "bbox" that is not'):
        open_dataset("regions", make_regions(tmp_path, {"chelsea.jpg": box}))


def test_sugarcrepe_has_pairs_by_category(tmp_path):
    found = open_dataset("sugarcrepe", make_sugarcrepe(tmp_path))
    assert {item.category for item in found.items} == {"add_att", "swap_obj"}
    first = found.items[0]
    assert (first.path.name, first.right, first.wrong) == ("chelsea.jpg", CAPTIONS["chelsea.jpg"], "Two red buses.")
    one = open_dataset("sugarcrepe", tmp_path / "add_att.json")
    assert len(one.items) == 4


def test_winoground_has_two_pictures_and_two_captions(tmp_path):
    found = open_dataset("winoground", make_winoground(tmp_path))
    assert [[path.name for path in item.paths] for item in found.items] == [
        ["chelsea.png", "coffee.png"],
        ["rocket.png", "camera.png"],
    ]
    assert found.items[0].captions == (CAPTIONS["chelsea.jpg"], CAPTIONS["coffee.jpg"])


def test_imagenet_has_a_thousand_classes_in_folders_or_in_one(tmp_path):
    found = open_dataset("imagenet", make_imagenet(tmp_path / "folders"))
    assert len(found.classes) == 1000
    assert [found.classes[item.label] for item in found.items] == ["Egyptian Mau", "tea cup"]
    flat = open_dataset("imagenet", make_imagenet(tmp_path / "flat", is_flat=True))
    assert [item.label for item in flat.items] == [13]
    copy_photos(tmp_path / "folders" / "cats", ["chelsea.jpg"])
    with pytest.raises(AnnotationError, match="folder cats is not one of ImageNet's classes"):
        open_dataset("imagenet", tmp_path / "folders")


def test_class_folders_are_named_after_their_class(tmp_path):
    copy_photos(tmp_path / "a_cat", ["chelsea.jpg"])
    copy_photos(tmp_path / "coffee", ["coffee.jpg"])
    found = open_dataset("classes", tmp_path)
    assert found.classes == ("a cat", "coffee")
    assert [(item.path.name, item.label) for item in found.items] == [("chelsea.jpg", 0), ("coffee.jpg", 1)]


def test_every_set_has_an_origin_and_a_made_example():
    assert set(SETS) == set(ORIGINS) == set(MAKERS)


@pytest.mark.parametrize("name", sorted(set(SETS) - {"imagenet", "classes"}))
def test_a_missing_picture_is_named_in_one_sentence(tmp_path, name):
    source = MAKERS[name](tmp_path)
    (gone,) = [path for path in tmp_path.rglob("rocket.*") if path.suffix in (".jpg", ".png")]
    gone.unlink()
    with pytest.raises(MissingPicturesError, match=r"^(One|\d+) of the \d+ pictures of .* (is|are) not in .*rocket"):
        open_dataset(name, source)


@pytest.mark.parametrize("name", sorted(set(SETS) - {"imagenet", "classes", "flickr8k", "flickr30k", "urban1k"}))
def test_broken_json_is_named_in_one_sentence(tmp_path, name):
    source = MAKERS[name](tmp_path)
    files = sorted(tmp_path.rglob("*.json*"))
    file = next(path for path in files if path.name != "splits.json" and "CM_3600" not in path.parts)
    file.write_text(file.read_text()[:-30])
    with pytest.raises(AnnotationError, match="not valid JSON") as caught:
        open_dataset(name, source)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(set(SETS) - {"imagenet", "classes"}))
def test_a_source_that_is_not_there_or_empty_is_an_error(tmp_path, name):
    with pytest.raises(AnnotationError, match="there is no such file or folder"):
        open_dataset(name, tmp_path / "nothing")
    source = MAKERS[name](tmp_path / "a")
    for path in [source] if source.is_file() else source.rglob("*.*"):
        if path.is_file():
            path.write_bytes(b"")
    with pytest.raises(CosmosSearchError):
        open_dataset(name, source)


DAMAGED = {
    "a file in another form": ("coco", {"a": []}, "neither Karpathy's JSON nor COCO's"),
    "an image without a name": ("coco", {"images": [{"split": "test", "sentences": [{"raw": "x"}]}]}, '"filename"'),
    "a sentence without text": (
        "coco",
        {"images": [{"split": "test", "filename": "chelsea.jpg", "sentences": [{"tokens": []}]}]},
        r'sentences\[0\] has no text "raw"',
    ),
    "a split without text": ("coco", {"images": [{"sentences": [1]}]}, 'no text "split"'),
    "no images": ("coco", {"images": [], "annotations": []}, "names no picture"),
    "an annotation that is a number": ("coco", {"images": [{}], "annotations": [1]}, r"annotations\[0\]"),
    "an entry that is a list": ("sugarcrepe", {"0": []}, 'entry "0" has no text "filename"'),
    "a list in place of an object": ("sugarcrepe", [], "not a JSON object"),
    "an entry without answer": ("sharegpt4v", [{"image": "x.jpg", "conversations": [1]}], "conversations"),
    "an object in place of a list": ("sharegpt4v", {}, "not a JSON list"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_damaged_annotations_are_named_in_one_sentence(tmp_path, what):
    name, content, reason = DAMAGED[what]
    copy_photos(tmp_path)
    with pytest.raises(AnnotationError, match=reason):
        open_dataset(name, write_json(tmp_path / "set.json", content))


def test_damaged_lines_are_named_by_their_number(tmp_path):
    source = write_lines(tmp_path / "examples.jsonl", [{"image_0": "a"}, [1]])
    with pytest.raises(AnnotationError, match="line 2 is not a JSON object"):
        open_dataset("winoground", source)
    tokens = tmp_path / "x.token"
    tokens.write_text("a.jpg#0\tA cat.\nno tab here\n")
    with pytest.raises(AnnotationError, match="line 2 is not NAME#NUMBER, a tab and a caption"):
        open_dataset("flickr30k", tokens)
    tokens.write_bytes(b"a.jpg#0\t\xff\n")
    with pytest.raises(AnnotationError, match="not in UTF-8"):
        open_dataset("flickr30k", tokens)


def test_a_sample_is_drawn_with_a_seed_and_keeps_the_order(tmp_path):
    found = open_dataset("coco", make_karpathy(tmp_path))
    assert draw_sample(found, 2, 1) == draw_sample(found, 2, 1)
    assert len({draw_sample(found, 2, seed).items for seed in range(20)}) == 6  # pairs of four, each in order
    assert draw_sample(found, 9, 0) == found


def test_sets_without_splits_refuse_one(tmp_path):
    with pytest.raises(UsageError, match="has no splits"):
        open_dataset("winoground", make_winoground(tmp_path), split="test")
    with pytest.raises(UsageError, match="no folder"):
        open_dataset("winoground", tmp_path / "examples.jsonl", images=tmp_path / "nothing")
