"""What is changed of Streamlit's looks: less empty room, for more pictures."""

from pathlib import Path

__all__ = ["STYLE"]

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
