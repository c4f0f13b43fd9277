"""Whatever a visitor types is read in a time that grows with its length, not with its square or cube."""

import time

import pytest

from cosmos_search.encoders.mini.weights import find_weights
from cosmos_search.processing.text import clip_tokenizer
from cosmos_search.retrieval.compose import add_place, add_word
from cosmos_search.retrieval.filters import parse_date, parse_near, parse_size
from cosmos_search.retrieval.query import MAX_CHARACTERS, parse_box, parse_query
from cosmos_search.retrieval.sentences import split_sentences
from indexer.errors import UsageError

# fmt: off
UNITS = (
    "1", "9.", ".", "0.", "1:", "1: ", "2:a ", ":", "９", "²", "1e", "1,", ",", " ", "\t", "\n", "\r\n",
    "\u2028", "\x00",
    '"', '"a', '""', "“", "“a", "”", "'", "'s", "(", "((.", ".)", '."', "[", "\\", "<",
    "+", "-", "+ ", "- ", "a + ", "a -a ", "--", "@", "@a", "@left ", "@1,", "a @0,0,1,1 ", "_",
    "!", "?", "…", "。", "a. ", "A. ", "etc. ", "e.g. ", "u.s.", "a.b.Cb.C", "A b.C", "1. ", "aB ", "a", "a ",
    "é", "\u0301", "猫", "🐶", "👩\u200d👩\u200d👧", "\u202e", "\udc80", "ﬁ", "ſ", "Ã©", "â€™", "İ",
    "&", "&amp;", "&#", "&#9", "&#x", "&lt", "\u01bb",
)
# fmt: on
SIZE = 30_000  # characters; cubic growth takes days here, quadratic growth 1.5 seconds and more


def in_box(text):
    add_place("", text, parse_box("0,0,1,1"))


READERS = {
    "sentences": split_sentences,
    "tokens": lambda text: clip_tokenizer().ids(text),
    "date": parse_date,
    "place on earth": parse_near,
    "size": parse_size,
    "box": parse_box,
    "word": lambda text: add_word("x", "+", text),
    "word in a box": in_box,
}


def cpu_seconds(read, text):
    started = time.process_time()
    try:
        read(text)
    except UsageError as error:
        assert str(error)  # noqa: PT017
    return time.process_time() - started


@pytest.mark.parametrize("name", READERS)
def test_texts_of_one_thing_over_and_over_are_read_at_once(name):
    clip_tokenizer()
    slow = {}
    for unit in UNITS:
        for text in (unit * (SIZE // len(unit)), "48.1,11.6," + unit * (SIZE // len(unit)) + "x"):
            if (seconds := cpu_seconds(READERS[name], text)) > 1:
                slow[unit] = seconds
    assert not slow


@pytest.mark.parametrize("before", ["", "a ", '"', "2:", "@", "+ "])
def test_the_longest_queries_are_read_at_once(before):
    slow = {}
    for unit in UNITS:
        text = (before + unit * (MAX_CHARACTERS // len(unit)))[: MAX_CHARACTERS - 1] + "x"
        if (seconds := cpu_seconds(parse_query, text)) > 0.5:
            slow[unit] = seconds
    assert not slow


def test_a_query_that_is_too_long_is_refused_with_the_limit():
    parse_query("a" * MAX_CHARACTERS)
    with pytest.raises(UsageError, match=r"10,001 characters; 10,000 is the most"):
        parse_query("a" * (MAX_CHARACTERS + 1))


def test_the_tokenizer_in_the_box_reads_the_longest_queries_at_once():
    tokenizer = pytest.importorskip("tokenizers").Tokenizer.from_file(str(find_weights().tokenizer))
    for unit in (unit for unit in UNITS if unit.isprintable()):
        assert cpu_seconds(tokenizer.encode, unit * (MAX_CHARACTERS // len(unit))) < 0.5, unit


@pytest.mark.parametrize(
    "text", ["&#" + "9" * 5000, "&#" + "9" * 20000 + ";", "&amp;#" + "1" * 5000, "&#x" + "f" * 9000]
)
def test_numbers_of_characters_that_python_refuses_to_read_are_plain_text(text):
    assert clip_tokenizer()([f"a {text} b"]).shape == (1, 77)
