"""Models of SentencePiece: the same tokens as the library's, and a map of characters whose structure is checked."""

import base64
import struct
from pathlib import Path

import numpy as np
import pytest

from cosmos_search.models.convert_parts import convert_tokenizer
from cosmos_search.network.families.siglip import SIGLIP
from cosmos_search.processing.charsmap import find_problem
from cosmos_search.processing.text import TextTokenizer

WORDS = "a dog two dogs run on the grass in a park red blue house tree water people Hund läuft Gras ein eine".split()
TEXTS = ("A dog, on the grass!", "  two   dogs ", "ﬁve Ｄｏｇｓ", "ein Hund läuft", "①②", "犬", "x" * 200, "a\u00a0dog")


@pytest.fixture
def trained(tmp_path):
    """The folder of a model of SentencePiece with its default normalization, and its map of characters."""
    sentencepiece = pytest.importorskip("sentencepiece")
    generator = np.random.default_rng(0)
    sentences = [" ".join(generator.choice(WORDS, 8)) for _ in range(400)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_prefix=str(tmp_path / "spiece"),
        vocab_size=44,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    return tmp_path


def read_charsmap(folder: Path) -> bytes:
    from sentencepiece import sentencepiece_model_pb2

    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString((folder / "spiece.model").read_bytes())
    return bytes(proto.normalizer_spec.precompiled_charsmap)


def test_siglips_vocabulary_gives_the_tokens_that_its_own_tokenizer_gives(trained):
    from transformers import SiglipTokenizer

    theirs = SiglipTokenizer(str(trained / "spiece.model"))
    convert_tokenizer(trained, trained / "tokenizer.json")
    ours = TextTokenizer.from_file(trained / "tokenizer.json", 64, SIGLIP)
    for text in TEXTS:
        assert ours.encode(text) == theirs(text, padding="max_length", truncation=True)["input_ids"], text


def test_the_published_map_of_characters_is_valid_and_no_part_of_it_is(trained):
    content = read_charsmap(trained)
    assert find_problem(base64.b64encode(content).decode()) == ""
    for damaged in (content[:-1], content[: len(content) // 2], content[4:], content[:3]):
        assert find_problem(base64.b64encode(damaged).decode()) != ""


def make_charsmap(units, replacements=b"a\0"):
    trie = units + [0] * (256 - len(units))
    return base64.b64encode(struct.pack("<I", 1024) + struct.pack("<256I", *trie) + replacements).decode()


VALUE, LEAF = 1 << 31, 1 << 8
ODD = {
    "no base64": "#",
    "nothing": "",
    "a child beyond the end": make_charsmap([1 << 10 << 10]),
    "a leaf that is no value": make_charsmap([LEAF | 1 << 10]),
    "a value beyond the end": make_charsmap([0, VALUE | 77]),
    "a long replacement": make_charsmap([0], b"a" * 1000 + b"\0"),
    "no end": make_charsmap([0], b"a"),
    "no UTF-8": make_charsmap([0], b"\xff\0"),
    "a part of a character": make_charsmap([0, VALUE | 1], "é".encode() + b"\0"),
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_a_map_that_would_make_the_library_fail_is_refused(content):
    assert find_problem(content) != ""


def test_a_small_map_is_valid():
    assert find_problem(make_charsmap([LEAF | 1 << 10, VALUE])) == ""
