from dataclasses import replace

from cosmos_search.explore.embedding_map import Atlas, Cluster, Point
from ui.components.map_cards import make_map, make_map_card

CLUSTERS = (
    Cluster("cat", 0.1, 0.1, 3, 0.6),
    Cluster("dog", 0.5, 0.5, 2, 0.5),
    Cluster("glass", 0.9, 0.9, 1, 0.1),
)
POINTS = (
    Point(1, 0.2, 0.1, 0),
    Point(2, 0.1, 0.1, 0),
    Point(3, 0.4, 0.1, 0),
    Point(4, 0.6, 0.5, 1),
    Point(5, 0.5, 0.5, 1),
    Point(6, 0.9, 0.9, 2),
)


def test_clusters_show_their_middle_pictures_in_turn():
    values = make_map(Atlas(POINTS, CLUSTERS, 6))
    assert values["ids"] == [2, 5, 6, 1, 4, 3]
    assert values["clusters"] == [0, 1, 2, 0, 1, 0]
    assert list(zip(values["xs"], values["ys"], strict=True))[:2] == [(0.1, 0.1), (0.5, 0.5)]
    assert values["n_pictures"] == 6


def test_every_cluster_has_its_name():
    labels = make_map(Atlas(POINTS, CLUSTERS, 6))["labels"]
    assert [(label["name"], label["n"]) for label in labels] == [("cat", 3), ("dog", 2), ("glass", 1)]
    assert len({label["colour"] for label in labels}) == 3


def test_a_card_has_what_a_thumbnail_needs(picture):
    card = make_map_card(replace(picture, id=7, fingerprint="0123456789abcdef" * 2))
    assert (card.id, card.name, card.version) == (7, picture.paths[0].name, "0123456789abcdef")
