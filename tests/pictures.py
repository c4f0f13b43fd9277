"""A synthetic data set: coloured squares on coloured backgrounds, with captions of two sentences."""

import json
import tarfile
from dataclasses import replace
from io import BytesIO

from PIL import Image

from cosmos_search.processing.text import TextTokenizer
from tests.micro import MICRO, micro_like
from trainer.presets import PRESETS

COLOURS = ("red", "green", "blue", "white", "black", "yellow")
CONFIG = replace(
    PRESETS["tiny"], network=MICRO, local_side=16, n_local_images=2, n_captions=4, batch=4, n_steps=8, warmup=2,
    workers=0, save_every=3, log_every=1, sample_shuffle=5, eps=1e-6,
)  # fmt: skip


def squares():
    """(name, JPEG, caption) of each background and square."""
    for ground in COLOURS:
        for square in COLOURS:
            picture = Image.new("RGB", (48, 40), ground)
            picture.paste(square, (10, 10, 30, 30))
            file = BytesIO()
            picture.save(file, "JPEG")
            yield f"{ground}-{square}", file.getvalue(), f"{square} square. on {ground}"


def make_folder(folder):
    folder.mkdir()
    for name, picture, caption in squares():
        (folder / f"{name}.jpg").write_bytes(picture)
        (folder / f"{name}.txt").write_text(caption)
    return folder


def make_shards(folder, n_shards=3):
    folder.mkdir()
    samples = list(squares())
    for i in range(n_shards):
        with tarfile.open(folder / f"{i:04}.tar", "w") as tar:
            for name, picture, caption in samples[i::n_shards]:
                for kind, content in (("jpg", picture), ("json", json.dumps({"caption": caption}).encode())):
                    member = tarfile.TarInfo(f"{name}.{kind}")
                    member.size = len(content)
                    tar.addfile(member, BytesIO(content))
    return folder


def letters(folder):
    """The micro network's tokenizer."""
    return TextTokenizer.from_file(micro_like(folder) / "tokenizer.json", MICRO.context_length)
