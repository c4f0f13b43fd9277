"""The errors of models, networks and encoders: they survive pickling, and the table has advice for them."""

import pickle

import pytest

from cosmos_search.cli.advice import add_advice
from cosmos_search.encoders.devices import DeviceError, FixedPrecisionError, PrecisionError
from cosmos_search.encoders.mini.weights import DamagedPackageError, MissingPackageError
from cosmos_search.extras import MissingExtraError
from cosmos_search.models import errors
from cosmos_search.network.errors import MissingModelFileError
from indexer.errors import OtherEncoderError

ADVISED = [
    (errors.UnknownModelError("x"), "cosmos-search models"),
    (errors.UnpublishedModelError("x"), "cosmos-search models"),
    (errors.ModelNotInstalledError("x"), "cosmos-search models"),
    (errors.ModelNotPulledError("x"), "cosmos-search models pull x"),
    (errors.ModelNameError("a b"), "--name my-model"),
    (errors.ModelExistsError("x"), "cosmos-search models remove x"),
    (errors.ModelExistsError("cosmos-mini", True), "another --name"),
    (errors.DamagedModelError("x", "config.json"), "cosmos-search models remove x"),
    (errors.HubError("x.pt", "them/it", "timeout"), "cosmos-search models add FILE"),
    (errors.DownloadError("x.pt", "timeout"), "same command again"),
    (MissingModelFileError("A network of width 24", "config.json"), "--config-from FOLDER"),
    (DeviceError("cuda", "there is none"), "--device cpu"),
    (PrecisionError("int8", "cuda"), "--precision fp16"),
    (PrecisionError("fp16", "cpu"), "--precision int8"),
    (FixedPrecisionError("x", "int8"), "cosmos-search models"),
    (OtherEncoderError("a", "b"), "cosmos-search index --model b --rebuild"),
    (OtherEncoderError("a", "a"), "cosmos-search index --rebuild"),
]
COMPLETE = [
    MissingExtraError("The page", ["Streamlit"], "ui"),
    MissingPackageError("some-weights"),
    DamagedPackageError("some-weights", "a file is missing"),
]


@pytest.mark.parametrize(("error", "command"), ADVISED, ids=str)
def test_the_command_line_adds_the_command_that_helps(error, command):
    assert command not in str(error)
    assert command in add_advice(error)


@pytest.mark.parametrize("error", [*(error for error, _ in ADVISED), *COMPLETE], ids=str)
def test_errors_survive_pickling(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_the_list_above_has_every_error_of_models():
    assert {type(error).__name__ for error, _ in ADVISED} >= set(errors.__all__)
