import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_search.retrieval.sentences import split_sentences

CASES = {
    "A dog asleep on a sofa. A red lamp on the left.": ["A dog asleep on a sofa", "A red lamp on the left"],
    "Dr. Smith met Mr. Jones at 3.5 p.m. in the U.S. embassy. They left.": [
        "Dr. Smith met Mr. Jones at 3.5 p.m. in the U.S. embassy",
        "They left",
    ],
    "He lives in the U.S. He likes it.": ["He lives in the U.S", "He likes it"],
    "John F. Kennedy waves. He smiles": ["John F. Kennedy waves", "He smiles"],
    "e.g. a cat, etc. and so on": ["e.g. a cat, etc. and so on"],
    "It costs $3.50. Cheap!": ["It costs $3.50", "Cheap!"],
    "Really?! Yes!": ["Really?!", "Yes!"],
    "Wait... what": ["Wait... what"],
    "Wait… What": ["Wait…", "What"],
    'He said "stop." Then he left.': ['He said "stop"', "Then he left"],
    "(A cat.) A dog.": ["(A cat)", "A dog"],
    "猫が好き。犬も！はい？": ["猫が好き", "犬も！", "はい？"],
    "「猫。」犬。": ["「猫」", "犬"],
    "line one\nline two\r\n\n  line three  ": ["line one", "line two", "line three"],
    "a man.A woman": ["a man", "A woman"],
    "see example.org and a.jpg now": ["see example.org and a.jpg now"],
    "Two   blanks\tand a tab.": ["Two blanks and a tab"],
    "🐶. A cat.": ["🐶", "A cat"],
    "A dog! 🐶": ["A dog!", "🐶"],
    "1. " + "x" * 300 + ". A cat": ["1. " + "x" * 300, "A cat"],
    "": [],
    "...": [],
    " . ": [],
}


@pytest.mark.parametrize("text", CASES)
def test_texts_are_split_where_a_reader_would(text):
    assert split_sentences(text) == CASES[text]


@given(st.text(max_size=200))
def test_no_word_is_lost_and_no_sentence_is_empty(text):
    sentences = split_sentences(text)
    assert all(sentence.strip() for sentence in sentences)
    assert [c for c in text if c.isalnum()] == [c for c in "".join(sentences) if c.isalnum()]


@given(
    st.lists(st.sampled_from(["A", "b.", "U.S.", "3.5", "!", "?", '"', "…", "。", ")", "(", "Dr.", "x.Y"]), max_size=30)
)
def test_any_mixture_of_marks_is_split_without_trouble(parts):
    split_sentences(" ".join(parts))
    split_sentences("".join(parts))
