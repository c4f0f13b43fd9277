"""The commands that fix errors of training, added to those of the main command line."""

from shlex import quote

from cosmos_search.cli.advice import ADVICE as BASE
from cosmos_search.cli.advice import Advice
from trainer.data.errors import AlreadyShardsError, FeatureCacheError, NoPicturesError
from trainer.runs.errors import (
    DataChangedError,
    EarlierNamesError,
    InitSizesError,
    NothingToResumeError,
    RunExistsError,
    RunFolderTakenError,
    UnknownInitError,
    UnknownSourcesError,
    VocabularyError,
)

__all__ = ["ADVICE"]

ADVICE: Advice = {
    **BASE,
    AlreadyShardsError: lambda error: f"Train with them: cosmos-search-train run --data {quote(str(error.folder))} ...",
    FeatureCacheError: lambda error: f"Delete it to compute them again: rm -r {quote(str(error.folder))}",
    NoPicturesError: lambda error: "Name the folder of the pictures: --images DIR",
    RunExistsError: lambda error: f"Resume it: cosmos-search-train run --resume {quote(str(error.run))}",
    RunFolderTakenError: lambda error: "Choose a new folder for the run: --out FOLDER",
    NothingToResumeError: lambda error: (
        f"Start it again, as before: cosmos-search-train run --out {quote(str(error.run))} ..."
    ),
    EarlierNamesError: lambda error: (
        f"To fine-tune from it: cosmos-search-train run --init {quote(str(error.run))} ..."
    ),
    DataChangedError: lambda error: "Restore the data, or name the folder that it is in now: --data FOLDER",
    UnknownSourcesError: lambda error: "Name the folder: --data FOLDER",
    VocabularyError: lambda error: "Name the tokenizer of the network: --tokenizer FILE",
    InitSizesError: lambda error: "Set these sizes in the config: cosmos-search-train presets NAME > config.json",
    UnknownInitError: lambda error: "List the models: cosmos-search models",
}
