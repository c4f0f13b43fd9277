"""Parse the values of metadata fields in the many forms that programs write."""

import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any, Literal

__all__ = ["decode_comment", "decode_text", "parse_degrees", "parse_time"]

Axis = Literal["NS", "EW"]  # latitude, longitude; the second letter is the negative direction

MAX_TIME = 100  # characters
FIRST_YEAR = 1826  # of the oldest surviving photograph
PART = r"(\d\d?| \d|  |--|\?\?|__)"  # of a date or a time: two digits, a space for a zero, or marks for "unknown"
TIME = re.compile(
    rf"(\d{{4}})(?!\d{{3}}(?!\d))"  # three digits more are a day of the year
    rf"(?:(?P<d>[-:/._ ]|(?=\d\d|  |--|__)){PART}(?:(?P=d){PART}"  # the day; its separators are equal
    rf"(?:(?:[T:_]|[\s,]+|(?<=\d{{8}})){PART}(?:(?P<t>[:.]?){PART}(?:(?P=t){PART})?)?|(?!\d))"  # the time, likewise
    r"|(?=[-:/._?\sT]*$))|(?=[-:/._?\s]*$))"  # nothing may follow a month or a year without a day
)
UNITS = (  # of dates in East Asian scripts, and of hours, as separators
    (re.compile(r"(?<=\d)\s*[年년月월]\s*"), "-"),
    (re.compile(r"(?<=\d)\s*[日일]\s*"), " "),
    (re.compile(r"(?<=\d)\s*(?:[時时点點분分시]|[hm](?=\s*\d))\s*", re.IGNORECASE), ":"),
)
LOST_UNITS = (  # the same in a wrong encoding, or replaced by question marks
    (re.compile(r"(?<=\d)[?\x80-\xff]+(?=\d)"), "-"),
    (re.compile(r"(?<=\d)[?\x80-\xff]+(?=\s|$)"), ""),
)
MERIDIEM = re.compile(r"(?<![A-Z])([AP])\.?\s?M\b\.?|(上午|午前|오전)|(?:下午|午後|午后|오후)", re.IGNORECASE)
LIMITS = {"NS": 90, "EW": 180}  # degrees
MAX_COORDINATE = 100  # characters
NUMBER = r"((?:\d+(?:\.\d*)?|\.\d+)(?:E[-+]?\d+)?(?:/\d+)?)"
DEGREE_SIGN = r"(?:[°º˚]|D(?:EG(?:REES?)?)?)"
MINUTE_SIGN = r"(?:['′’´]|MIN(?:UTES?)?)"
SECOND_SIGN = r"(?:[\"″”]|''|′′|’’|SEC(?:ONDS?)?)"
DIRECTIONS = {"NS": r"(N(?:ORTH)?|S(?:OUTH)?)?", "EW": r"(E(?:AST)?|W(?:EST)?)?"}
COORDINATES = {
    axis: re.compile(
        rf"{direction}\s*([-+]?)\s*{NUMBER}(?:(?:\s*{DEGREE_SIGN}[\s,;:]*|[\s,;:]+)"
        rf"(?:{NUMBER}(?:(?:\s*{MINUTE_SIGN}[\s,;:]*|[\s,;:]+)(?:{NUMBER}\s*{SECOND_SIGN}?)?)?)?)?[\s,;]*{direction}"
    )
    for axis, direction in DIRECTIONS.items()
}
JAPANESE = {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}  # written together with Chinese characters
FIRST_RARE_KANJI = 0x50  # first byte of the second level of JIS X 0208
DECIMAL_COMMA = re.compile(r"(\D*\d+),([6-9]\d|\d{3,})(\D*)")  # 48,1374: these are not minutes, which are below 60


def decode_text(value: Any) -> str:
    """Decode as UTF-8 if valid, else as Latin-1, up to the first NUL; surrounding whitespace is removed."""
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            value = value.decode("latin-1")
    return str(value or "").partition("\0")[0].replace("\ufeff", "").strip()


def parse_time(value: Any) -> datetime | None:
    """Parse 2024:05:01 12:30:00 (EXIF), 2024-05-01T12:30:00+02:00 (XMP) or 20240501T123000 (IPTC), without the zone.

    12-hour clocks and the units of East Asian scripts are supported. An unknown or impossible part of the time is left
    out with all smaller ones: the result is then the start of the year, month, day, hour or minute. None if the text
    after the year or the month can't be parsed. Raises ValueError for an impossible month or day.
    """
    text = decode_text(value)[:MAX_TIME]
    for unit, separator in LOST_UNITS:
        text = unit.sub(separator, text)
    text = unicodedata.normalize("NFKC", text)
    half = MERIDIEM.search(text)
    if half:
        text = f"{text[: half.start()].rstrip()} {text[half.end() :].lstrip()}"
    for unit, separator in UNITS:
        text = unit.sub(separator, text)
    found = TIME.match(text)
    if found is None:
        return None
    parts = [found[i] for i in (1, 3, 4, 5, 7, 8)]
    year, month, day, *clock = (int(part) if part and part.strip().isdigit() else 0 for part in parts)
    if year < FIRST_YEAR:
        return None
    if not (month and day):
        return datetime(year, month or 1, 1)
    if half and clock[0] <= 12 and (parts[3] or "").strip().isdigit():
        is_morning = half[2] or (half[1] or "").upper() == "A"
        clock[0] = clock[0] % 12 + (0 if is_morning else 12)
    possible = takewhile(lambda part: part[0] < part[1], zip(clock, (24, 60, 60), strict=True))
    hour, minute, second = [*(number for number, _ in possible), 0, 0, 0][:3]
    return datetime(year, month, day, hour, minute, second)


def parse_degrees(value: Any, reference: Any, axis: Axis) -> float | None:
    """Parse degrees, positive in the north and east; None if they are out of range.

    value: one to three numbers (EXIF: degrees, minutes, seconds), or a text (XMP: 48.14, 48,8.5N, 48° 8' 30" N).
    reference: the letter of the direction, used if the text has none.
    """
    if isinstance(value, str | bytes):
        parts, is_negative, letter = _read_coordinate(decode_text(value), axis)
    else:
        numbers = [float(part) for part in (value if isinstance(value, Sequence) else (value,))[:3]]
        parts = list(takewhile(math.isfinite, numbers))  # 0/0: unknown
        is_negative, letter = any(part < 0 for part in parts), ""
    letter = letter or decode_text(reference).upper()
    degrees: float = sum(abs(part) / 60**i for i, part in enumerate(parts))
    if not parts or degrees > LIMITS[axis]:
        return None
    return -degrees if is_negative or letter.startswith(axis[1]) else degrees


def _read_coordinate(text: str, axis: Axis) -> tuple[list[float], bool, str]:
    """The numbers, True if there is a minus sign, and the letter of the direction or an empty text."""
    text = text[:MAX_COORDINATE].upper().replace("−", "-")
    if re.search(DEGREE_SIGN, text):  # with unit signs, a comma between digits is a decimal comma
        text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    else:
        text = DECIMAL_COMMA.sub(r"\1.\2\3", text) if DECIMAL_COMMA.fullmatch(text) else text
    found = COORDINATES[axis].fullmatch(text)
    if found is None:
        return [], False, ""
    before, sign, *numbers, after = found.groups()
    quotients = (number.partition("/") for number in numbers if number)
    return [float(n) / float(d or 1) for n, _, d in quotients], sign == "-", after or before or ""


def decode_comment(value: bytes, byte_order: Literal["<", ">"]) -> str:
    """Decode a UserComment; its first eight bytes name the encoding (EXIF 2.32). byte_order: that of the file."""
    code, rest = value[:8].partition(b"\0")[0].rstrip(), value[8:]
    if code == b"UNICODE" or (code.upper() == b"UNICODE" and b"\0" in rest.rstrip(b"\0")):  # "Unicode" may be ASCII
        return decode_text(_decode_utf16(rest, byte_order))
    if code == b"JIS":
        return decode_text(_decode_jis(rest))
    return decode_text(rest if code.upper() in (b"", b"ASCII", b"UNICODE") else value)


def _decode_utf16(data: bytes, byte_order: Literal["<", ">"]) -> str:
    """By the byte order mark, else in the more plausible order: some programs ignore that of the file."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "ignore")
    codecs = ("utf-16-le", "utf-16-be") if byte_order == "<" else ("utf-16-be", "utf-16-le")
    return data.decode(min(codecs, key=lambda codec: _rate_implausibility(data.decode(codec, "replace"))), "ignore")


def _rate_implausibility(text: str) -> tuple[int, int, int]:
    """The numbers of invalid characters, of scripts and of blocks of 256 characters: all are small for real text."""
    text = text.partition("\0")[0]
    n_bad = sum(c == "\ufffd" or (unicodedata.category(c)[0] == "C" and c not in "\t\r\n\u200d") for c in text)
    scripts = {unicodedata.name(c, "").split(" ")[0] for c in text if c.isalpha()}
    n_scripts = len({"CJK" if script in JAPANESE else script for script in scripts})
    return n_bad, n_scripts, len({ord(c) >> 8 for c in text})


def _decode_jis(data: bytes) -> str | bytes:
    """Decode ISO 2022 with escapes, plain pairs of bytes of JIS X 0208, EUC or Shift JIS; else return the bytes."""
    data = data.rstrip(b"\0 ")
    if b"\x1b" in data:
        candidates = [(data, "iso2022_jp_ext")]
    elif not data.isascii():
        candidates = [(data, "euc_jp"), (data, "cp932")]
    elif sum(first >= FIRST_RARE_KANJI for first in data[::2]) * 4 <= len(data):
        candidates = [(bytes(byte | 0x80 for byte in data), "euc_jp")]
    else:  # more than half of the pairs would be rare characters, so it is ASCII
        return data
    for candidate, codec in candidates:
        try:
            return candidate.decode(codec)
        except UnicodeDecodeError:
            continue
    return data
