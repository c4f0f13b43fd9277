"""The photo stamps of Tux Paint (Debian's tuxpaint-stamps-default): cut-outs with captions.

They are used for evaluation only, never for training.
"""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from benchmarks.data.debian import unpack_package

__all__ = ["Stamp", "load_stamps", "paste_on_white"]

PACKAGE = "tuxpaint-stamps-default"
DRAWN = ("cartoon", "symbols", "houses", "_mirror", "_flip")  # not photos, or variants of another stamp


@dataclass(frozen=True, slots=True)
class Stamp:
    """One picture, RGBA, and its caption."""

    name: str
    picture: Image.Image
    caption: str


def load_stamps() -> list[Stamp]:
    """The stamps that are photos and have captions, in the order of their paths."""
    root = unpack_package(PACKAGE) / "usr/share/tuxpaint/stamps"
    stamps = []
    for path in sorted(root.rglob("*.png")):
        caption = _read_caption(path.with_suffix(".txt"))
        if caption and not any(word in str(path.relative_to(root)) for word in DRAWN):
            stamps.append(Stamp(str(path.relative_to(root)), Image.open(path).convert("RGBA"), caption))
    return stamps


def paste_on_white(stamp: Stamp) -> Image.Image:
    """The picture on a white background, RGB."""
    return Image.alpha_composite(Image.new("RGBA", stamp.picture.size, "white"), stamp.picture).convert("RGB")


def _read_caption(text: Path) -> str:
    """The first line of a caption file; "" if there is no such file."""
    return text.read_text(encoding="utf-8").splitlines()[0].strip() if text.exists() else ""
