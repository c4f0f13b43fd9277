"""What requests and responses look like, for their validation and for OpenAPI.

The values of responses come from the records' `to_dict`; a test compares them with the models here.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cosmos_search.client.wire import MAX_HITS
from cosmos_search.explore.duplicate_groups import GroupKind
from cosmos_search.explore.embedding_map import MAX_POINTS
from cosmos_search.limits import MAX_UPLOAD_MB
from cosmos_search.retrieval.filters import parse_filters
from cosmos_search.retrieval.query import MAX_TERMS
from indexer.store.filter_record import Filters
from indexer.store.records import TextKind

__all__ = [
    "AlbumsAnswer",
    "AtlasAnswer",
    "DuplicatesAnswer",
    "ErrorAnswer",
    "FacetsAnswer",
    "FilterTexts",
    "FoldersAnswer",
    "HealthAnswer",
    "IndexAnswer",
    "IndexRequest",
    "MapQuery",
    "ModelsAnswer",
    "PageQuery",
    "PictureAnswer",
    "PicturesAnswer",
    "SearchAnswer",
    "SearchRequest",
]

MAX_PAGE = 1000  # pictures
MAX_ID = 2**63 - 1
MAX_IMAGE = (MAX_UPLOAD_MB << 20) // 3 * 4 + 4  # characters of base64
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Request(BaseModel):
    """Unknown names are refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid")


class FilterTexts(_Request):
    """Conditions that all pictures of the answer fulfil, written as on the command line."""

    taken: str | None = Field(default=None, description="Taken in this period", examples=["2023..2024"])
    after: str | None = Field(default=None, description="Taken then or later", examples=["2024-06"])
    before: str | None = Field(default=None, description="Taken earlier", examples=["2025"])
    folder: str | None = Field(default=None, description="A part of a directory's path", examples=["trips"])
    directory: str | None = Field(default=None, description="The path of a directory; those below it are included")
    camera: str | None = Field(default=None, description="A part of the camera's name", examples=["X100"])
    near: str | None = Field(default=None, description="Latitude, longitude and radius", examples=["48.14,11.58,20km"])
    min_size: str | None = Field(default=None, description="At least as large", examples=["2MP"])
    orientation: str | None = Field(default=None, description="portrait, landscape or square", examples=["portrait"])
    album: int | None = Field(default=None, ge=0, le=MAX_ID, description="Id of an album that has the picture")
    texts: list[str] = Field(default=[], max_length=MAX_TERMS, description="All stand in or around the picture")
    without_texts: list[str] = Field(default=[], max_length=MAX_TERMS, description="None stands there")

    def parse(self) -> Filters:
        """The filters. Raises UsageError."""
        return parse_filters(**{name: getattr(self, name) for name in FilterTexts.model_fields})


class PageQuery(FilterTexts):
    """A page of pictures."""

    offset: int = Field(default=0, ge=0, le=MAX_ID, description="Position of the first one, from 0")
    limit: int = Field(default=60, ge=1, le=MAX_PAGE)


class SearchRequest(_Request):
    """A query in words, an example picture, or both."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [
                {"text": "A dog on a beach. A red ball.", "top": 5, "filters": {"after": "2024-06", "camera": "X100"}},
                {"similar_to": 17, "box": [0.1, 0.2, 0.5, 0.7]},
            ]
        },
    )

    text: str = Field(default="", description="Sentences with signs, weights and places")
    top: int = Field(default=10, ge=1, le=MAX_HITS, description="Number of hits")
    offset: int = Field(default=0, ge=0, le=MAX_HITS, description="Leave out this many hits")
    similar_to: int | None = Field(default=None, ge=0, le=MAX_ID, description="Id of an indexed picture")
    image: str | None = Field(default=None, max_length=MAX_IMAGE, description="A picture file in base64")
    box: list[Fraction] | None = Field(
        default=None,
        min_length=4,
        max_length=4,
        description="Its part: left, top, right, bottom",
    )
    filters: FilterTexts = FilterTexts()
    include_unlikely: bool = Field(default=False, description="Also hits below the encoder's cut-off")


class MapQuery(_Request):
    """The size of the map."""

    max_points: int = Field(default=3000, ge=1, le=MAX_POINTS)


def _check_folder(path: str) -> str:
    """The path. Raises ValueError if it depends on where the server was started, or is none."""
    if "\0" in path or not Path(path).is_absolute():
        raise ValueError("a folder is named by its absolute path")
    return path


class IndexRequest(_Request):
    """What to index."""

    model_config = ConfigDict(strict=True)

    folders: list[Annotated[str, AfterValidator(_check_folder)]] = Field(
        default=[],
        description="Absolute paths of folders of the server's machine; none: all indexed folders",
        examples=[["/photos"]],
    )


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ErrorAnswer(_Answer):
    """Any error."""

    error: str = Field(description="One sentence")


class TownAnswer(_Answer):
    """A town: the one where a picture was taken, or the nearest one."""

    name: str
    country: str
    distance_km: float = Field(description="From its centre")
    is_inside: bool


class PictureAnswer(_Answer):
    """A picture."""

    id: int
    fingerprint: str
    path: str
    copies: list[str]
    position_ms: int | None = Field(default=None, description="Of a frame in its video; missing for still images")
    width: int
    height: int
    taken_at: str | None
    latitude: float | None
    longitude: float | None
    town: TownAnswer | None = Field(default=None, description="Missing without a place, or if no town is near it")
    camera: str | None
    caption: str | None
    keywords: list[str]


class PicturesAnswer(_Answer):
    """A page of pictures, newest first."""

    pictures: list[PictureAnswer]
    n_matching: int = Field(description="Number of pictures that pass the filters")
    no_match: str | None = Field(description="Which filter no picture passes")


class EvidenceAnswer(_Answer):
    """The best region for one sentence of the query, or for the example picture."""

    kind: Literal["image"]
    text: str
    score: float
    cosine: float
    box: list[float] = Field(description="Left, top, right, bottom as fractions of the upright picture")
    is_negative: bool
    is_example: bool


class TextAnswer(_Answer):
    """A text in or around the picture, in which words of the query stand."""

    kind: TextKind
    text: str
    box: list[float] = Field(description="As of the evidence; the whole picture for texts that do not stand in it")
    confidence: float | None = Field(description="Of a line that was read in the picture")


class HitAnswer(_Answer):
    """A picture that was found."""

    rank: int
    score: float
    picture: PictureAnswer
    evidence: list[EvidenceAnswer]
    texts: list[TextAnswer]


class MissingShardsAnswer(_Answer):
    """The parts of an index on a cluster that did not answer."""

    missing: list[int]
    n_shards: int


class SearchAnswer(_Answer):
    """The hits, best first. None: no picture matches."""

    hits: list[HitAnswer]
    note: str | None = Field(description="About the query: another language than the encoder's")
    no_match: str | None = Field(description="Which filter, or which text of the query, no picture passes")
    missing_shards: MissingShardsAnswer | None


class CountAnswer(_Answer):
    """A value of a filter, and the number of pictures that have it."""

    value: str
    n: int


class FacetsAnswer(_Answer):
    """The values of each filter, counted with the other filters."""

    cameras: list[CountAnswer]
    years: list[CountAnswer]
    orientations: list[CountAnswer]
    directories: list[CountAnswer]
    sizes: list[CountAnswer]


class AlbumAnswer(_Answer):
    """A named set of pictures, or a saved search of the page."""

    id: int
    name: str
    search: str | None = Field(description="Of a saved search, which holds no pictures")
    n_pictures: int
    cover: int | None = Field(description="Id of its newest picture")


class AlbumsAnswer(_Answer):
    """All albums by name, the favourites first."""

    albums: list[AlbumAnswer]


class DuplicateGroupAnswer(_Answer):
    """Copies of a picture, or photos of a burst: the file to keep, why, the other files, and the pictures."""

    kind: GroupKind
    keep: str
    reasons: list[str]
    others: list[str]
    pictures: list[PictureAnswer]


class DuplicatesAnswer(_Answer):
    """Copies before bursts, larger groups first; how many pictures were compared, and how many could not be read."""

    groups: list[DuplicateGroupAnswer]
    n_pictures: int
    n_unreadable: int


class PointAnswer(_Answer):
    """A picture on the map."""

    id: int
    x: float
    y: float
    cluster: int


class ClusterAnswer(_Answer):
    """Similar pictures on the map."""

    name: str
    x: float
    y: float
    n: int
    cosine: float


class AtlasAnswer(_Answer):
    """A map of the pictures: similar ones are close together."""

    points: list[PointAnswer]
    clusters: list[ClusterAnswer]
    n_pictures: int


class IndexAnswer(_Answer):
    """The current or last indexing job; all values of a server that has not indexed are empty."""

    is_running: bool
    is_stopping: bool
    n_files: int | None
    fraction: float
    seconds_left: float | None
    report: dict[str, Any] | None
    error: str | None


class FoldersAnswer(_Answer):
    """What is indexed, as the command info prints it."""

    index: str
    model: dict[str, Any] | None
    pictures: int
    texts_read: int = Field(description="Number of pictures whose texts were read")
    folders: list[dict[str, Any]]
    failed: list[dict[str, Any]]
    size_bytes: dict[str, int]
    needs_rebuild: bool
    search_device: str


class ModelsAnswer(_Answer):
    """Installed and published encoders."""

    models: list[dict[str, Any]]


class HealthAnswer(_Answer):
    """The server runs."""

    status: str
    version: str
