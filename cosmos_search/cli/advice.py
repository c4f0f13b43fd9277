"""The commands that fix errors: one table from an error's class to the sentence that the command line adds."""

from collections.abc import Callable, Mapping
from shlex import quote
from typing import Any

from cosmos_search.cli.suggest import has_server, suggest
from cosmos_search.client.errors import ListenError, NoServerError
from cosmos_search.cluster_errors import ClusterTokenError, ClusterVersionError, NoClusterError
from cosmos_search.encoders.devices import DeviceError, FixedPrecisionError, PrecisionError
from cosmos_search.evaluation.datasets.errors import MissingPicturesError
from cosmos_search.models.errors import (
    DamagedModelError,
    DownloadError,
    HubError,
    ModelExistsError,
    ModelNameError,
    ModelNotInstalledError,
    ModelNotPulledError,
    UnknownModelError,
    UnpublishedModelError,
)
from cosmos_search.network.errors import MissingModelFileError
from cosmos_search.retrieval.errors import (
    EmptyQueryError,
    ExplanationError,
    HitCountError,
    UnreadableHitError,
    UnreadTextsError,
)
from indexer.errors import CosmosSearchError, OtherEncoderError
from indexer.ingest.errors import (
    EmptyFolderError,
    FolderError,
    MissingFilesError,
    MissingFolderError,
    NoFoldersError,
    OtherRegionsError,
    UnfinishedRebuildError,
    WatchError,
)
from indexer.store.errors import (
    CreateIndexError,
    DamagedIndexError,
    EmptyIndexError,
    NewerIndexError,
    NoIndexError,
    NotAnIndexedFolderError,
    OldIndexError,
    ReadOnlyIndexError,
    VectorFileError,
)

__all__ = ["ADVICE", "Advice", "add_advice"]

# Keys are error classes; a class without an entry takes that of its nearest base. Values get the error.
Advice = Mapping[type[CosmosSearchError], Callable[[Any], str]]

LIST_MODELS = "List the models: cosmos-search models"


def _forget_files(error: MissingFilesError) -> str:
    return f"To forget them: {suggest('cosmos-search index --forget-missing', str(error.path))}"


def _forget_folder(error: EmptyFolderError) -> str:
    return f"{_forget_files(error)}, or with the folder: {suggest('cosmos-search remove', str(error.folder))}"


def _move_away(error: DamagedIndexError) -> str:
    place = str(error.place)
    move = f"mv {quote(place)} {quote(f'{place}.damaged')}"
    return f"Move it away and index again: {move} && {suggest('cosmos-search index', 'FOLDER')}"


def _finish_rebuild(error: UnfinishedRebuildError) -> str:
    command = f"cosmos-search index --model {error.wanted} --regions {error.wanted_regions} --rebuild"
    return f"Mount their disk, or forget them by adding --forget-missing, and run again: {suggest(command)}"


ADVICE: Advice = {
    # indexer: the index, its disk and its database
    NoIndexError: lambda error: f"Make one: {suggest('cosmos-search index', 'FOLDER')}",
    EmptyIndexError: lambda error: f"Add pictures: {suggest('cosmos-search index', 'FOLDER')}",
    CreateIndexError: lambda error: "Choose another place with --index.",
    OldIndexError: lambda error: f"Bring it up to date once where it can be written: {suggest('cosmos-search info')}",
    NewerIndexError: lambda error: "In the folder of the clone: git pull && pip install -c constraints.txt .",
    ReadOnlyIndexError: lambda error: f"Make it writable: chmod -R u+w {quote(str(error.place))}",
    DamagedIndexError: _move_away,
    VectorFileError: lambda error: f"When there is room: {suggest('cosmos-search index')}",
    # indexer: folders and files
    NoFoldersError: lambda error: f"Name one: {suggest('cosmos-search index', 'FOLDER')}",
    FolderError: lambda error: f"To index a folder: {suggest('cosmos-search index', 'FOLDER')}",
    NotAnIndexedFolderError: lambda error: f"List the indexed folders: {suggest('cosmos-search info')}",
    MissingFolderError: lambda error: f"Mount it, or forget it: {suggest('cosmos-search remove', str(error.path))}",
    MissingFilesError: _forget_files,
    EmptyFolderError: _forget_folder,
    WatchError: lambda error: (
        "Raise the limit, sysctl fs.inotify.max_user_watches, or compare the files instead: "
        f"WATCHFILES_FORCE_POLLING=1 {suggest('cosmos-search watch')}"
    ),
    # indexer: encoders
    OtherEncoderError: lambda error: (
        f"Bring it up to date, embedding every picture again: {suggest('cosmos-search index --rebuild')}"
        if error.made_by == error.wanted
        else "To change over, embedding every picture again: "
        + suggest(f"cosmos-search index --model {error.wanted} --rebuild")
    ),
    OtherRegionsError: lambda error: (
        "To change over, embedding every picture again: "
        + suggest(f"cosmos-search index --regions {error.wanted} --rebuild")
    ),
    UnfinishedRebuildError: _finish_rebuild,
    # servers and clusters
    NoServerError: lambda error: f"Start one: {suggest('cosmos-search serve')}",
    ListenError: lambda error: "To take any free port: --port 0",
    NoClusterError: lambda error: "Start one on this machine: ray start --head",
    ClusterTokenError: lambda error: "To make one: ray get-auth-token --generate",
    ClusterVersionError: lambda error: (
        "On each of them, in the folder of the clone: pip install -c constraints.txt '.[cluster]'"
    ),
    # models and encoders
    UnknownModelError: lambda error: LIST_MODELS,
    UnpublishedModelError: lambda error: LIST_MODELS,
    ModelNotInstalledError: lambda error: LIST_MODELS,
    ModelNotPulledError: lambda error: f"Get it: cosmos-search models pull {error.name}",
    ModelNameError: lambda error: "For example: --name my-model",
    ModelExistsError: lambda error: (
        "Choose another --name."
        if error.is_built_in
        else f"Choose another --name, or first: cosmos-search models remove {error.name}"
    ),
    DamagedModelError: lambda error: f"To get it again, first: cosmos-search models remove {error.name}",
    HubError: lambda error: (
        f"Fetch the file from {error.repository} elsewhere and add it: cosmos-search models add FILE. "
        "The built-in encoder works without network."
    ),
    DownloadError: lambda error: "Run the same command again to resume it.",
    MissingModelFileError: lambda error: "Name a folder that has it: --config-from FOLDER",
    DeviceError: lambda error: "Without it: --device cpu",
    PrecisionError: lambda error: (
        "On a CPU: --precision int8, bf16 or fp32"
        if error.device == "cpu"
        else "Choose --device cpu, or --precision fp16"
    ),
    FixedPrecisionError: lambda error: "Larger models offer a choice; list them: cosmos-search models",
    # cosmos_search.evaluation
    MissingPicturesError: lambda error: "If they are elsewhere, name their folder: --images DIR",
    # cosmos_search.retrieval
    EmptyQueryError: lambda error: f"Say what to look for: {suggest('cosmos-search search', 'a red car')}",
    HitCountError: lambda error: "For ten hits: -n 10",
    UnreadTextsError: lambda error: (
        f"To read it{' on the machine of the server' if has_server() else ''}: {suggest('cosmos-search index --text')}"
    ),
    UnreadableHitError: lambda error: f"Bring the index up to date: {suggest('cosmos-search index')}",
    ExplanationError: lambda error: "Choose another directory: --explain DIR",
}


def add_advice(error: CosmosSearchError, table: Advice = ADVICE) -> str:
    """The error's sentence, and after it the table's advice, if there is any."""
    advice = next((table[kind](error) for kind in type(error).__mro__ if kind in table), "")
    return f"{error} {advice}".rstrip()
