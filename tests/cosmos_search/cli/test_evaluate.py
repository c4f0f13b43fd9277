"""The command `evaluate` with the built-in encoder, on made test sets."""

import json

import pytest
from click.testing import CliRunner

from cosmos_search.cli.main import main
from cosmos_search.evaluation.datasets.origins import ORIGINS
from tests import ROOT
from tests.made_sets import make_imagenet, make_karpathy, make_regions, make_sugarcrepe, make_winoground


def run(*words):
    return CliRunner().invoke(main, ["evaluate", *(str(word) for word in words)])


def test_recall_both_ways_is_a_table_of_80_columns(tmp_path):
    done = run("coco", make_karpathy(tmp_path), "--regions", "none")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "coco: 4 pictures, 20 texts (dataset_coco.json, split test)"
    assert lines[1].startswith("cosmos-mini ")
    assert lines[1].endswith("regions: none")
    rows = {line[:13].strip(): line[13:].split() for line in lines[-3:]}
    assert rows[""] == ["R@1", "R@5", "R@10"] * 3
    assert rows["text to image"][:3] == rows["image to text"][:3] == ["100.0"] * 3
    assert all(60 <= float(cell) <= 100 for cell in rows["text to image"])
    assert len(rows["image to text"]) == 9
    assert max(map(len, lines)) <= 100
    assert max(map(len, lines[-4:])) <= 80


def test_json_is_one_line_with_the_options(tmp_path):
    source = make_karpathy(tmp_path)
    done = run("coco", source, "--regions", "none", "--precision", "fp32", "--limit", 2, "--seed", 5, "--json")
    found = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert found["options"] == {"images": None, "limit": 2, "seed": 5, "device": "auto", "precision": "fp32"}
    assert "fp32" in found["encoder"]["device"]
    assert found["figures"].keys() == {"global", "search", "calibrated"}
    assert found["figures"]["search"]["text_to_image_R@1"] == 1.0


@pytest.mark.parametrize(
    ("name", "make", "label"),
    [
        ("sugarcrepe", make_sugarcrepe, "mean of the categories"),
        ("winoground", make_winoground, "group score"),
        ("classes", make_imagenet, "top-1 accuracy"),
        ("regions", lambda folder: make_regions(folder, {"chelsea.jpg": [0, 0, 99, 99]}), "pointing accuracy"),
    ],
)
def test_other_figures_have_a_line_each(tmp_path, name, make, label):
    done = run(name, make(tmp_path), "--regions", "none")
    assert done.exit_code == 0, done.output
    line = next(line for line in done.stdout.splitlines() if line.startswith(label))
    assert len(line.removeprefix(label).split()) == 3


def test_errors_are_one_line_with_the_option_that_helps(tmp_path):
    source = make_karpathy(tmp_path)
    (tmp_path / "val2014" / "coffee.jpg").unlink()
    done = run("coco", source)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: One of the 4 pictures of ")
    assert line.endswith("val2014/coffee.jpg. If they are elsewhere, name their folder: --images DIR")
    done = run("coco", source, "--split", "dev")
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)


def test_the_help_and_the_page_say_where_each_set_comes_from():
    text = run("--help").stdout
    page = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    for name, origin in ORIGINS.items():
        for place in (name, origin.source, *origin.place.split("; ")):
            assert place in text
            assert place.split(" (")[0] in page, place
    assert max(map(len, text.splitlines())) <= 110
