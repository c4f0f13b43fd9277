"""The map of characters of a SentencePiece normalizer: its structure is checked, since the library trusts it.

The content in base64: the size of a double-array trie in bytes, the trie (Aoe 1989, as darts-clone packs it: units of
32 bits), then the replacements, each ended by a zero byte. A value in the trie is the position of a replacement.
"""

import base64
import binascii

import numpy as np

__all__ = ["find_problem"]

MAX_REPLACEMENT_BYTES = 64  # published ones have up to 33
BLOCK = 256  # units; the children of one lie in one block
VALUE_BIT, LEAF_BIT, LONG_BIT = 1 << 31, 1 << 8, 1 << 9


def find_problem(encoded: str) -> str:
    """What would make the library fail, or multiply a text; "" for a valid map."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return "is not in base64"
    size = int.from_bytes(content[:4], "little")
    if len(content) < 4 or size % (4 * BLOCK) or not 0 < size <= len(content) - 4:
        return "has no trie of the size that it states"
    units = np.frombuffer(content, dtype="<u4", count=size // 4, offset=4).astype(np.int64)
    return _check_trie(units, content[4 + size :])


def _check_trie(units: "np.ndarray[tuple[int], np.dtype[np.int64]]", replacements: bytes) -> str:
    is_value = units & VALUE_BIT != 0
    offsets = (units >> 10) << np.where(units & LONG_BIT != 0, 8, 0)
    children = np.arange(len(units)) ^ offsets  # of a unit: at this position, changed by the next byte of a text
    if ((children | (BLOCK - 1)) >= len(units))[~is_value].any():
        return "has a trie that leads out of itself"
    values = units[is_value] & (VALUE_BIT - 1)
    leaves = units[children[~is_value & (units & LEAF_BIT != 0)]]
    if (leaves & VALUE_BIT == 0).any() or (values >= len(replacements)).any():
        return "has a trie with a value out of bounds"
    if not replacements.endswith(b"\0") or max(map(len, replacements.split(b"\0"))) > MAX_REPLACEMENT_BYTES:
        return "has a replacement that is too long"
    try:
        replacements.decode("utf-8")
    except UnicodeDecodeError:
        return "has a replacement that is not in UTF-8"
    starts = np.frombuffer(replacements, dtype=np.uint8)[values]
    return "has a value within a character" if (starts & 0xC0 == 0x80).any() else ""
