"""Near duplicates: pairs that are right, and made copies that are found, by kind of change; the time.

    python -m benchmarks.quality.duplicates PHOTOS [--sources 1000] [--work FOLDER]

PHOTOS: a folder of different photos. Two changed copies of each of --sources of them are made and indexed with all
photos. The threshold was chosen on the copies of the even sources; those of the odd ones are reported apart. Pairs
that were not made from the same photo are named, because photos of a collection can be copies themselves. With --work
the index and the copies are kept there for the next run.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import cosmos_search
from benchmarks.data.photo_copies import KINDS, Copy, make_copies
from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from benchmarks.timing import measure_seconds
from cosmos_search.explore.duplicate_groups import Duplicates
from cosmos_search.library import Library

SUFFIXES = (".jpg", ".jpeg", ".png")
PER_SOURCE = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found among the photos and their copies."""

    n_right: int  # pairs of a best picture and another one that come from the same photo
    wrong: list[tuple[Path, Path]]
    found: dict[str, list[bool]]  # for each kind, whether the copy is in a group with its original


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    photos = sorted(path for path in options.photos.rglob("*") if path.suffix.lower() in SUFFIXES)
    chosen = np.sort(np.random.default_rng(0).permutation(len(photos))[: options.sources])
    sources = [photos[i] for i in chosen]
    with ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        copies = make_copies(sources, work / "copies", PER_SOURCE)
        library = stack.enter_context(cosmos_search.open(work / "index"))
        library.add(options.photos, work / "copies")
        print(describe_machine("numpy", "pillow"))
        report(library, sources, copies)


def report(library: Library, sources: Sequence[Path], copies: Sequence[Copy]) -> None:
    """Find the groups, and print what is right, what is found, and the time."""
    results: list[Duplicates] = []
    seconds = measure_seconds(lambda: results.append(library.near_duplicates()))
    n = results[0].n_pictures
    print(f"{n:,} pictures in {seconds:.0f} s, {1000 * seconds / n:.1f} s for 1,000\n")
    tuning = set(sources[::2])
    halves: dict[str, list[Copy]] = {"chosen on": [], "held out": []}
    for copy in copies:
        halves["chosen on" if copy.original in tuning else "held out"].append(copy)
    outcomes = {name: judge(results[0], half) for name, half in halves.items()}
    rows = []
    for kind in KINDS:
        cells = [f"{np.mean(outcome.found[kind]):.3f} of {len(outcome.found[kind])}" for outcome in outcomes.values()]
        rows.append([kind, *cells])
    totals = [np.mean([one for found in outcome.found.values() for one in found]) for outcome in outcomes.values()]
    rows.append(["**all**", *(f"**{total:.3f}**" for total in totals)])
    print_table(["copies found", *halves], rows)
    for name, outcome in outcomes.items():
        n_pairs = outcome.n_right + len(outcome.wrong)
        print(f"\n{name}: {outcome.n_right} of {n_pairs} pairs are made from the same photo")
        for first, second in outcome.wrong:
            print(f"  not: {first.name}  {second.name}")


def judge(found: Duplicates, copies: Sequence[Copy]) -> Outcome:
    """Compare the groups with these copies; groups without any of them, or of their originals, are left out."""
    origin = {copy.path.resolve(): copy.original.resolve() for copy in copies}
    origin |= {path: path for path in set(origin.values())}
    n_right, wrong, group_of = 0, [], {}
    for number, group in enumerate(found.of_kind("copies")):
        for picture in group.pictures:
            for path in picture.paths:
                group_of[path] = number
        for picture in group.others:
            first, second = group.keep, picture.paths[0]
            if first in origin or second in origin:
                if origin.get(first, first) == origin.get(second, second):
                    n_right += 1
                else:
                    wrong.append((first, second))
    together: dict[str, list[bool]] = defaultdict(list)
    for copy in copies:
        path, original = copy.path.resolve(), copy.original.resolve()
        together[copy.kind].append(path in group_of and group_of.get(original) == group_of[path])
    return Outcome(n_right, wrong, together)


if __name__ == "__main__":
    main()
