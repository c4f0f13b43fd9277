import html
import itertools
import json
import re
import subprocess
import sys
from functools import cache

import ftfy
import numpy as np
import pytest
import regex
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_search.processing.text import (
    TextTokenizer,
    _list_byte_symbols,
    _read_merges,
    clean,
    clip_tokenizer,
    save_clip_tokenizer,
)


@cache
def reference_tables():
    """The official algorithm (Sennrich et al. 2016, as CLIP has it), written plainly."""
    symbols = _list_byte_symbols()
    merges = [tuple(line.split()) for line in _read_merges()]
    vocabulary = [*symbols.values(), *(s + "</w>" for s in symbols.values()), *("".join(m) for m in merges)]
    return symbols, {m: i for i, m in enumerate(merges)}, {token: i for i, token in enumerate(vocabulary)}


def reference_ids(text):
    symbols, ranks, vocabulary = reference_tables()
    text = re.sub(r"\s+", " ", html.unescape(html.unescape(ftfy.fix_text(text))).strip()).strip().lower()
    pattern = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE)
    ids = []
    for word in pattern.findall(text):
        parts = [symbols[byte] for byte in word.encode("utf-8")]
        parts[-1] += "</w>"
        while len(parts) > 1:
            best = min(itertools.pairwise(parts), key=lambda pair: ranks.get(pair, len(ranks)))
            if best not in ranks:
                break
            merged, i = [], 0
            while i < len(parts):
                if tuple(parts[i : i + 2]) == best:
                    merged.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    merged.append(parts[i])
                    i += 1
            parts = merged
        ids += [vocabulary[part] for part in parts]
    return [49406, *ids, 49407]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_has_the_ids_of_the_official_algorithm(text):
    assert clip_tokenizer().ids(text) == reference_ids(text)


@pytest.mark.parametrize(
    "text", ["it's we'LL THEY'VE 'ſ", "¼ ² Ⅷ ١٢٣", "写真 📷👨‍👩‍👧", "&amp;lt;b&amp;gt;", "a\u200bb\ufeffc", "ﬁﬂ ＡＢＣ"]
)
def test_awkward_texts_have_the_official_ids(text):
    assert clip_tokenizer().ids(text) == reference_ids(text)


def test_a_users_special_tokens_are_plain_text():
    ids = clip_tokenizer()(["a <end_of_text> b"])[0]
    assert (ids == 49407).sum() == 1
    official = clip_tokenizer()(["a <end_of_text> b"], specials=True)[0]
    assert (official == 49407).sum() == 2


def test_a_long_text_keeps_its_end_token_and_is_known_not_to_fit():
    tokenizer = clip_tokenizer()
    long = "word " * 200
    assert not tokenizer.fits(long)
    assert tokenizer.fits("word " * 75)
    assert tokenizer([long])[0, -1] == 49407
    assert len(tokenizer.encode(long)) == 77


def test_odd_bytes_from_a_shell_are_no_error():
    assert clip_tokenizer()(["caf\udce9"]).shape == (1, 77)
    assert clean("  A\n\tB ") == "a b"


def test_a_saved_tokenizer_gives_the_same_ids_and_is_a_plain_tokenizer_file(tmp_path):
    save_clip_tokenizer(tmp_path / "tokenizer.json")
    texts = ["a photo of a cat", "", "It's 3.5 m!"]
    ours = TextTokenizer.from_file(tmp_path / "tokenizer.json", 77)
    assert np.array_equal(ours(texts), clip_tokenizer()(texts))
    plain = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert plain.encode("a photo of a cat").ids == ours.ids("a photo of a cat")


def test_tokenising_needs_neither_torch_nor_transformers():
    code = "import sys; from cosmos_search.processing.text import clip_tokenizer; clip_tokenizer()(['a'])\n"
    code += "import json; print(json.dumps([m for m in ('torch', 'transformers') if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == []
