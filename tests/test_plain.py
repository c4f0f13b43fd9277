import pytest
from markdown_it import MarkdownIt

from ui.plain import plain


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
    tokens = MarkdownIt("commonmark").enable("table").parseInline(plain(text))[0].children
    assert {token.type for token in tokens} <= {"text", "text_special"}, tokens
    assert "".join(token.content for token in tokens) == text


def test_it_is_one_line_and_valid_text():
    assert plain("a\nb\tc") == "a b c"
    plain(b"caf\xe9.jpg".decode("utf-8", "surrogateescape")).encode("utf-8")
