"""tokenizer.json: the shapes that are published are read, and all others are refused before the library sees them."""

import base64
import json

import pytest
import tokenizers
from tokenizers import models, pre_tokenizers
from transformers import CLIPTokenizer

from cosmos_search.processing.text import END, START, TextTokenizer, clip_tokenizer, save_clip_tokenizer
from cosmos_search.processing.tokenizer_file import read_tokenizer
from indexer.errors import CosmosSearchError

FLAGS = {"special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True}
TEXTS = ["a photo of a cat's bowl", "It's 3.5 m!", "犬 🐕  and\tmore", ""]
OPENAI = ("<|startoftext|>", "<|endoftext|>")
SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "tokenizer.json"
    save_clip_tokenizer(path)
    return json.loads(path.read_text())


def as_openai(own, pairs=False):
    """As openai/clip-vit-base-patch32 has it."""
    vocabulary = own["model"]["vocab"]
    vocabulary = {{START: OPENAI[0], END: OPENAI[1]}.get(token, token): id_ for token, id_ in vocabulary.items()}
    merges = own["model"]["merges"]
    return {
        "version": "1.0",
        "truncation": {"max_length": 77, "strategy": "LongestFirst", "stride": 0},
        "padding": None,
        "added_tokens": [{"id": 49406 + i, "content": token, **FLAGS} for i, token in enumerate(OPENAI)],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "NFC"},
                {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "},
                {"type": "Lowercase"},
            ],
        },
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Removed", "invert": True},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True},
            ],
        },
        "post_processor": {
            "type": "RobertaProcessing",
            "sep": [OPENAI[1], 49407],
            "cls": [OPENAI[0], 49406],
            "trim_offsets": False,
            "add_prefix_space": False,
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": OPENAI[1],
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "</w>",
            "fuse_unk": False,
            "vocab": vocabulary,
            "merges": [" ".join(merge) for merge in merges] if not pairs else merges,
        },
    }


def save(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("pairs", [False, True])
def test_clips_published_file_is_read_with_the_official_ids(pairs, own, tmp_path):
    path = save(tmp_path / "tokenizer.json", as_openai(own, pairs))
    read = TextTokenizer.from_file(path, 77)
    assert [read.ids(text) for text in TEXTS] == [clip_tokenizer().ids(text) for text in TEXTS]


def test_a_padding_token_as_open_clips_models_have_it_is_read(own, tmp_path):
    content = as_openai(own)
    content["added_tokens"].insert(0, content["added_tokens"][0] | {"id": 0, "content": "!"})
    content["model"] |= {"byte_fallback": False, "ignore_merges": False}
    read = TextTokenizer.from_file(save(tmp_path / "tokenizer.json", content), 77)
    assert read.ids("a cat") == clip_tokenizer().ids("a cat")


def test_what_transformers_saves_is_read_with_the_official_ids(own, tmp_path):
    model = as_openai(own)["model"]
    merges = [tuple(merge.split()) for merge in model["merges"]]
    CLIPTokenizer(vocab=model["vocab"], merges=merges).save_pretrained(tmp_path)
    read = TextTokenizer.from_file(tmp_path / "tokenizer.json", 77)
    assert [read.ids(text) for text in TEXTS] == [clip_tokenizer().ids(text) for text in TEXTS]


VOCABULARY = {"a": 0, "b": 1, "ab": 2, "c": 3, START: 4, END: 5}


def small(**parts):
    """A tokenizer of six tokens, with other parts."""
    model = {"type": "BPE", "vocab": VOCABULARY, "merges": ["a b"], "unk_token": "c"}
    added = [{"id": VOCABULARY[token], "content": token, **FLAGS} for token in (START, END)]
    return {"version": "1.0", "added_tokens": added, "model": model | parts.pop("model", {}), **parts}


def make_added_token(**values):
    return {"added_tokens": [*small()["added_tokens"], FLAGS | {"id": 6, "content": "d", "special": False} | values]}


def replaced(pattern, content):
    return {"normalizer": {"type": "Replace", "pattern": pattern, "content": content}}


def split(pattern, **values):
    step = {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}
    return {"pre_tokenizer": step | values}


def nested(part, key, depth):
    step = {"type": "Lowercase"} if part == "normalizer" else {"type": "Whitespace"}
    for _ in range(depth):
        step = {"type": "Sequence", key: [step]}
    return {part: step}


KNOWN = {
    "nothing else": {},
    "no dropout": {"model": {"dropout": 0}},
    "a dropout of 0.0": {"model": {"dropout": 0.0}},
    "Lowercase": {"normalizer": {"type": "Lowercase"}},
    "NFKC": {"normalizer": {"type": "NFKC"}},
    "white space": replaced({"Regex": r"\s+"}, " "),
    "a literal": replaced({"String": "\u00a0"}, " "),
    "white space removed": replaced({"String": " "}, ""),
    "sequences": nested("normalizer", "normalizers", 3),
    "Whitespace": {"pre_tokenizer": {"type": "Whitespace"}},
    "WhitespaceSplit": {"pre_tokenizer": {"type": "WhitespaceSplit"}},
    "CLIP's split": split({"Regex": SPLIT}, behavior="Removed", invert=True),
    "ByteLevel": {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}},
    "an added token": make_added_token(),
    "no tokens of its own": {"model": {"type": "WordLevel", "unk_token": "c"}},
    "Fuse": {"decoder": {"type": "Fuse"}},
}


@pytest.mark.parametrize("parts", KNOWN.values(), ids=KNOWN)
def test_known_shapes_are_read_and_give_the_same_tokens_each_time(parts, tmp_path):
    read = TextTokenizer.from_file(save(tmp_path / "tokenizer.json", small(**parts)), 12)
    assert read.ids("ab") == read.ids("ab") == [4, 2, 5]


def test_a_template_that_repeats_a_text_is_not_run(tmp_path):
    pieces = [{"Sequence": {"id": "A", "type_id": 0}}] * 1000
    template = {"type": "TemplateProcessing", "single": pieces, "pair": pieces, "special_tokens": {}}
    read = TextTokenizer.from_file(save(tmp_path / "tokenizer.json", small(post_processor=template)), 12)
    assert read.ids("ab") == [4, 2, 5]


CHARSMAP = base64.b64encode(b"\x08\0\0\0" + b"\xff" * 8).decode()
UNKNOWN = {
    "dropout": {"model": {"dropout": 0.5}},
    "full dropout": {"model": {"dropout": 1}},
    "dropout as a text": {"model": {"dropout": "0"}},
    "dropout as a flag": {"model": {"dropout": True}},
    "a model of another type": {"model": {"type": "Unigram"}},
    "a model of no type": {"model": {"type": ["BPE"]}},
    "no model": {"model": {"type": None}},
    "a prefix": {"model": {"continuing_subword_prefix": "######"}},
    "a long suffix": {"model": {"end_of_word_suffix": "x" * 1_000_000}},
    "a suffix that is none": {"model": {"end_of_word_suffix": 7}},
    "an unknown unk_token": {"model": {"unk_token": "zzz"}},
    "the same id": {"model": {"vocab": dict.fromkeys(VOCABULARY, 0)}},
    "an id twice": {"model": {"vocab": VOCABULARY | {"c": 2}}},
    "a negative id": {"model": {"vocab": VOCABULARY | {"c": -1}}},
    "a huge id": {"model": {"vocab": VOCABULARY | {"c": 2**32 - 1}}},
    "an id that is none": {"model": {"vocab": VOCABULARY | {"c": 3.0}}},
    "an id as a flag": {"model": {"vocab": {"a": True}}},
    "a list of tokens": {"model": {"vocab": [["a", -1.0]]}},
    "no tokens": {"model": {"vocab": {}}},
    "merges of unknown tokens": {"model": {"merges": ["a z"]}},
    "merges to an unknown token": {"model": {"merges": ["a c"]}},
    "merges of one": {"model": {"merges": ["a"]}},
    "merges of three": {"model": {"merges": [["a", "b", "c"]]}},
    "merges of numbers": {"model": {"merges": [[1, 2]]}},
    "merges as a text": {"model": {"merges": "a b"}},
    "text multiplied": replaced({"String": "a"}, "a" * 1_000_000),
    "text doubled": replaced({"String": "a"}, "aa"),
    "text from nothing": replaced({"String": ""}, "a"),
    "white space multiplied": replaced({"Regex": r"\s+"}, "  "),
    "text multiplied by a pattern": replaced({"Regex": "."}, " " * 10_000),
    "a pattern that backtracks": replaced({"Regex": r"(a+)+$"}, ""),
    "a pattern of nothing": replaced({"Regex": ""}, ""),
    "a pattern that is none": replaced(None, ""),
    "a pattern of both": replaced({"String": "aa", "Regex": "(a+)+$"}, ""),
    "Prepend": {"normalizer": {"type": "Prepend", "prepend": "a" * 1_000_000}},
    "Precompiled": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": CHARSMAP}},
    "an unknown normalizer": {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Evil"}]}},
    "a normalizer of no type": {"normalizer": {"type": {"a": 1}}},
    "a list of normalizers": {"normalizer": [{"type": "NFC"}]},
    "many normalizers": {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKD"}] * 10_000}},
    "deep normalizers": nested("normalizer", "normalizers", 200) | {"pre_tokenizer": {"type": "Evil"}},
    "many in many": {
        "normalizer": {
            "type": "Sequence",
            "normalizers": [{"type": "Sequence", "normalizers": [{"type": "NFKD"}] * 16}] * 16,
        }
    },
    "a sequence that is none": {"normalizer": {"type": "Sequence", "normalizers": "NFC"}},
    "a split that backtracks": split({"Regex": r"(a+)+$"}),
    "CLIP's split and more": split({"Regex": SPLIT + r"|(a+)+$"}),
    "a split with a look behind": split({"Regex": r"(?<=(a|b)*)c"}),
    "a split of a text": split({"String": "a" * 1_000_000}),
    "a split of an unknown way": split({"Regex": SPLIT}, behavior="Explode"),
    "a split of no way": split({"Regex": SPLIT}, invert="yes"),
    "another Metaspace": {"pre_tokenizer": {"type": "Metaspace", "replacement": "x", "prepend_scheme": "always"}},
    "another prefix of WordPiece": {"model": {"type": "WordPiece", "continuing_subword_prefix": "####"}},
    "pieces without scores": {"model": {"type": "Unigram", "vocab": ["a", "b"], "unk_id": 0}},
    "pieces with a score that is none": {"model": {"type": "Unigram", "vocab": [["a", "0"]], "unk_id": 0}},
    "pieces with a huge score": {"model": {"type": "Unigram", "vocab": [["a", 1e300]], "unk_id": 0}},
    "a piece twice": {"model": {"type": "Unigram", "vocab": [["a", 0.0], ["a", 0.0]], "unk_id": 0}},
    "an unknown piece that is none": {"model": {"type": "Unigram", "vocab": [["a", 0.0]], "unk_id": 7}},
    "punctuation multiplied": replaced({"Regex": "[!,.]"}, "!!"),
    "a class that is more": replaced({"Regex": "[!,.]+$|(a+)+$"}, ""),
    "an unknown way to clean": {"normalizer": {"type": "BertNormalizer", "lowercase": "yes"}},
    "an unknown post-processor": {"post_processor": {"type": "Evil"}},
    "a post-processor of no type": {"post_processor": []},
    "an unknown decoder": {"decoder": {"type": "Evil"}},
    "added tokens that are none": {"added_tokens": {"a": 1}},
    "an added token that is none": {"added_tokens": ["a"]},
    "an added token of nothing": make_added_token(content=""),
    "an added token of much": make_added_token(content="d" * 1_000_000),
    "an added token with another's id": make_added_token(id=2),
    "an added token with another id": make_added_token(content="a"),
    "an added token with a huge id": make_added_token(id=2**40),
    "an added token with a negative id": make_added_token(id=-1),
    "an added token with an id far off": make_added_token(id=77),
    "an added token with no id": make_added_token(id=None),
    "an added token with an odd flag": make_added_token(lstrip="yes"),
    "many added tokens": {"added_tokens": [FLAGS | {"id": i, "content": str(i)} for i in range(6, 20_000)]},
}


@pytest.mark.parametrize("parts", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_shapes_are_refused_in_one_sentence_and_the_library_says_nothing(parts, tmp_path, capfd):
    path = save(tmp_path / "tokenizer.json", small(**parts))
    with pytest.raises(CosmosSearchError) as caught:
        read_tokenizer(path)
    said = str(caught.value)
    assert said.startswith(f"{path} can't be used: ")
    assert "\n" not in said
    assert said.isprintable()
    assert len(said) - len(str(path)) < 300
    assert capfd.readouterr() == ("", "")


def test_a_panic_while_a_text_is_read_is_one_sentence():
    library = tokenizers.Tokenizer(models.WordLevel({"a": 0, "?": 1, START: 2, END: 3}, unk_token="?"))
    library.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex("(a+)+$"), "isolated")
    with pytest.raises(CosmosSearchError, match="tokenizer can't read") as caught:
        TextTokenizer(library).ids("a" * 40 + "!")
    assert "\n" not in str(caught.value)


def test_what_was_checked_is_read_from_the_cache_until_it_is_damaged(own, tmp_path):
    path, cache = tmp_path / "tokenizer.json", tmp_path / "checked.json"
    path.write_text(json.dumps(own))
    wanted = read_tokenizer(path, cache).encode("a cat").ids
    path.unlink()
    assert read_tokenizer(path, cache).encode("a cat").ids == wanted
    path.write_text(json.dumps(own))
    cache.write_bytes(cache.read_bytes()[:1000])
    assert read_tokenizer(path, cache).encode("a cat").ids == wanted
    path.unlink()
    assert read_tokenizer(path, cache).encode("a cat").ids == wanted


def test_a_tokenizer_is_read_where_no_cache_can_be_written(own, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(own))
    assert read_tokenizer(path, tmp_path / "not there" / "checked.json").get_vocab_size() == len(own["model"]["vocab"])
