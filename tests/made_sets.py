"""Small test sets in the forms in which the authors of public ones publish them, made from the packaged photos.

Each function writes one into a folder and returns what to name as its source.
"""

import json
import shutil

from tests import ROOT

PHOTOS = ROOT / "cosmos_search" / "data" / "photos"
CAPTIONS = {
    "chelsea.jpg": "A ginger cat. It looks to the left.",
    "coffee.jpg": "A cup of coffee on a table .",
    "rocket.jpg": "A rocket stands on its launch pad. The sky is dark.",
    "camera.jpg": "A man looks through a camera on a tripod.",
}
NAMES = tuple(CAPTIONS)


def copy_photos(folder, names=NAMES, suffix=None):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        target = folder / name if suffix is None else (folder / name).with_suffix(suffix)
        shutil.copy(PHOTOS / name, target)
    return folder


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_lines(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return path


def several(name):
    """Six captions of a picture, of which five count."""
    return [CAPTIONS[name], *(f"{CAPTIONS[name]} {i}" for i in range(1, 6))]


def make_karpathy(folder, split_of=None, filepath="val2014"):
    copy_photos(folder / filepath)
    images = [
        {
            "filepath": filepath,
            "filename": name,
            "split": (split_of or {}).get(name, "test"),
            "sentences": [{"raw": text, "tokens": text.split()} for text in several(name)],
        }
        for name in NAMES
    ]
    return write_json(folder / "dataset_coco.json", {"images": images, "dataset": "coco"})


def make_coco_captions(folder):
    copy_photos(folder / "val2017")
    images = [{"id": 10 + i, "file_name": name, "width": 9, "height": 9} for i, name in enumerate(NAMES)]
    pairs = [(10 + i, text) for i, name in enumerate(NAMES) for text in several(name)]
    annotations = [{"id": n, "image_id": image, "caption": text} for n, (image, text) in enumerate(pairs)]
    content = {"info": {}, "licenses": [], "images": images, "annotations": annotations}
    return write_json(folder / "captions_val2017.json", content)


def make_tokens(folder, end="\n"):
    copy_photos(folder / "Flicker8k_Dataset")
    lines = [f"{name}#{i}\t{text}" for name in NAMES for i, text in enumerate(several(name))]
    path = folder / "Flickr8k.token.txt"
    path.write_bytes(end.join([*lines, ""]).encode())
    return path


def make_docci(folder):
    copy_photos(folder / "images")
    rows = [
        {"example_id": f"test_{i}", "split": "train" if i == 0 else "test", "image_file": name, "description": text}
        for i, (name, text) in enumerate(CAPTIONS.items())
    ]
    return write_lines(folder / "docci_descriptions.jsonlines", rows)


def make_dci(folder):
    copy_photos(folder / "photos")
    for name, text in CAPTIONS.items():
        record = {"image": name, "short_caption": text, "extra_caption": "More.", "mask_data": {}, "mask_keys": []}
        write_json(folder / "annotations" / f"{name}-data.json", record)
    write_json(folder / "splits.json", {"train": [], "test": [f"{name}-data.json" for name in NAMES[:2]]})
    return folder


def make_urban1k(folder):
    copy_photos(folder / "image")
    (folder / "caption").mkdir()
    for name, text in CAPTIONS.items():
        (folder / "caption" / name).with_suffix(".txt").write_text(f"{text}\nignored\n", encoding="utf-8")
    return folder


def make_iiw(folder):
    copy_photos(folder / "docci", NAMES[:1])
    copy_photos(folder / "docci_aar", NAMES[1:3])
    copy_photos(folder / "dci", NAMES[3:])
    key = {"DOCCI_Test": "image", "IIW-400": "image/key", "DCI_Test": "image"}
    own = {"DOCCI_Test": ["chelsea"], "IIW-400": ["coffee", "rocket"], "DCI_Test": ["camera.jpg"]}
    for part, images in own.items():
        rows = [{key[part]: image, "IIW": CAPTIONS[f"{image.removesuffix('.jpg')}.jpg"]} for image in images]
        write_lines(folder / part / "data.jsonl", rows)
    write_lines(folder / "CM_3600" / "data.jsonl", [{"image/key": "elsewhere", "IIW-P5B": "by a machine"}])
    return folder


def make_sharegpt4v(folder, n_more=0):
    copy_photos(folder / "data" / "sam" / "images")
    entries = [
        {
            "id": str(i),
            "image": f"sam/images/{name}",
            "conversations": [{"from": "human", "value": "<image>\n?"}, {"from": "gpt", "value": text}],
        }
        for i, (name, text) in enumerate(CAPTIONS.items())
    ]
    return write_json(folder / "share-captioner_coco_lcs_sam_1246k_1107.json", entries + entries[:1] * n_more)


def make_regions(folder, boxes=None):
    copy_photos(folder / "full_res")
    rows = [{"image": name, "caption": text} for name, text in CAPTIONS.items()]
    for row in rows:
        if box := (boxes or {}).get(row["image"]):
            row["bbox"] = box
    return write_lines(folder / "dataset.jsonl", rows)


def make_sugarcrepe(folder):
    copy_photos(folder / "val2017")
    for category in ("add_att", "swap_obj"):
        entries = {
            str(i): {"filename": name, "caption": text, "negative_caption": "Two red buses."}
            for i, (name, text) in enumerate(CAPTIONS.items())
        }
        write_json(folder / f"{category}.json", entries)
    return folder


def make_winoground(folder):
    copy_photos(folder / "images", suffix=".png")
    rows = [
        {
            "id": i,
            "image_0": NAMES[i].removesuffix(".jpg"),
            "image_1": NAMES[i + 1].removesuffix(".jpg"),
            "caption_0": CAPTIONS[NAMES[i]],
            "caption_1": CAPTIONS[NAMES[i + 1]],
        }
        for i in (0, 2)
    ]
    return write_lines(folder / "examples.jsonl", rows)


def make_imagenet(folder, is_flat=False):
    if is_flat:
        copy_photos(folder, NAMES[:1])
        (folder / NAMES[0]).rename(folder / "ILSVRC2012_val_00015416.JPEG")  # of class 13
        return folder
    copy_photos(folder / "n02124075", ["chelsea.jpg"])
    copy_photos(folder / "n07930864", ["coffee.jpg"])
    return folder


MAKERS = {
    "coco": make_karpathy,
    "flickr8k": make_tokens,
    "flickr30k": make_tokens,
    "docci": make_docci,
    "dci": make_dci,
    "urban1k": make_urban1k,
    "iiw": make_iiw,
    "sharegpt4v": make_sharegpt4v,
    "regions": make_regions,
    "sugarcrepe": make_sugarcrepe,
    "winoground": make_winoground,
    "imagenet": make_imagenet,
    "classes": make_imagenet,
}
