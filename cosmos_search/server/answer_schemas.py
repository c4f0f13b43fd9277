"""What answers look like, for OpenAPI. The values come from the records' `to_dict`; a test compares them with these."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cosmos_search.explore.duplicate_groups import GroupKind
from indexer.store.records import TextKind

__all__ = [
    "AlbumsAnswer",
    "AtlasAnswer",
    "DuplicatesAnswer",
    "ErrorAnswer",
    "FacetsAnswer",
    "FoldersAnswer",
    "HealthAnswer",
    "IndexAnswer",
    "ModelsAnswer",
    "PictureAnswer",
    "PicturesAnswer",
    "SearchAnswer",
]


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
