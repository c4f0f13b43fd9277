"""Boxes fitted to made heat maps, and refined evidence."""

import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import cosmos_search
from cosmos_search.encoders.base import BaseEncoder
from cosmos_search.retrieval.boxes import find_box
from cosmos_search.retrieval.explain import draw_boxes, explain
from indexer.pictures.regions import WHOLE, Box
from tests.colour import ColourEncoder

REGION = Box(0.25, 0.25, 0.75, 0.75)


class MaplessEncoder(ColourEncoder):
    """An encoder without local features."""

    activation = BaseEncoder.activation


def blob(x, y, radius=0.08, shape=(16, 16), height=0.3):
    """A map with a Gaussian hill at a place (0..1) on uneven ground."""
    rows, columns = shape
    down, across = (np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns
    hill = np.exp(-((across - x) ** 2 + (down[:, None] - y) ** 2) / (2 * radius**2))
    ground = np.random.default_rng(0).normal(0, 0.01, shape)
    return (height * hill + ground).astype(np.float32)


def centre(box):
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


@pytest.mark.parametrize("shape", [(16, 16), (7, 7), (12, 20)])
@pytest.mark.parametrize("place", [(0.5, 0.5), (0.4, 0.6), (0.62, 0.38)])
def test_a_blob_inside_the_region_is_found(place, shape):
    box = find_box(blob(*place, shape=shape), REGION)
    assert math.dist(centre(box), place) < 0.04
    assert box.area < REGION.area / 2
    assert box.left < place[0] < box.right
    assert box.top < place[1] < box.bottom


def test_the_box_of_a_larger_blob_is_larger():
    areas = [find_box(blob(0.5, 0.5, radius), REGION).area for radius in (0.05, 0.1, 0.15)]
    assert areas == sorted(set(areas))


def test_a_wide_blob_has_a_wide_box():
    heat = np.zeros((16, 16), dtype=np.float32)
    heat[7:9, 5:11] = 1
    box = find_box(heat, REGION)
    assert box.right - box.left > 1.5 * (box.bottom - box.top)
    assert box.iou(Box(5 / 16, 7 / 16, 11 / 16, 9 / 16)) > 0.5


def test_a_blob_at_the_edge_of_the_region_pulls_the_box_across_the_edge():
    box = find_box(blob(0.75, 0.5), REGION)
    assert math.dist(centre(box), (0.75, 0.5)) < 0.04
    assert box.right > REGION.right


def test_a_blob_at_the_edge_of_the_picture_stays_in_the_picture():
    box = find_box(blob(1.0, 1.0), Box(0.5, 0.5, 1.0, 1.0))
    assert (box.right, box.bottom) == (pytest.approx(1, abs=0.02), pytest.approx(1, abs=0.02))
    assert box.right <= 1
    assert box.bottom <= 1


def test_of_two_blobs_the_one_in_the_region_counts():
    heat = blob(0.15, 0.5, height=0.6) + blob(0.8, 0.5, height=0.3)
    box = find_box(heat, Box(0.6, 0.3, 1.0, 0.7))
    assert math.dist(centre(box), (0.8, 0.5)) < 0.04


def test_a_blob_far_outside_leaves_the_region_or_a_box_in_its_surroundings():
    around = Box(0.625, 0.625, 1.0, 1.0)
    region = Box(0.7, 0.7, 1.0, 1.0)
    assert find_box(blob(0.1, 0.1), region).inside(around) == pytest.approx(1)
    sloping = np.add.outer(np.arange(16), np.arange(16)).astype(np.float32)  # lowest at the top left
    assert find_box(sloping, Box(0.0, 0.0, 0.3, 0.3)) == Box(0.0, 0.0, 0.3, 0.3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (2, 2), (16, 16)])
@pytest.mark.parametrize("value", [0.0, 0.3, -1.0])
def test_a_flat_map_leaves_the_region(shape, value):
    assert find_box(np.full(shape, value, dtype=np.float32), REGION) == REGION


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_map_that_is_not_finite_leaves_the_region(value):
    heat = blob(0.5, 0.5)
    heat[3, 3] = value
    assert find_box(heat, REGION) == REGION


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (1, 16), (3, 3), (40, 60)])
def test_any_map_and_region_give_a_box_in_the_picture_that_is_not_empty(shape):
    rng = np.random.default_rng(0)
    for _ in range(50):
        heat = rng.normal(size=shape).astype(np.float32)
        (left, top), (width, height) = rng.uniform(0, 0.9, 2), rng.uniform(0.01, 0.1, 2)
        box = find_box(heat, Box(left, top, left + width, top + height))
        assert 0 <= box.left < box.right <= 1
        assert 0 <= box.top < box.bottom <= 1


def test_the_scale_of_the_map_makes_no_difference():
    heat = blob(0.4, 0.6)
    box = find_box(heat, REGION)
    other = find_box(100 * heat - 7, REGION)
    assert (other.left, other.top, other.right, other.bottom) == pytest.approx(
        (box.left, box.top, box.right, box.bottom), abs=1e-3
    )


@pytest.fixture
def folder(tmp_path):
    """One picture, green with a red rectangle whose box is RED."""
    photos = tmp_path / "photos"
    photos.mkdir()
    picture = Image.new("RGB", (80, 60), "lime")
    picture.paste(Image.new("RGB", (20, 20), "red"), (50, 30))
    picture.save(photos / "both.png")
    return photos


RED = Box(50 / 80, 30 / 60, 70 / 80, 50 / 60)


def search(folder, encoder, query="red", **options):
    with cosmos_search.open(folder.parent / "index", encoder=encoder) as library:
        library.add(folder)
        (hit,) = library.search(query, **options)
        return hit


def test_refining_brings_the_box_onto_the_thing(folder):
    encoder = ColourEncoder()
    hit = search(folder, encoder)
    refined = cosmos_search.refine(hit, encoder)
    (before,), (after,) = hit.evidence, refined.evidence
    assert after.box.iou(RED) > max(0.5, before.box.iou(RED))
    assert replace(after, box=before.box, is_refined=False) == before
    assert replace(refined, evidence=hit.evidence) == hit
    assert cosmos_search.refine(refined, encoder) == refined


def test_only_the_sentences_are_refined(folder):
    encoder = ColourEncoder()
    with Image.open(folder / "both.png") as example:
        hit = search(folder, encoder, "red", similar_to=example)
    refined = cosmos_search.refine(hit, encoder)
    assert [part.is_refined for part in refined.evidence] == [not part.is_example for part in hit.evidence]


def test_an_encoder_without_heat_maps_keeps_the_regions(folder):
    encoder = MaplessEncoder()
    hit = search(folder, encoder)
    assert cosmos_search.refine(hit, encoder) == hit
    assert explain(hit, encoder).width == 720  # the boxes alone


def test_the_whole_picture_is_not_refined_and_has_a_label_but_no_box(folder):
    encoder = ColourEncoder()
    hit = search(folder, encoder)
    (part,) = hit.evidence
    whole = replace(hit, evidence=(replace(part, box=WHOLE),))
    assert cosmos_search.refine(whole, encoder) == whole
    drawn = np.asarray(draw_boxes(Image.new("RGB", (400, 300), "white"), whole.evidence))
    has_ink = (drawn != 255).any(axis=-1)
    assert has_ink[:40, :300].any()
    assert not has_ink[40:].any()
    assert not has_ink[:, 300:].any()


def test_an_explanation_draws_the_refined_box(folder):
    encoder = ColourEncoder()
    hit = search(folder, encoder)
    panel = np.asarray(explain(hit, encoder))[:, :720]
    orange = (panel == (230, 159, 0)).all(axis=-1)
    orange[:, 670:] = orange[: orange.shape[0] // 2] = False  # without the label
    refined = cosmos_search.refine(hit, encoder).evidence[0].box
    left, _, _, bottom = refined.pixels(720, 540)
    rows, columns = np.nonzero(orange)
    assert abs(columns.min() - left) <= 4
    assert abs(rows.max() - bottom) <= 6
