"""What the page's server writes to the terminal that it was started in: a line for each event, whoever caused it."""

import logging
import threading
import traceback
from pathlib import Path
from typing import Any

from cosmos_search.cli.terminal import escape, open_streams

__all__ = ["LogLine", "configure_logging"]

MAX_CHARACTERS = 400


class LogLine(logging.LogRecord):
    """A record of one line without control characters; of an exception it has the type, the text and the place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reason = "" if self.exc_info is None else _told(self.exc_info[1])
        self.exc_info = self.stack_info = None

    def getMessage(self) -> str:  # noqa: N802 (the name is the standard library's)
        """The only text that formatters add of what others have said."""
        text = " ".join(part for part in (super().getMessage(), self.reason) if part)
        line = escape(text.replace("\n", " "))
        return line if len(line) <= MAX_CHARACTERS else f"{line[:MAX_CHARACTERS]}..."


def configure_logging() -> None:
    """For all loggers of this process, whatever handlers and formatters Streamlit and uvicorn give them."""
    open_streams()
    logging.setLogRecordFactory(LogLine)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addHandler(logging.StreamHandler())
    threading.excepthook = _log_thread


def _log_thread(ended: threading.ExceptHookArgs) -> None:
    logging.getLogger(__name__).error("A thread has failed:", exc_info=ended.exc_value)


def _told(error: BaseException | None) -> str:
    if error is None:
        return ""
    told = f"({type(error).__name__}: {error}"
    if frames := traceback.extract_tb(error.__traceback__):
        told += f", at {Path(frames[-1].filename).name}:{frames[-1].lineno}"
    return f"{told})"
