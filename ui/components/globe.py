"""Offline map of the place where a picture was taken."""

import json
from functools import cache
from pathlib import Path

__all__ = ["draw_place_map", "make_map_link"]

# Rings of longitude, latitude, … in degrees; rings that cross 180° are there twice.
LAND = Path(__file__).parent / "land.json"
WIDTH, HEIGHT = 90.0, 50.0  # visible part, degrees


def draw_place_map(latitude: float, longitude: float) -> str:
    """An SVG map around a place (degrees, WGS84) with a marker on it."""
    x, y = longitude, -latitude
    left = min(max(x - WIDTH / 2, -180.0), 180.0 - WIDTH)
    top = min(max(y - HEIGHT / 2, -90.0), 90.0 - HEIGHT)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:g} {top:g} {WIDTH:g} {HEIGHT:g}" width="540" '
        f'height="300"><rect x="-180" y="-90" width="360" height="180" fill="#cfe3ee"/>'
        f'<path d="{_read_land()}" fill="#f3efe6" stroke="#9aa7ad" stroke-width="0.2"/>'
        f'<circle cx="{x:g}" cy="{y:g}" r="1.6" fill="#d55e00" stroke="#fff" stroke-width="0.5"/></svg>'
    )


def make_map_link(latitude: float, longitude: float) -> str:
    """URL of the place on openstreetmap.org."""
    return (
        f"https://www.openstreetmap.org/?mlat={latitude:.6f}&mlon={longitude:.6f}#map=14/{latitude:.6f}/{longitude:.6f}"
    )


@cache
def _read_land() -> str:
    rings = json.loads(LAND.read_text(encoding="utf-8"))
    return "".join(
        "M" + "L".join(f"{x:g} {-y:g}" for x, y in zip(ring[::2], ring[1::2], strict=True)) + "Z" for ring in rings
    )
