"""What requests look like, for their validation and for OpenAPI."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cosmos_search.client.wire import MAX_HITS
from cosmos_search.limits import MAX_POINTS, MAX_UPLOAD_MB
from cosmos_search.retrieval.filters import parse_filters
from cosmos_search.retrieval.query import MAX_TERMS
from indexer.store.filter_record import Filters

__all__ = [
    "FilterTexts",
    "IndexRequest",
    "MapQuery",
    "PageQuery",
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
