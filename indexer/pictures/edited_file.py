"""A view of a file with pieces left out, moved or replaced; the file is not copied."""

import io
from bisect import bisect_right
from itertools import accumulate
from typing import Any

__all__ = ["EditedFile", "Part", "replace_bytes"]

Part = tuple[int, int] | bytes  # a range of the original file (start, end), or new content


class EditedFile(io.BufferedReader):
    """The concatenation of parts. Has no file descriptor."""

    def __init__(self, file: Any, parts: list[Part]) -> None:
        super().__init__(_Parts(file, [part for part in parts if _length(part) > 0]))


def replace_bytes(edits: dict[int, bytes], begin: int, end: int) -> list[Part]:
    """The parts of a file from `begin` to `end` with bytes replaced. edits: new bytes by position, not overlapping."""
    parts: list[Part] = []
    for place, content in sorted(edits.items()):
        parts += [(begin, place), content]
        begin = place + len(content)
    return [*parts, (begin, end)]


def _length(part: Part) -> int:
    return len(part) if isinstance(part, bytes) else part[1] - part[0]


class _Parts(io.RawIOBase):
    def __init__(self, file: Any, parts: list[Part]) -> None:
        self._file = file
        self._parts = parts
        self._ends = list(accumulate(map(_length, parts)))
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._ends[-1] if self._ends else 0}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        i = bisect_right(self._ends, self._place)
        if i == len(self._ends):
            return 0
        part, n_bytes = self._parts[i], min(len(buffer), self._ends[i] - self._place)
        if isinstance(part, bytes):
            start = len(part) - (self._ends[i] - self._place)
            content = part[start : start + n_bytes]
        else:
            self._file.seek(part[1] - (self._ends[i] - self._place))
            content = self._file.read(n_bytes)
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)
