"""The figures of made test sets, worked out by hand or compared with a search, one query after the other."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

import cosmos_search
from cosmos_search.encoders.calibration import Background, Calibration
from cosmos_search.evaluation.datasets.records import (
    CaptionedFile,
    CaptionedFiles,
    CaptionPair,
    CaptionPairs,
    DescribedRegion,
    DescribedRegions,
    LabelledFile,
    LabelledFiles,
    PicturePair,
    PicturePairs,
)
from cosmos_search.evaluation.encode_files import encode_files
from cosmos_search.evaluation.measure import measure
from cosmos_search.evaluation.report import evaluate_dataset
from cosmos_search.evaluation.search_scores import encode_queries
from cosmos_search.evaluation.templates import CLIP_TEMPLATES
from cosmos_search.retrieval.encode import encode
from cosmos_search.retrieval.query import Query, Term
from cosmos_search.retrieval.scoring import combine_scores
from indexer.errors import CosmosSearchError, UsageError
from tests.colour import COLOURS, ColourEncoder, paint
from tests.made_sets import make_karpathy, make_tokens, make_urban1k


class EvaluatedEncoder(ColourEncoder):
    """Also reads CLIP's prompts, which put the colour anywhere and a dot at the end."""

    def encode_texts(self, texts):
        colours = [next(word for word in text.replace(".", " ").split() if word in COLOURS) for text in texts]
        return super().encode_texts(colours)


def paint_halves(path, left, right, size=(32, 16)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    image.save(path)
    return path


def run(data, encoder=None, regions="fast"):
    return measure(encoder or EvaluatedEncoder(), data, regions, lambda phase, total: lambda n_done: None)


PAIRS = [(a, b) for a in COLOURS[:6] for b in COLOURS[:6] if a != b]


@pytest.fixture
def halves(tmp_path):
    """Pictures of two colours; each is described by both, and by one of them."""
    items = [
        CaptionedFile(paint_halves(tmp_path / "photos" / f"{a}-{b}.png", a, b), (f"{a}. {b}.", a)) for a, b in PAIRS
    ]
    return CaptionedFiles((), tuple(items))


def test_the_figures_through_a_search_are_those_of_the_library(tmp_path, halves):
    encoder = EvaluatedEncoder()
    found = run(halves, encoder)
    ranks = []
    with cosmos_search.open(tmp_path / "index", encoder=encoder) as library:
        library.add(tmp_path / "photos", regions="fast")
        for item in halves.items:
            for caption in item.captions:
                hits = library.search(caption, top=len(PAIRS), include_unlikely=True)
                own = next(hit.score for hit in hits if hit.path == item.path)
                better = [hit for hit in hits if hit.score > own + 1e-6]
                equal = [hit.path for hit in hits if abs(hit.score - own) <= 1e-6]
                order = [other.path for other in halves.items if other.path in equal]
                ranks.append(len(better) + order.index(item.path))
    for k in (1, 5, 10):
        assert found.search[f"text_to_image_R@{k}"] == pytest.approx(np.mean(np.array(ranks) < k))
    assert found.search["text_to_image_R@5"] > found.global_vectors["text_to_image_R@5"]  # one half is a small thing
    assert found.counts == {"pictures": 30, "texts": 60}


def test_the_scores_are_those_of_a_search_and_a_selection_keeps_them(halves):
    encoder = EvaluatedEncoder()
    texts = [caption for item in halves.items for caption in item.captions]
    queries = encode_queries(encoder, texts)
    assert len(queries.terms) == 6  # equal sentences are one term
    for part in encode_files(encoder, [item.path for item in halves.items[:11]], "fast"):
        scores = queries.score(part)
        for column, text in enumerate(texts):
            query = Query(tuple(Term(sentence) for sentence in text.rstrip(".").split(". ")))
            slow = combine_scores(encode(encoder, query).terms, part.rows.astype(np.float32), part.starts, None)
            assert np.allclose(scores[:, column], slow, atol=1e-6)
        chosen = [7, 2, 30]
        assert np.allclose(queries.select(chosen).score(part), scores[:, chosen], atol=1e-6)
        assert np.allclose(queries.select(chosen).levels, queries.levels[chosen])
        assert np.allclose(part.global_vectors, part.rows[part.starts], atol=1e-3)


def test_levels_change_the_ranking_of_texts_for_a_picture_only(halves):
    encoder = EvaluatedEncoder()
    plain = run(halves, encoder)
    assert plain.calibrated == plain.search  # without a calibration the levels are 0
    photos = encoder.encode_texts(["red", "yellow", "red", "yellow", "red", "blue"])
    encoder.calibration = Calibration(5.0, 0.5, background=Background(photos, photos, 1.0, 0.0))
    found = run(halves, encoder)
    assert found.search == plain.search
    directions = [{key: side[key] for key in side if key.startswith("text_to")} for side in found.sides.values()]
    assert directions[2] == directions[1]
    assert found.calibrated != found.search


def test_known_recall_of_plain_pictures(tmp_path):
    names = ("red", "lime", "blue", "white")
    right = CaptionedFiles((), tuple(CaptionedFile(paint(tmp_path / f"{c}.png", c), (c,)) for c in names))
    found = run(right)
    for side in found.sides.values():
        assert side["text_to_image_R@1"] == side["image_to_text_R@1"] == 1.0
    texts = ("lime", "red", "blue", "white")
    swapped = [CaptionedFile(item.path, (text,)) for item, text in zip(right.items, texts, strict=True)]
    found = run(CaptionedFiles((), tuple(swapped)))
    for side in found.sides.values():
        assert side["text_to_image_R@1"] == side["image_to_text_R@1"] == 0.5
        assert side["text_to_image_R@5"] == 1.0


def test_pointing_counts_regions_whose_centre_is_in_the_box(tmp_path):
    path = paint_halves(tmp_path / "a.png", "red", "blue", (64, 32))
    regions = (
        DescribedRegion(path, "red", (0, 0, 31, 32)),
        DescribedRegion(path, "blue", (33, 0, 64, 32)),
        DescribedRegion(path, "red", (40, 0, 64, 32)),  # in truth it is on the left
        DescribedRegion(path, "blue", (0, 0, 64, 32)),  # the centre of the picture is right, too
        DescribedRegion(path, "lime. blue", (33, 0, 64, 32)),  # the sentence that matches best
        DescribedRegion(paint(tmp_path / "b.png", "lime"), "lime"),
    )
    found = run(DescribedRegions((), regions))
    assert found.counts == {"pictures": 2, "texts": 6, "boxes": 5}
    assert (found.global_vectors["pointing"], found.search["pointing"]) == (1 / 5, 4 / 5)
    assert found.search["text_to_image_R@5"] == 1.0
    assert "pointing" not in run(DescribedRegions((), regions[5:])).search


def test_pair_accuracy_by_category(tmp_path):
    path = paint_halves(tmp_path / "a.png", "red", "red")
    pairs = (
        CaptionPair(path, "red", "lime", "swap"),
        CaptionPair(path, "blue", "red", "swap"),
        CaptionPair(path, "red", "blue", "add"),
        CaptionPair(path, "red", "red", "add"),  # equal scores are wrong
    )
    found = run(CaptionPairs((), pairs))
    assert found.counts == {"pictures": 1, "pairs": 4}
    for side in found.sides.values():
        assert side == {"add": 0.5, "swap": 0.5, "mean": 0.5}


def test_text_image_and_group_scores(tmp_path):
    red, blue = (paint(tmp_path / f"{colour}.png", colour) for colour in ("red", "blue"))
    mixed = paint_halves(tmp_path / "magenta.png", "magenta", "magenta")
    examples = (
        PicturePair((red, blue), ("red", "blue")),
        PicturePair((blue, red), ("red", "blue")),
        PicturePair((red, mixed), ("red", "blue")),  # magenta is as far from red as from blue
    )
    found = run(PicturePairs((), examples))
    assert found.global_vectors["text"] == pytest.approx(1 / 3)
    assert found.global_vectors["image"] == pytest.approx(2 / 3)
    assert found.global_vectors["group"] == pytest.approx(1 / 3)
    assert found.counts == {"pictures": 3, "examples": 3}


def test_zero_shot_with_the_prompts_of_clip_and_with_names_as_queries(tmp_path):
    assert len(set(CLIP_TEMPLATES)) == 80
    assert all(template.count("{}") == 1 for template in CLIP_TEMPLATES)
    items = [LabelledFile(paint(tmp_path / f"{c}.png", c), i) for i, c in enumerate(COLOURS)]
    wrong = LabelledFile(paint(tmp_path / "wrong.png", "red"), COLOURS.index("cyan"))
    found = run(LabelledFiles((), COLOURS, (*items, wrong)))
    for side in found.sides.values():
        assert side == {"top1": 8 / 9, "top5": 8 / 9}
    few = run(LabelledFiles((), COLOURS[:2], tuple(items[:2])))
    assert few.global_vectors == {"top1": 1.0}  # five of two are no figure


def test_a_picture_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"no picture")
    with pytest.raises(CosmosSearchError, match=r"The picture .*broken.png can't be read \("):
        run(CaptionedFiles((), (CaptionedFile(path, ("red",)),)))


def test_the_report_has_what_is_needed_to_repeat_it(tmp_path):
    encoder = EvaluatedEncoder()
    encoder.encode_texts = lambda texts: ColourEncoder.encode_texts(encoder, ["red"] * len(texts))
    source = make_karpathy(tmp_path / "coco")
    phases = []

    def start_phase(phase, total):
        phases.append((phase, total, []))
        return phases[-1][2].append

    found = evaluate_dataset("coco", source, encoder, regions="none", start_phase=start_phase).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["dataset"] == {
        "name": "coco",
        "source": str(source),
        "split": "test",
        "annotation_files": 1,
        "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "items": 4,
        "pictures": 4,
        "texts": 20,
    }
    assert (found["encoder"]["name"], found["encoder"]["version"], found["encoder"]["regions"]) == (
        "colour",
        "1",
        "none",
    )
    assert found["options"] == {"images": None, "limit": None, "seed": None}
    assert {"python", "numpy", "pillow", "onnxruntime"} <= found["versions"].keys()
    assert found["machine"]["cores"] > 0
    assert [(phase, total) for phase, total, _ in phases] == [
        ("pictures", 4),
        ("captions", 20),
        ("queries", 20),
        ("scores", 4),
    ]
    assert all(done[-1] == total for _, total, done in phases)
    sample = evaluate_dataset("coco", source, encoder, limit=2, seed=3).to_dict()
    assert (sample["dataset"]["items"], sample["dataset"]["pictures"], sample["options"]["seed"]) == (4, 2, 3)
    with pytest.raises(UsageError, match="one item or more"):
        evaluate_dataset("coco", source, encoder, limit=0)


def test_the_digest_of_several_annotation_files_is_that_of_sha256sums_lines(tmp_path):
    encoder = EvaluatedEncoder()
    encoder.encode_texts = lambda texts: ColourEncoder.encode_texts(encoder, ["red"] * len(texts))
    found = evaluate_dataset("urban1k", make_urban1k(tmp_path / "a"), encoder).dataset
    files = sorted((tmp_path / "a" / "caption").iterdir())
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  caption/{file.name}\n" for file in files]
    assert found["annotation_files"] == 4
    assert found["sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_the_split_is_the_one_that_was_used(tmp_path):
    encoder = EvaluatedEncoder()
    encoder.encode_texts = lambda texts: ColourEncoder.encode_texts(encoder, ["red"] * len(texts))
    source = make_tokens(tmp_path)
    assert evaluate_dataset("flickr8k", source, encoder).dataset["split"] is None
    names = tmp_path / "names.txt"
    names.write_text("chelsea.jpg\ncoffee.jpg\n")
    found = evaluate_dataset("flickr8k", source, encoder, split=str(names)).dataset
    assert (found["split"], found["annotation_files"], found["items"]) == (str(names), 2, 2)
