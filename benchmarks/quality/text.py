"""Words in and around pictures: how they are ranked with what pictures show, how well they are read, and the time.

    python -m benchmarks.quality.text --data flickr8k-dev.tar [--limit 1000]

The ranking: photos with captions by people (which decide what a photo shows, and are not indexed), with made signs
drawn on some, some in folders with names of places, and files that are named after things which they do not show.
The reading: made signs of many fonts, sizes and angles, clean and noisy. Some ten minutes on two cores.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont

from benchmarks.data.captioned_photos import CaptionedPhoto, write_photos
from benchmarks.data.common_things import COMMON
from benchmarks.data.named_things import NamedThing
from benchmarks.data.signs import draw_plate, list_fonts, make_sign, paste_sign
from benchmarks.data.synthetic_index import SyntheticTexts, fill_index, make_themed_vectors, make_themes
from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from cosmos_search.encoders.load import load_encoder
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.retrieval.encode import encode
from cosmos_search.retrieval.query import parse_query
from cosmos_search.retrieval.rank import rank
from cosmos_search.retrieval.scoring import combine_levels
from cosmos_search.retrieval.search import search
from cosmos_search.retrieval.text_matches import PROBABILITY, match_texts
from cosmos_search.text.rapid_reader import load_reader
from indexer.ingest.update import update
from indexer.store.index import Index
from indexer.store.records import TextLine
from indexer.store.snapshot import IndexSnapshot

WORDS = (
    "EXIT PARKING BAKERY PLATFORM DANGER MUSEUM SALIDA GATE PHARMACY HOTEL LIBRARY CASINO GARAGE POST TOILETS SCHOOL "
    "STOP BOOKS FLORIST BARBER TICKETS AIRPORT BANK POLICE TAXI MARKET CAMPING CINEMA BREWERY FERRY"
).split()
SIGNS = tuple(f"{word} {11 + i}" if i % 3 else word for i, word in enumerate(WORDS))
FOLDERS = ("Rome 2019", "Lake Garda", "Grandma's 80th birthday", "Office move", "Iceland roadtrip")
PER_FOLDER = 12
N_MISNAMED = 3  # photos for each thing of MISNAMED, which they do not show
MISNAMED = (
    "a dog",
    "a bicycle",
    "snow",
    "a horse",
    "a ball",
    "a boat",
    "a motorcycle",
    "a football",
    "a tree",
    "a car",
)
PROBABILITIES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
NATS = (2.0, 4.0, 6.0, 8.0)
RRF = (10, 60)
HEIGHTS = (12, 18, 28, 48, 96)
ANGLES = (0, 90, 180, 270, 5, -12, 25, -45)
N_SIGNS = 12  # of each height, and of each angle
N_LARGE = 100_000


@dataclass(frozen=True, slots=True)
class MadeQuery:
    """A query and the names of the files that answer it."""

    text: str
    kind: str
    right: frozenset[str]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a .tar shard, or a folder that the trainer reads")
    parser.add_argument("--model", default="cosmos-mini")
    parser.add_argument("--limit", type=int, default=1000, help="of the photos")
    parser.add_argument("--parts", default="ranking,reading,time", help="which of the three to measure")
    options = parser.parse_args()
    print(describe_machine("onnxruntime", "rapidocr"))
    parts = options.parts.split(",")
    with tempfile.TemporaryDirectory() as scratch:
        if "ranking" in parts:
            measure_ranking(options.data, load_encoder(options.model), Path(scratch), options.limit)
        if "reading" in parts:
            measure_reading()
        if "time" in parts:
            measure_time(Path(scratch, "large"))


# ranking


def measure_ranking(data: Path, encoder: Encoder, scratch: Path, limit: int) -> None:
    """Print how the ways to join both rankings find signs, folders, and things that misnamed files do not show."""
    rng = np.random.default_rng(0)
    photos = write_photos(data, scratch / "photos", 1, limit)
    queries, lines = prepare(photos, rng)
    index = Index.create(scratch / "index")
    update(index, encoder, [scratch / "photos"])
    with index.writing() as catalog:
        ids = {path.name: record.id for record in catalog.pictures(_all_ids(index)).values() for path in record.paths}
        catalog.put_lines("made", {ids[name]: some for name, some in lines.items()})
    names = {id_: name for name, id_ in ids.items()}
    kinds = sorted({query.kind for query in queries})
    scores: dict[str, dict[str, list[float]]] = {}
    for query in queries:
        for label, best in _rank(index, encoder, query.text).items():
            of_kind = scores.setdefault(label, {kind: [] for kind in kinds})[query.kind]
            of_kind.append(_score([names[id_] for id_ in best], query))
    rows = [[label, *(f"{np.mean(some[kind]):.3f}" for kind in kinds)] for label, some in scores.items()]
    print(f"\n{len(photos)} photos, {len(queries)} queries; {encoder.name}\n")
    print_table(["", *kinds], rows)


def prepare(
    photos: Sequence[CaptionedPhoto], rng: np.random.Generator
) -> tuple[list[MadeQuery], dict[str, list[TextLine]]]:
    """Draw signs, move photos into folders, and rename some. Returns the queries, and the lines by file name."""
    remaining = [photos[i] for i in rng.permutation(len(photos))]
    shown = {photo.path.name: photo.plain_captions for photo in photos}
    lines: dict[str, list[TextLine]] = {}
    queries = []
    font = ImageFont.load_default(22)
    for sign in SIGNS:
        photo = remaining.pop()
        plate = draw_plate((sign,), font, "white", "#1c4f9c")  # type: ignore[arg-type]
        with Image.open(photo.path) as image:
            paste_sign(image, plate, float(rng.uniform(-10, 10)), rng).save(photo.path, quality=92)
        lines[photo.path.name] = [TextLine("picture", sign, confidence=0.99)]
        queries.append(MadeQuery(sign.lower(), "signs (reciprocal rank)", frozenset([photo.path.name])))
    for folder in FOLDERS:
        own = [remaining.pop() for _ in range(PER_FOLDER)]
        (own[0].path.parent / folder).mkdir()
        for photo in own:
            photo.path.rename(photo.path.parent / folder / photo.path.name)
        right = frozenset(photo.path.name for photo in own)
        queries.append(MadeQuery(folder, "folders (precision at 10)", right))
    things = [thing for thing in COMMON if thing.query in MISNAMED]
    for thing in things:
        for number in range(N_MISNAMED):
            photo = next(one for one in remaining if not thing.is_shown(one.plain_captions))
            remaining.remove(photo)
            name = f"{thing.query.removeprefix('a ')} {number}{photo.path.suffix}"
            photo.path.rename(photo.path.with_name(name))
            shown[name] = shown.pop(photo.path.name)
    queries += [
        MadeQuery(thing.query, _name_kind(thing), frozenset(name for name in shown if thing.is_shown(shown[name])))
        for thing in COMMON
        if thing in things or sum(thing.is_shown(captions) for captions in shown.values()) >= 10
    ]
    return queries, lines


def _name_kind(thing: NamedThing) -> str:
    return f"{'misnamed' if thing.query in MISNAMED else 'other'} things (precision at 10)"


def _all_ids(index: Index) -> list[int]:
    with index.reading() as catalog:
        encoder = catalog.encoder()
        assert encoder is not None
        return [int(i) for i in catalog.vector_ids(encoder.id)]


def _rank(index: Index, encoder: Encoder, text: str) -> dict[str, list[int]]:
    """The ids of the best ten, by each way to join both rankings."""
    encoded = encode(encoder, parse_query(text))
    assert encoder.calibration is not None, encoder.name
    with index.snapshot() as snapshot:
        assert isinstance(snapshot, IndexSnapshot)
        levels = match_texts(snapshot, encoded)
        visual = rank(snapshot, encoded, snapshot.n_pictures())
    level = combine_levels(encoded.terms)
    p = np.array([encoder.calibration.probability(score.score, level) for score in visual])
    by_texts = {int(id_): level.probability / PROBABILITY for level in levels for id_ in level.ids}
    share = np.array([by_texts.get(score.picture_id, 0.0) for score in visual])
    place = np.arange(1, len(visual) + 1)
    text_place = np.empty(len(visual))
    text_place[np.argsort(-share, kind="stable")] = place
    joined = {"what the photos show": p}
    joined |= {f"probability {q:g}": p + q * share * (1 - p) for q in PROBABILITIES}
    joined |= {f"sum, {nats:g} nats": np.log(p / (1 - p)) + nats * share for nats in NATS}
    joined |= {f"reciprocal ranks, k = {k}": 1 / (k + place) + (share > 0) / (k + text_place) for k in RRF}
    ids = np.array([score.picture_id for score in visual])
    return {label: ids[np.argsort(-values, kind="stable")[:10]].tolist() for label, values in joined.items()}


def _score(best: Sequence[str], query: MadeQuery) -> float:
    is_right = [name in query.right for name in best]
    if "reciprocal" in query.kind:
        return 1 / (is_right.index(True) + 1) if True in is_right else 0.0
    return sum(is_right) / min(10, len(query.right))


# reading


def measure_reading() -> None:
    """Print the share of characters that are read right, of lines without any error, and the time of a picture."""
    rng, reader, fonts = np.random.default_rng(1), load_reader(), list_fonts()
    reader.read(make_sign(rng, fonts, 48, 0, is_noisy=False).picture)  # loads the networks
    groups = [(f"letters of {h} px", [(h, 0.0, noisy) for noisy in (False, True)]) for h in HEIGHTS]
    groups += [(f"turned by {angle}°", [(36, float(angle), noisy) for noisy in (False, True)]) for angle in ANGLES]
    rows = []
    for label, ways in groups:
        cells = []
        for height, angle, is_noisy in ways:
            signs = [make_sign(rng, fonts, height, angle, is_noisy=is_noisy) for _ in range(N_SIGNS)]
            started = process_time()
            found = [[line.text for line in reader.read(sign.picture)] for sign in signs]
            seconds = (process_time() - started) / len(signs)
            right = [_share_right("\n".join(s.lines), "\n".join(f)) for s, f in zip(signs, found, strict=True)]
            exact = [line in f for s, f in zip(signs, found, strict=True) for line in s.lines]
            cells += [f"{np.mean(right):.3f}", f"{np.mean(exact):.2f}", f"{seconds:.2f}"]
        rows.append([label, *cells])
    print(f"\n{len(fonts)} fonts, {N_SIGNS} signs of one to three lines in each cell, pictures of 1280 × 960\n")
    columns = ["characters right", "lines right", "s of a core"]
    print_table(["", *columns, *(f"{column}, noisy" for column in columns)], rows)
    empty = Image.fromarray(rng.integers(0, 255, (960, 1280, 3), dtype=np.uint8)).resize((1280, 960))
    started = process_time()
    n_lines = len(reader.read(empty))
    print(f"\na picture without text: {process_time() - started:.2f} s, {n_lines} lines")


def _share_right(wanted: str, found: str) -> float:
    """1 - the character error rate, at least 0; blanks count."""
    matcher = SequenceMatcher(None, wanted, found, autojunk=False)
    errors = sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal")
    return max(0.0, 1 - errors / len(wanted))


# time


def measure_time(place: Path) -> None:
    """Print the time that words add to searches of a made index with a text for each picture."""
    rng = np.random.default_rng(2)
    themes = make_themes(rng, 100, 64)
    encoder = SyntheticTexts(themes)
    started = perf_counter()
    index = fill_index(place, make_themed_vectors(N_LARGE, 1, themes, rng), encoder.record("none"), file=_name_file)
    print(f"\n{N_LARGE:,} pictures, made in {perf_counter() - started:.0f} s\n")
    rows = []
    for label, text in (
        ("no text matches", "zebra crossing"),
        ("a word in one text", "word77777"),
        ("a word in 1 % of the pictures", "theme42"),
        ("ten words, each in 1 %", " ".join(f"theme{i}" for i in range(10))),
        ("a word in all pictures", "holiday"),
        ("text:77777 (part of a word)", "text:77777"),
        ("text:theme4", "text:theme4"),
        ("text:ho (start of a word in all)", "text:ho"),
    ):
        rows.append([label, *_time_search(index, encoder, text)])
    print_table(["", "median ms", "95th percentile", "without words, median ms"], rows)


def _name_file(number: int) -> tuple[Path, bytes]:
    name = f"word{number} holiday theme{number * 37 % 100}.jpg"
    return Path("/made/photos", name), number.to_bytes(16, "big")


def _time_search(index: Index, encoder: SyntheticTexts, text: str, n: int = 30) -> list[str]:
    parsed = parse_query(text)
    given = _Words(encoder.vectors)
    times, plain = [], []
    for _ in range(n):
        started = perf_counter()
        search(index, given, parsed, include_unlikely=True)  # type: ignore[arg-type]
        times.append(1000 * (perf_counter() - started))
        started = perf_counter()
        search(index, given, parse_query("a photo"), include_unlikely=True)  # type: ignore[arg-type]
        plain.append(1000 * (perf_counter() - started))
    return [f"{np.median(times):.1f}", f"{np.percentile(times, 95):.1f}", f"{np.median(plain):.1f}"]


class _Words(SyntheticTexts):
    """The same vector for any text."""

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.vectors[[0] * len(texts)]


if __name__ == "__main__":
    main()
