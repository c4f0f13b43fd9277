"""CSS that changes Streamlit's default layout: smaller margins, so that more pictures fit."""

from pathlib import Path

__all__ = ["STYLE"]

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
