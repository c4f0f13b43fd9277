import re

import pytest
from markdown_it import MarkdownIt

from ui.escape import WORD_JOINER, escape_markdown


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "![picture](http://example.com/track.png)",
        "[link](javascript:alert(1))",
        "**bold** _it_ `code` ~~gone~~ $x^2$ :red[red] :material/home: # head",
        "<script>alert(1)</script>",
        "| a | table |",
        "1. one",
        "- list",
    ],
)
def test_markdown_shows_it_as_it_is(text):
    tokens = MarkdownIt("commonmark").enable("table").parseInline(escape_markdown(text))[0].children
    assert {token.type for token in tokens} <= {"text", "text_special"}, tokens
    assert "".join(token.content for token in tokens).replace(WORD_JOINER, "") == text


@pytest.mark.parametrize(
    "text", ["www.evil.example", "WWW.evil.example", "http://evil.example", "HTTPS://evil.example", "me@evil.example",
    "a -> b", "a <- b", "a <-> b", "a -- b", "a --- b", "a >= b", "a <= b", "a ~= b", ":streamlit:", ":material/home:"]
)  # fmt: skip
def test_nothing_is_left_that_is_read_after_the_escapes(text):
    """As the page does: links of GitHub's Markdown, arrows, icons and the logo are found in the text that is left."""
    left = MarkdownIt("commonmark").parseInline(escape_markdown(text))[0].children
    joined = "".join(token.content for token in left)
    read = r"(?i)https?://|www\.|@\w|<-|->|--|[<>~]=|:\w"
    assert re.search(read, text)
    assert not re.search(read, joined)
    assert joined.replace(WORD_JOINER, "") == text


@pytest.mark.parametrize("text", ["IMG_2024-01-02 (3).jpg", "a. b", "x = y - z", "10.30", "a: b"])
def test_common_names_have_nothing_unseen_in_them(text):
    assert WORD_JOINER not in escape_markdown(text)


def test_it_is_one_line_and_valid_text():
    assert escape_markdown("a\nb\tc") == "a b c"
    escape_markdown(b"caf\xe9.jpg".decode("utf-8", "surrogateescape")).encode("utf-8")
