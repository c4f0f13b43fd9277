from dataclasses import replace

from cosmos_search.explore.embedding_map import Atlas, Cluster, Point
from ui.components.map_cards import MAX_THUMBNAILS, make_map_cards

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


def everyone(picture):
    return lambda ids: [replace(picture, id=id_) for id_ in ids]


def test_clusters_show_their_middle_pictures_in_turn(picture, thumbnails):
    cards = make_map_cards(Atlas(POINTS, CLUSTERS, 6), everyone(picture), thumbnails)
    assert [thumbnail.id for thumbnail in cards.thumbnails] == [2, 5, 6, 1, 4, 3]
    assert cards.points == POINTS
    assert all(thumbnail.thumbnail.startswith("data:image/jpeg") for thumbnail in cards.thumbnails)


def test_the_least_apt_names_are_left_out(picture, thumbnails):
    cards = make_map_cards(Atlas(POINTS, CLUSTERS, 6), everyone(picture), thumbnails)
    assert [(label.name, label.n) for label in cards.labels] == [("cat", 3), ("dog", 2), ("", 1)]


def test_pictures_that_are_gone_are_dots_alone(thumbnails):
    cards = make_map_cards(Atlas(POINTS, CLUSTERS, 6), lambda ids: [], thumbnails)
    assert (len(cards.points), cards.thumbnails) == (6, ())


def test_a_large_map_sends_some_thumbnails_only(picture, thumbnails):
    points = tuple(Point(i, 0.5, i / 1000, 0) for i in range(1000))
    atlas = Atlas(points, (Cluster("cat", 0.5, 0.5, 1000, 0.5),), 90_000)
    cards = make_map_cards(atlas, everyone(picture), thumbnails)
    assert (len(cards.points), len(cards.thumbnails)) == (1000, MAX_THUMBNAILS)
