"""The photo stamps of Tux Paint (Debian's tuxpaint-stamps-default): cut-outs with captions.

For evaluation alone: nothing is ever trained on them.
"""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from benchmarks.data.debian import unpacked

__all__ = ["Stamp", "load_stamps", "on_white"]

PACKAGE = "tuxpaint-stamps-default"
DRAWN = ("cartoon", "symbols", "houses", "_mirror", "_flip")  # not photos, or a second picture of the same


@dataclass(frozen=True, slots=True)
class Stamp:
    """One picture, RGBA, and what it shows."""

    name: str
    picture: Image.Image
    caption: str


def load_stamps() -> list[Stamp]:
    """The photos among the stamps, in the order of their paths."""
    root = unpacked(PACKAGE) / "usr/share/tuxpaint/stamps"
    stamps = []
    for path in sorted(root.rglob("*.png")):
        caption = _caption(path.with_suffix(".txt"))
        if caption and not any(word in str(path.relative_to(root)) for word in DRAWN):
            stamps.append(Stamp(str(path.relative_to(root)), Image.open(path).convert("RGBA"), caption))
    return stamps


def on_white(stamp: Stamp) -> Image.Image:
    """The picture without its transparency."""
    return Image.alpha_composite(Image.new("RGBA", stamp.picture.size, "white"), stamp.picture).convert("RGB")


def _caption(text: Path) -> str:
    return text.read_text(encoding="utf-8").splitlines()[0].strip() if text.exists() else ""
