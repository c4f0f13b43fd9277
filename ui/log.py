"""Logging of the page's server: one line for each record, without control characters."""

import logging
import threading
import traceback
from pathlib import Path
from typing import Any

from cosmos_search.cli.terminal import escape, open_streams

__all__ = ["LogLine", "configure_logging"]

MAX_CHARACTERS = 400


class LogLine(logging.LogRecord):
    """A log record of one line without control characters; exceptions are reduced to type, text and place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reason = "" if self.exc_info is None else _format_exception(self.exc_info[1])
        self.exc_info = self.stack_info = None

    def getMessage(self) -> str:  # noqa: N802 (the name is the standard library's)
        """The message with control characters escaped, at most MAX_CHARACTERS long."""
        text = " ".join(part for part in (super().getMessage(), self.reason) if part)
        line = escape(text.replace("\n", " "))
        return line if len(line) <= MAX_CHARACTERS else f"{line[:MAX_CHARACTERS]}..."


def configure_logging() -> None:
    """Apply LogLine to all loggers of this process, including those of Streamlit and uvicorn."""
    open_streams()
    logging.setLogRecordFactory(LogLine)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addHandler(logging.StreamHandler())
    threading.excepthook = _log_thread


def _log_thread(args: threading.ExceptHookArgs) -> None:
    logging.getLogger(__name__).error("Unhandled exception in a thread:", exc_info=args.exc_value)


def _format_exception(error: BaseException | None) -> str:
    if error is None:
        return ""
    text = f"({type(error).__name__}: {error}"
    if frames := traceback.extract_tb(error.__traceback__):
        text += f", at {Path(frames[-1].filename).name}:{frames[-1].lineno}"
    return f"{text})"
