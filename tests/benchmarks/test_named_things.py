"""The patterns that decide by captions whether a photo shows a thing."""

import pytest

from benchmarks.data.common_things import COMMON
from benchmarks.data.named_things import KINDS, name_things, normalize
from benchmarks.data.rare_things import RARE

THINGS = {thing.query: thing for thing in COMMON + RARE}

# A query, captions that name the thing, and captions that do not although they have words of it.
CASES = [
    ("people", ["A Snowboarder on a slope.", "The crowd waits."], ["Two dogs in a meadow.", "A couple of ducks"]),
    ("a man", ["Some men are talking", "an elderly gentleman"], ["A woman talks", "a human figure"]),
    ("a baby", ["The baby is asleep"], ["A dog in a baby pool"]),
    ("an old man", ["An older man fishes."], ["A man beside an old car"]),
    ("a dog", ["Puppies in a basket", "a greyhound wins"], ["A man sells a hot dog", "a dogged opponent"]),
    ("a black dog", ["A large black and white dog"], ["A dog beside a man in black", "A black cat and a dog"]),
    ("a horse", ["Three horses graze"], ["Two boys horse around"]),
    ("a guitar", ["The guitarist of a band"], ["A man plays the violin"]),
    ("a bed", ["A cat on a bed"], ["Boxes in a truck bed", "a flower bed in bloom"]),
    ("food on a table", ["Friends eat lunch at a picnic table"], ["A boy eats an apple", "An empty table"]),
    ("a cigarette", ["A man smokes in a doorway", "a cigarette"], ["The engine of a car is smoking"]),
    ("a beach", ["Footprints along the beach"], ["A boy with a beach ball"]),
    ("snow", ["Tracks on a snowy slope"], ["A sandy slope"]),
    ("a restaurant", ["A waiter in a cafe", "They meet in a bar"], ["A gymnast on a high bar"]),
    ("a red car", ["A red and white sports car"], ["A man in red washes his car", "A red shirt hangs in a car"]),
    ("a girl in a pink dress", ["A girl wears a bright pink dress"], ["A girl in a dress holds a pink balloon"]),
    ("two dogs", ["Two small brown dogs", "A dog follows another dog"], ["Two men with dogs", "Three dogs"]),
    ("a crowd", ["A crowded platform"], ["A man alone"]),
    ("someone climbing a rock", ["She is rock climbing", "A man scales a cliff"], ["A boy climbs a tree"]),
    ("a man on a bicycle", ["A man rides his bike"], ["A man on a dirt bike", "A bicycle leans on a wall"]),
    ("playing soccer", ["Girls play soccer"], ["A dog with a soccer ball"]),
    ("someone drinking", ["A boy drinks from a bottle"], ["A dog drinks from a bowl while a man watches"]),
    ("walking a dog", ["A woman walks two small dogs"], ["A dog runs past a man"]),
    ("night", ["Lanterns in the night"], ["A knight on a horse"]),
    ("a fire", ["They sit around a campfire"], ["A red fire truck", "A boy beside a fire hydrant"]),
    ("a giraffe", ["Giraffes behind a fence"], ["A tall tree"]),
    ("a turtle", ["A turtle on a log"], ["A man in a turtle neck"]),
    ("a clock", ["The clock of a tower"], ["It is five o'clock"]),
    ("an x-ray", ["An X-ray of a hand"], ["A ray of light"]),
]  # fmt: skip


@pytest.mark.parametrize(("query", "shown", "other"), CASES, ids=[case[0] for case in CASES])
def test_a_thing_is_shown_if_a_caption_names_it(query, shown, other):
    thing = THINGS[query]
    for caption in shown:
        assert thing.is_shown([normalize("Nothing at all"), normalize(caption)]), caption
    for caption in other:
        assert not thing.is_shown([normalize(caption)]), caption
    assert not thing.is_shown([])


def test_the_words_of_a_combination_must_occur_in_one_caption():
    (thing,) = name_things({"actions": {"a cat asleep": "cats? AND asleep OR cat nap"}})
    assert thing.is_shown(["the cat is asleep"])
    assert thing.is_shown(["a cat nap"])
    assert not thing.is_shown(["a cat", "a man is asleep"])


def test_queries_are_different_and_of_every_kind():
    assert len(THINGS) == len(COMMON) + len(RARE)
    assert {thing.kind for thing in COMMON} == set(KINDS) == {thing.kind for thing in RARE}


def test_every_pattern_needs_a_word():
    for thing in THINGS.values():
        assert not thing.is_shown(["", "zzz"]), thing.query
