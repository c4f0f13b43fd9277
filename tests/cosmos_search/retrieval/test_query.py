import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_search.retrieval.errors import QueryError
from cosmos_search.retrieval.query import PLACES, Term, parse_box, parse_query
from indexer.errors import UsageError
from indexer.pictures.regions import Box

LEFT, TOP_RIGHT = PLACES["left"], PLACES["top-right"]
CASES = {
    "a red car": [Term("a red car")],
    "A dog asleep on a sofa. A red lamp on the left.": [Term("A dog asleep on a sofa"), Term("A red lamp on the left")],
    "beach + sunset - people": [Term("beach"), Term("sunset"), Term("people", is_negative=True)],
    "beach -people": [Term("beach"), Term("people", is_negative=True)],
    "- people + beach": [Term("people", is_negative=True), Term("beach")],
    "2:dog + 0.5:cat": [Term("dog", 2.0), Term("cat", 0.5)],
    ".5:dog": [Term("dog", 0.5)],
    "a red car @left. a church @top-right": [Term("a red car", place=LEFT), Term("a church", place=TOP_RIGHT)],
    "a car @LEFT": [Term("a car", place=LEFT)],
    "a car @0.1,0.2,0.5,0.7. a dog": [Term("a car", place=Box(0.1, 0.2, 0.5, 0.7)), Term("a dog")],
    '"a - b. c: 2:d @left"': [Term("a - b. c: 2:d @left")],
    '2:"black - white"@left - "a. b"': [Term("black - white", 2.0, place=LEFT), Term("a. b", is_negative=True)],
    "“curly - quotes” + x": [Term("curly - quotes"), Term("x")],
    "T-shirt and C++ and A+": [Term("T-shirt and C++ and A+")],
    "temperature -5 degrees": [Term("temperature -5 degrees")],
    "black-and-white at 10:30": [Term("black-and-white at 10:30")],
    "it's a dog's life": [Term("it's a dog's life")],
    "2:@left dog": [Term("dog", 2.0, place=LEFT)],
    "a dog @left. a cat @left": [Term("a dog", place=LEFT), Term("a cat", place=LEFT)],
    "a dog @left\na cat @top-right": [Term("a dog", place=LEFT), Term("a cat", place=TOP_RIGHT)],
    "a dog @left - a cat @top-right": [
        Term("a dog", place=LEFT),
        Term("a cat", is_negative=True, place=TOP_RIGHT),
    ],
    '"@right" @left': [Term("@right", place=LEFT)],
    "mail me@left.org": [Term("mail me@left.org")],
    "a. b - c. d": [Term("a"), Term("b"), Term("c", is_negative=True), Term("d")],
    '"a""b" + c "d"': [Term("ab"), Term("c d")],
    '"x""y"@left - "z"': [Term("xy", place=LEFT), Term("z", is_negative=True)],
    '@"left"': [Term("@left")],
    "🐶": [Term("🐶")],
    "beach -🐶 + 2:❤️": [Term("beach"), Term("🐶", is_negative=True), Term("❤️", 2.0)],
    "👩\u200d👩\u200d👧 @left": [Term("👩\u200d👩\u200d👧", place=LEFT)],
    "می\u200cروم": [Term("می\u200cروم")],
    "1️⃣": [Term("1️⃣")],
    "‼": [Term("‼")],
    "🇩🇪. ☀": [Term("🇩🇪"), Term("☀")],
    "€ + →": [Term("€"), Term("→")],
    "a @.1,.2,.5,.7": [Term("a", place=Box(0.1, 0.2, 0.5, 0.7))],
    "a photo of 2024:june": [Term("a photo of 2024:june")],
    "a\r\nb\rc": [Term("a"), Term("b"), Term("c")],
    "a\x00b\x1bc\nd": [Term("a b c"), Term("d")],
}


@pytest.mark.parametrize("text", CASES)
def test_queries_are_read_as_their_writers_mean_them(text):
    assert list(parse_query(text).terms) == CASES[text]


MISTAKES = {
    "a car @lef": ("did you mean @left?", "@"),
    "a car @somewhere": ("there are: bottom", "@"),
    "a car @0.5,0.5,0.2,0.2": ("no area", "@"),
    "a car @0,0,2,2": ("not inside", "@"),
    "a car @0,0,1": ("is not a valid box", "@"),
    "beach -": ("Nothing follows this -", "-"),
    "beach - - people": ("Nothing follows this -", "-"),
    'an "open quote': ("not closed", '"'),
    "dog + 0:cat": ("above 0", "0:"),
    "1001:cat": ("from 0.001 to 1000", "1001:"),
    "0.0001:cat": ("from 0.001 to 1000", "0.0001:"),
    f"{'9' * 400}:cat": ("from 0.001 to 1000", "999"),
    "a\rb -": ("Nothing follows this -", "-"),
    "a “b “c": ("not closed", "“"),
    "a @left @right": ("one place", "@right"),
    "a @left @left": ("one place", "@left"),
    "a @left b @top c @right": ("one place", "@top"),
    "a dog @left, a cat @right": ("one place", "@right"),
    "a dog @left and @0.1,0.2,0.5,0.7": ("one place", "@0.1"),
    '"a  -  b" @left “c” @right': ("one place", "@right"),
    "2:dog @left @right": ("one place", "@right"),
    "2:@left dog @right": ("one place", "@right"),
    "x - dog @left @right": ("one place", "@right"),
    "x + y. z @left @right": ("one place", "@right"),
    "a\n  b   @left   @right": ("one place", "@right"),
    "@left @right": ("Nothing is looked for", "@right"),
    "@left": ("Nothing is looked for", "@left"),
    "a dog. @left": ("Nothing is looked for", "@left"),
    "2:@left": ("Nothing is looked for", "@left"),
    "a + @left": ("Nothing is looked for", "@left"),
    "a car @" + "0" * 5000: ("is not a valid box", "@"),
    f"a @{'x' * 5000}": ("There is no place @xxx", "@"),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_pointed_at(text):
    message, mark = MISTAKES[text]
    with pytest.raises(QueryError) as caught:
        parse_query(text)
    error = caught.value
    assert message in str(error)
    assert "\n" not in str(error)
    assert error.text[error.position :].startswith(mark)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (" . ", "empty"),
        ("?!", "empty"),
        ("—", "empty"),
        ("\u200d \u202e", "empty"),
        ("- people", "what to look for"),
        ("-a -b", "what to"),
    ],
)
def test_a_query_for_nothing_is_refused(text, message):
    with pytest.raises(UsageError, match=message):
        parse_query(text)


def test_long_queries_are_read_at_once_and_endless_ones_refused():
    started = time.perf_counter()
    assert len(parse_query("word " * 2000).terms) == 1
    assert len(parse_query("A dog. " * 60).terms) == 60
    with pytest.raises(UsageError, match="64 is the most"):
        parse_query("A dog. " * 1400)
    assert time.perf_counter() - started < 1


@given(st.text(alphabet=st.sampled_from('ab2 .:@+-"\n,leftA…!'), max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        assert all(term.text.strip() for term in parse_query(text).terms)
    except UsageError as error:
        assert str(error)  # noqa: PT017


def test_a_box_is_read():
    assert parse_box("0.1, 0.2,0.5,0.7") == Box(0.1, 0.2, 0.5, 0.7)
    for bad in ("", "1,2,3", "a,b,c,d", "0,0,0,1", "0.5,0,0.4,1", "-0.1,0,1,1", "nan,0,1,1"):
        with pytest.raises(UsageError):
            parse_box(bad)
