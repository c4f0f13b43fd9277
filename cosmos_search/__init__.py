"""Search pictures by their content, and see which part of a picture matches.

>>> import cosmos_search
>>> library = cosmos_search.open("my-index")  # doctest: +SKIP
>>> library.add("photos")  # doctest: +SKIP
>>> library.search("a cup of coffee", top=3)  # doctest: +SKIP

Exported names are imported on first use, so that importing this package takes only milliseconds.

Importing it turns off the telemetry of ONNX Runtime, which is on by default, and of the Hugging Face libraries. They
read these variables when they are imported themselves. Values that are set already are not changed.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

for _switch in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
    # The libraries take an empty value for "no"; here it counts as unset.
    if not os.environ.get(_switch, "").strip():
        os.environ[_switch] = "1"

# isort: off
if TYPE_CHECKING:  # the same names as in _EXPORTS, for type checkers and editors; a test compares the two
    from cosmos_search.client.client import Client as Client
    from cosmos_search.client.errors import (
        ListenError as ListenError,
        NoServerError as NoServerError,
        ServiceError as ServiceError,
    )
    from cosmos_search.client.wire import Answer as Answer
    from cosmos_search.cluster_errors import (
        ClusterAddressError as ClusterAddressError,
        ClusterError as ClusterError,
        ClusterFolderError as ClusterFolderError,
        ClusterPlaceError as ClusterPlaceError,
        ClusterTokenError as ClusterTokenError,
        ClusterVersionError as ClusterVersionError,
        MissingShardsError as MissingShardsError,
        NoClusterError as NoClusterError,
    )
    from cosmos_search.encoders.base import BaseEncoder as BaseEncoder
    from cosmos_search.encoders.calibration import (
        Background as Background,
        Calibration as Calibration,
    )
    from cosmos_search.encoders.devices import (
        Device as Device,
        DeviceError as DeviceError,
        FixedPrecisionError as FixedPrecisionError,
        Precision as Precision,
        PrecisionError as PrecisionError,
    )
    from cosmos_search.encoders.load import load_encoder as load_encoder
    from cosmos_search.encoders.mini.config import MiniConfig as MiniConfig
    from cosmos_search.encoders.mini.encoder import MiniEncoder as MiniEncoder
    from cosmos_search.encoders.mini.image_tower import PreparedPicture as PreparedPicture
    from cosmos_search.encoders.mini.weights import (
        DamagedPackageError as DamagedPackageError,
        MissingPackageError as MissingPackageError,
    )
    from cosmos_search.encoders.protocol import Encoder as Encoder
    from cosmos_search.evaluation.datasets.errors import (
        AnnotationError as AnnotationError,
        MissingPicturesError as MissingPicturesError,
    )
    from cosmos_search.evaluation.measure import Figures as Figures
    from cosmos_search.evaluation.report import Evaluation as Evaluation, evaluate_dataset as evaluate_dataset
    from cosmos_search.explore.duplicate_groups import DuplicateGroup as DuplicateGroup, Duplicates as Duplicates
    from cosmos_search.explore.embedding_map import Atlas as Atlas, Cluster as Cluster, Point as Point
    from cosmos_search.extras import Extra as Extra, MissingExtraError as MissingExtraError
    from cosmos_search.indexed_pictures import IndexedPictures as IndexedPictures
    from cosmos_search.library import Library as Library, open as open
    from cosmos_search.models.errors import (
        DamagedModelError as DamagedModelError,
        DownloadError as DownloadError,
        HubError as HubError,
        ModelExistsError as ModelExistsError,
        ModelNameError as ModelNameError,
        ModelNotInstalledError as ModelNotInstalledError,
        ModelNotPulledError as ModelNotPulledError,
        UnknownModelError as UnknownModelError,
        UnpublishedModelError as UnpublishedModelError,
    )
    from cosmos_search.models.store import ModelCard as ModelCard, ModelStore as ModelStore
    from cosmos_search.network.errors import MissingModelFileError as MissingModelFileError
    from cosmos_search.places import default_place as default_place
    from cosmos_search.opened_index import Info as Info
    from cosmos_search.retrieval.dates import parse_date as parse_date, parse_period as parse_period
    from cosmos_search.retrieval.errors import (
        EmptyQueryError as EmptyQueryError,
        ExampleImageError as ExampleImageError,
        ExplanationError as ExplanationError,
        HitCountError as HitCountError,
        InvalidValueError as InvalidValueError,
        QueryError as QueryError,
        UnknownTownError as UnknownTownError,
        UnreadTextsError as UnreadTextsError,
        UnreadableHitError as UnreadableHitError,
    )
    from cosmos_search.retrieval.explain import (
        draw_boxes as draw_boxes,
        draw_heat as draw_heat,
        explain as explain,
        heat_map as heat_map,
        refine as refine,
        save_explanations as save_explanations,
    )
    from cosmos_search.retrieval.filters import (
        parse_filters as parse_filters,
        parse_near as parse_near,
        parse_size as parse_size,
    )
    from cosmos_search.retrieval.hits import Evidence as Evidence, Hit as Hit
    from cosmos_search.retrieval.nearest_town import NearestTown as NearestTown
    from cosmos_search.retrieval.query import parse_box as parse_box
    from indexer.encoder import ImageEncoder as ImageEncoder, Vectors as Vectors
    from indexer.errors import (
        CosmosSearchError as CosmosSearchError,
        OtherEncoderError as OtherEncoderError,
        PictureError as PictureError,
        UsageError as UsageError,
    )
    from indexer.ingest.errors import (
        EmptyFolderError as EmptyFolderError,
        FolderError as FolderError,
        MissingFilesError as MissingFilesError,
        MissingFolderError as MissingFolderError,
        NoFoldersError as NoFoldersError,
        OtherRegionsError as OtherRegionsError,
        UnfinishedRebuildError as UnfinishedRebuildError,
        WatchError as WatchError,
    )
    from indexer.ingest.read_texts import TextReport as TextReport
    from indexer.ingest.report import Report as Report
    from indexer.ingest.scan import Change as Change
    from indexer.ingest.shared_work import Distribute as Distribute, SharedWork as SharedWork
    from indexer.pictures.metadata_record import Metadata as Metadata
    from indexer.pictures.regions import Box as Box, Regions as Regions
    from indexer.pictures.walk import FoundFile as FoundFile
    from indexer.places import Place as Place, ServerPlace as ServerPlace
    from indexer.store.albums import Album as Album
    from indexer.store.errors import (
        CreateIndexError as CreateIndexError,
        DamagedIndexError as DamagedIndexError,
        EmptyIndexError as EmptyIndexError,
        FullDiskError as FullDiskError,
        IndexAccessError as IndexAccessError,
        IndexBusyError as IndexBusyError,
        NewerIndexError as NewerIndexError,
        NoIndexError as NoIndexError,
        NotAnIndexedFolderError as NotAnIndexedFolderError,
        OldIndexError as OldIndexError,
        ReadOnlyIndexError as ReadOnlyIndexError,
        ReplacedIndexError as ReplacedIndexError,
        ServerError as ServerError,
        StorageError as StorageError,
        VectorFileError as VectorFileError,
    )
    from indexer.store.facets import Count as Count, Facets as Facets
    from indexer.store.filter_record import Filters as Filters, Near as Near
    from indexer.store.places import PicturePlace as PicturePlace
    from indexer.store.records import (
        EncoderRecord as EncoderRecord,
        FailedFile as FailedFile,
        Folder as Folder,
        KnownFile as KnownFile,
        PictureFacts as PictureFacts,
        PictureRecord as PictureRecord,
        TextKind as TextKind,
        TextLine as TextLine,
    )
    from indexer.store.shapes import PictureShape as PictureShape
    from indexer.text_reader import TextReader as TextReader
# isort: on

_EXPORTS: dict[str, tuple[str, ...]] = {  # module -> the names of it that this package exports
    "cosmos_search.client.client": ("Client",),
    "cosmos_search.client.errors": ("ListenError", "NoServerError", "ServiceError"),
    "cosmos_search.client.wire": ("Answer",),
    "cosmos_search.cluster_errors": (
        "ClusterAddressError",
        "ClusterError",
        "ClusterFolderError",
        "ClusterPlaceError",
        "ClusterTokenError",
        "ClusterVersionError",
        "MissingShardsError",
        "NoClusterError",
    ),
    "cosmos_search.encoders.base": ("BaseEncoder",),
    "cosmos_search.encoders.calibration": ("Background", "Calibration"),
    "cosmos_search.encoders.devices": ("Device", "DeviceError", "FixedPrecisionError", "Precision", "PrecisionError"),
    "cosmos_search.encoders.load": ("load_encoder",),
    "cosmos_search.encoders.mini.config": ("MiniConfig",),
    "cosmos_search.encoders.mini.encoder": ("MiniEncoder",),
    "cosmos_search.encoders.mini.image_tower": ("PreparedPicture",),
    "cosmos_search.encoders.mini.weights": ("DamagedPackageError", "MissingPackageError"),
    "cosmos_search.encoders.protocol": ("Encoder",),
    "cosmos_search.evaluation.datasets.errors": ("AnnotationError", "MissingPicturesError"),
    "cosmos_search.evaluation.measure": ("Figures",),
    "cosmos_search.evaluation.report": ("Evaluation", "evaluate_dataset"),
    "cosmos_search.explore.duplicate_groups": ("DuplicateGroup", "Duplicates"),
    "cosmos_search.explore.embedding_map": ("Atlas", "Cluster", "Point"),
    "cosmos_search.extras": ("Extra", "MissingExtraError"),
    "cosmos_search.indexed_pictures": ("IndexedPictures",),
    "cosmos_search.library": ("Library", "open"),
    "cosmos_search.models.errors": (
        "DamagedModelError",
        "DownloadError",
        "HubError",
        "ModelExistsError",
        "ModelNameError",
        "ModelNotInstalledError",
        "ModelNotPulledError",
        "UnknownModelError",
        "UnpublishedModelError",
    ),
    "cosmos_search.models.store": ("ModelCard", "ModelStore"),
    "cosmos_search.network.errors": ("MissingModelFileError",),
    "cosmos_search.places": ("default_place",),
    "cosmos_search.opened_index": ("Info",),
    "cosmos_search.retrieval.dates": ("parse_date", "parse_period"),
    "cosmos_search.retrieval.errors": (
        "EmptyQueryError",
        "ExampleImageError",
        "ExplanationError",
        "HitCountError",
        "InvalidValueError",
        "QueryError",
        "UnknownTownError",
        "UnreadTextsError",
        "UnreadableHitError",
    ),
    "cosmos_search.retrieval.explain": (
        "draw_boxes",
        "draw_heat",
        "explain",
        "heat_map",
        "refine",
        "save_explanations",
    ),
    "cosmos_search.retrieval.filters": ("parse_filters", "parse_near", "parse_size"),
    "cosmos_search.retrieval.hits": ("Evidence", "Hit"),
    "cosmos_search.retrieval.nearest_town": ("NearestTown",),
    "cosmos_search.retrieval.query": ("parse_box",),
    "indexer.encoder": ("ImageEncoder", "Vectors"),
    "indexer.errors": (
        "CosmosSearchError",
        "OtherEncoderError",
        "PictureError",
        "UsageError",
    ),
    "indexer.ingest.errors": (
        "EmptyFolderError",
        "FolderError",
        "MissingFilesError",
        "MissingFolderError",
        "NoFoldersError",
        "OtherRegionsError",
        "UnfinishedRebuildError",
        "WatchError",
    ),
    "indexer.ingest.read_texts": ("TextReport",),
    "indexer.ingest.report": ("Report",),
    "indexer.ingest.scan": ("Change",),
    "indexer.ingest.shared_work": ("Distribute", "SharedWork"),
    "indexer.pictures.metadata_record": ("Metadata",),
    "indexer.pictures.regions": ("Box", "Regions"),
    "indexer.pictures.walk": ("FoundFile",),
    "indexer.places": ("Place", "ServerPlace"),
    "indexer.store.albums": ("Album",),
    "indexer.store.errors": (
        "CreateIndexError",
        "DamagedIndexError",
        "EmptyIndexError",
        "FullDiskError",
        "IndexAccessError",
        "IndexBusyError",
        "NewerIndexError",
        "NoIndexError",
        "NotAnIndexedFolderError",
        "OldIndexError",
        "ReadOnlyIndexError",
        "ReplacedIndexError",
        "ServerError",
        "StorageError",
        "VectorFileError",
    ),
    "indexer.store.facets": ("Count", "Facets"),
    "indexer.store.filter_record": ("Filters", "Near"),
    "indexer.store.places": ("PicturePlace",),
    "indexer.store.records": (
        "EncoderRecord",
        "FailedFile",
        "Folder",
        "KnownFile",
        "PictureFacts",
        "PictureRecord",
        "TextKind",
        "TextLine",
    ),
    "indexer.store.shapes": ("PictureShape",),
    "indexer.text_reader": ("TextReader",),
}
_MODULE_OF = {name: module for module, names in _EXPORTS.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value  # __getattr__ is not called for it again
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
