"""Read a tokenizer.json: only supported structures are passed on to the library that runs them.

The library does not validate its input: a malicious file can multiply a text, backtrack for hours, choose tokens at
random, or make it panic.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import tokenizers

from cosmos_search.json_files import read_object
from cosmos_search.model_config import MAX_TOKENIZER_BYTES, VOCABULARY
from cosmos_search.processing.charsmap import find_problem
from indexer.errors import CosmosSearchError
from indexer.files import replace_file

__all__ = ["is_panic", "read_tokenizer"]

Fields = Mapping[str, tuple[Any, ...]]


class LongText:
    """Among allowed values: a text of any length, which is checked elsewhere."""


MAX_ADDED, MAX_CHARACTERS, MAX_STEPS = 10_000, 256, 16
MAX_SCORE = 1e9  # of a piece; published ones are logarithms of probabilities
SPECIALS = ("", r"<\|startoftext\|>|<\|endoftext\|>|", r"<start_of_text>|<end_of_text>|")  # transformers' from 5 on
ENDINGS = "'s|'t|'re|'ve|'m|'ll|'d|"
LETTERS = (r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+", r"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")  # CLIP's, in two spellings
SPLITS = {special + ENDINGS + letters for special in SPECIALS for letters in LETTERS} | {".", r"\s+", r"\w+|[^\w\s]+"}
BEHAVIOURS = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
# The supported fields of each part, with their allowed values or types.
MODELS: Mapping[str, Fields] = {
    "BPE": {
        "dropout": (None, 0, 0.0),
        "unk_token": (None, str),
        "continuing_subword_prefix": (None, ""),
        "end_of_word_suffix": (None, str),
        "fuse_unk": (bool,),
        "byte_fallback": (bool,),
        "ignore_merges": (bool,),
    },
    "Unigram": {"unk_id": (int,), "byte_fallback": (bool,)},
    "WordLevel": {"unk_token": (str,)},
    "WordPiece": {"unk_token": (str,), "continuing_subword_prefix": ("##",), "max_input_chars_per_word": (100,)},
}
WHITE_SPACE, BLANKS = {"Regex": r"\s+"}, {"Regex": " {2,}"}
PUNCTUATION = re.compile(r"\[(?:\\?[!-,./:-@_`{|}~]|\\[-\[\]\\^])+\]")  # a class of characters, as SigLIP removes them
BLANK = "\u2581"  # stands for a blank in the vocabularies of SentencePiece
NORMALIZERS: Mapping[str, Fields] = {
    **{name: {} for name in ("Lowercase", "NFC", "NFD", "NFKC", "NFKD", "StripAccents")},
    "Replace": {"pattern": (WHITE_SPACE, dict), "content": (str,)},
    "Strip": {"strip_left": (bool,), "strip_right": (bool,)},
    "Precompiled": {"precompiled_charsmap": (LongText,)},
    "BertNormalizer": {
        "clean_text": (bool,),
        "handle_chinese_chars": (bool,),
        "strip_accents": (None, bool),
        "lowercase": (bool,),
    },
}
PRE_TOKENIZERS: Mapping[str, Fields] = {
    "ByteLevel": {"add_prefix_space": (bool,), "trim_offsets": (bool,), "use_regex": (bool,)},
    "Split": {
        "pattern": ({"String": " "}, *({"Regex": split} for split in sorted(SPLITS))),
        "behavior": BEHAVIOURS,
        "invert": (bool,),
    },
    "Metaspace": {
        "replacement": (BLANK,),
        "prepend_scheme": ("always", "first", "never"),
        "add_prefix_space": (bool,),
        "split": (bool,),
    },
    "BertPreTokenizer": {},
    "Whitespace": {},
    "WhitespaceSplit": {},
}
ADDED_TOKEN: Fields = {
    "id": (int,),
    "content": (str,),
    **dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), (bool,)),
}
# Parts that are dropped, since only token ids are used; their types are checked nevertheless.
UNUSED = {
    "post_processor": (None, "BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing"),
    "decoder": (
        *(None, "BPEDecoder", "ByteFallback", "ByteLevel", "Fuse", "Metaspace"),
        *("Replace", "Sequence", "Strip", "WordPiece"),
    ),
}


def read_tokenizer(path: Path, cache: Path | None = None) -> tokenizers.Tokenizer:
    """The tokenizer in a file. Raises CosmosSearchError for any structure that is not supported.

    cache: a file of our own with what was checked before, which is read instead, and written if it is missing or
    damaged. To check 256,000 tokens and their merges takes twice as long as to load them.
    """
    if cache is not None and (known := _read_checked(cache)) is not None:
        return known
    content = read_object(path, MAX_TOKENIZER_BYTES)
    try:
        checked = _check_content(content)
    except (_UnsupportedError, RecursionError) as error:
        raise CosmosSearchError(f"{path} can't be used: {error}.") from error
    text = json.dumps(checked)
    try:
        tokenizer = tokenizers.Tokenizer.from_str(text)
    except BaseException as error:  # the library raises plain Exception, and a Rust panic is a BaseException
        if not isinstance(error, Exception) and not is_panic(error):
            raise
        raise CosmosSearchError(f"{path} is damaged, or not a tokenizer ({_first_line(error)}).") from error
    if wrong := [t["content"] for t in checked["added_tokens"] if tokenizer.token_to_id(t["content"]) != t["id"]]:
        raise CosmosSearchError(f"{path} can't be used: the added token {_shorten(wrong[0])} does not have its id.")
    if cache is not None:
        with suppress(OSError):  # such as a folder that may not be written to
            replace_file(cache, lambda file: file.write(text.encode()), sync=False)
    return tokenizer


def _read_checked(cache: Path) -> tokenizers.Tokenizer | None:
    """None for a file that is missing or damaged."""
    try:
        return tokenizers.Tokenizer.from_file(str(cache)) if cache.is_file() else None
    except BaseException as error:
        if not isinstance(error, Exception) and not is_panic(error):
            raise
        return None


def is_panic(error: BaseException) -> bool:
    """True for a panic in a library written in Rust, whose class cannot be imported."""
    return type(error).__name__ == "PanicException"


class _UnsupportedError(Exception):
    """The message describes what is not supported."""


def _check_content(content: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that are used. Raises _UnsupportedError unless all have a supported structure."""
    for part, kinds in UNUSED.items():
        value = content.get(part)
        kind = value.get("type") if isinstance(value, dict) else value
        if not (kind is None or isinstance(kind, str)) or kind not in kinds:
            raise _UnsupportedError(f"its {part} is of the unknown type {_shorten(kind)}")
    model, vocabulary = _check_model(content.get("model"))
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _check_added_tokens(content.get("added_tokens"), vocabulary),
        "normalizer": _check_steps(content.get("normalizer"), "normalizer", "normalizers", NORMALIZERS),
        "pre_tokenizer": _check_steps(content.get("pre_tokenizer"), "pre_tokenizer", "pretokenizers", PRE_TOKENIZERS),
        "post_processor": None,
        "decoder": None,
        "model": model,
    }


def _check_model(content: Any) -> tuple[dict[str, Any], dict[str, int]]:
    """The model, and the ids of its tokens."""
    kind = content.get("type", "BPE" if "merges" in content else None) if isinstance(content, dict) else None
    if not isinstance(kind, str) or kind not in MODELS:
        raise _UnsupportedError(f"its model is of the unknown type {_shorten(kind)}; supported are {', '.join(MODELS)}")
    fields = _check_fields(content, "model", MODELS[kind])
    pieces = content.get("vocab")
    vocabulary = _read_pieces(pieces) if kind == "Unigram" else pieces
    if not isinstance(vocabulary, dict) or not vocabulary:
        raise _UnsupportedError("its model has no vocab")
    ids = set(vocabulary.values()) if all(type(id_) is int for id_ in vocabulary.values()) else set()
    if len(ids) != len(vocabulary) or min(ids) < 0 or max(ids) >= VOCABULARY[1]:
        raise _UnsupportedError(f"the ids of its tokens are not different whole numbers below {VOCABULARY[1]:,}")
    model = {"type": kind, "vocab": pieces, **fields}
    if kind == "BPE":
        model["merges"] = _check_merges(content.get("merges"), vocabulary)
    if kind == "Unigram" and not 0 <= fields.get("unk_id", -1) < len(vocabulary):
        raise _UnsupportedError("its unk_id is not one of its vocab")
    if isinstance(unknown := fields.get("unk_token"), str) and kind != "WordLevel" and unknown not in vocabulary:
        raise _UnsupportedError(f"its unk_token {_shorten(unknown)} is not in its vocab")
    return model, vocabulary


def _read_pieces(pieces: Any) -> dict[str, int]:
    """The ids of the pieces of a Unigram model, which is a list of pieces with their scores."""
    if not isinstance(pieces, list):
        raise _UnsupportedError("its vocab is not a list of pieces with scores")
    for piece in pieces:
        is_pair = isinstance(piece, list) and len(piece) == 2 and isinstance(piece[0], str)
        if not is_pair or type(piece[1]) not in (int, float) or not abs(piece[1]) < MAX_SCORE:
            raise _UnsupportedError(f"its piece {_shorten(piece)} is not a text with a score")
    ids = {piece[0]: i for i, piece in enumerate(pieces)}
    if len(ids) != len(pieces):
        raise _UnsupportedError("its vocab has a piece twice")
    return ids


def _check_merges(merges: Any, vocabulary: Mapping[str, int]) -> list[list[str]]:
    if not isinstance(merges, list):
        raise _UnsupportedError("its model has no list of merges")
    pairs = [merge.split(" ") if isinstance(merge, str) else merge for merge in merges]
    for pair in pairs:
        is_pair = isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
        if not is_pair or not {*pair, "".join(pair)} <= vocabulary.keys():
            raise _UnsupportedError(f"its merge {_shorten(pair)} is not of two tokens of its vocab to a third")
    return pairs


def _check_added_tokens(tokens: Any, vocabulary: Mapping[str, int]) -> list[dict[str, Any]]:
    """Each has the id of the same token in the vocab, or an id that is not in the vocab."""
    if tokens is None:
        return []
    if not isinstance(tokens, list) or len(tokens) > MAX_ADDED:
        raise _UnsupportedError(f"its added_tokens are not a list, or more than {MAX_ADDED:,}")
    ids, found = {id_: token for token, id_ in vocabulary.items()}, []
    for token in tokens:
        fields = _check_fields(token, "added token", ADDED_TOKEN) if isinstance(token, dict) else {}
        content, id_ = fields.get("content"), fields.get("id")
        if not content or id_ is None or not 0 <= id_ < VOCABULARY[1]:
            raise _UnsupportedError("one of its added_tokens has no content, or no id within bounds")
        if ids.setdefault(id_, content) != content or vocabulary.get(content, id_) != id_:
            raise _UnsupportedError(f"the id {id_} of its added token {_shorten(content)} belongs to another token")
        found.append(fields)
    return found


def _check_steps(content: Any, part: str, list_name: str, known: Mapping[str, Fields]) -> dict[str, Any] | None:
    """One step, or a Sequence of steps, possibly nested. Returns a flat Sequence, or None if there are no steps."""
    flat, waiting = list[dict[str, Any]](), [] if content is None else [content]
    while waiting:
        step = waiting.pop(0)
        kind = step.get("type") if isinstance(step, dict) else None
        if kind == "Sequence" and isinstance(steps := step.get(list_name), list) and len(steps) <= MAX_STEPS:
            waiting = [*steps, *waiting]
        elif isinstance(kind, str) and kind in known:
            flat.append({"type": kind, **_check_fields(step, part, known[kind])})
        else:
            raise _UnsupportedError(
                f"its {part} is of the unknown type {_shorten(kind)}; supported are {', '.join(known)}"
            )
        if len(flat) + len(waiting) > MAX_STEPS:
            raise _UnsupportedError(f"its {part} has more than {MAX_STEPS} steps")
    for step in flat:
        if step["type"] == "Replace":
            _check_replacement(step)
        if step["type"] == "Precompiled" and (problem := find_problem(step.get("precompiled_charsmap", ""))):
            raise _UnsupportedError(f"the precompiled_charsmap of its normalizer {problem}")
    return {"type": "Sequence", list_name: flat} if flat else None


def _check_replacement(step: Mapping[str, Any]) -> None:
    """White space, punctuation or a literal text may be replaced by a text that is not longer."""
    pattern, content = step.get("pattern"), step.get("content")
    replaced = str((pattern or {}).get("String", ""))
    is_known = pattern == {"String": replaced} and isinstance(content, str) and 0 < len(replaced) >= len(content)
    if isinstance(pattern, dict) and isinstance(regex := pattern.get("Regex"), str) and len(pattern) == 1:
        is_punctuation = len(regex) <= MAX_CHARACTERS and PUNCTUATION.fullmatch(regex) is not None
        is_known = content == "" if is_punctuation else pattern in (WHITE_SPACE, BLANKS) and content in ("", " ", BLANK)
    if not is_known:
        raise _UnsupportedError(
            f"its normalizer replaces {_shorten(pattern)} by {_shorten(content)}, which is not supported"
        )


def _check_fields(content: Mapping[str, Any], part: str, known: Fields) -> dict[str, Any]:
    """The supported fields; others are dropped. Raises _UnsupportedError for a value that is not supported."""
    found = {name: content[name] for name in known if name in content}
    for name, value in found.items():
        if not any(_matches(value, option) for option in known[name]):
            raise _UnsupportedError(f"the {name} of its {part} is {_shorten(value)}, which is not supported")
    return found


def _matches(value: Any, option: Any) -> bool:
    """True if the value equals the option, or has that type."""
    if option is LongText:
        return isinstance(value, str)
    if isinstance(option, type):
        return type(value) is option and (not isinstance(value, str) or len(value) <= MAX_CHARACTERS)
    return type(value) is type(option) and bool(value == option)


def _shorten(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200]
