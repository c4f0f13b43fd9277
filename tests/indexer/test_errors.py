"""Every error of the indexer is a sentence and can be pickled."""

import pickle
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from cosmos_search.cli.advice import add_advice
from indexer import errors
from indexer.ingest import errors as ingest_errors
from indexer.places import Place
from indexer.store import errors as store_errors

VALUES = {"Path": Path("/photos"), Place: Path("/photos"), "str": "red", "int": 3, "bool": True}
FOR_ADVICE_ONLY = ("is_needed", "wanted_regions", "folder")
MODULES = (errors, store_errors, ingest_errors)
WITH_FACTS = [cls for module in MODULES for name in module.__all__ if is_dataclass(cls := getattr(module, name))]


def make(cls):
    return cls(*(VALUES[getattr(field.type, "__name__", field.type)] for field in fields(cls)))


@pytest.mark.parametrize("cls", WITH_FACTS)
def test_an_error_is_a_sentence_with_its_facts(cls):
    error = make(cls)
    assert str(error).endswith(".")
    facts = {str(getattr(error, field.name)) for field in fields(cls) if field.name not in FOR_ADVICE_ONLY}
    assert all(fact in str(error) for fact in facts), (facts, str(error))
    assert add_advice(error).startswith(str(error))


@pytest.mark.parametrize("cls", WITH_FACTS)
def test_an_error_can_be_pickled(cls):
    error = make(cls)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), vars(copy), str(copy)) == (cls, vars(error), str(error))


@pytest.mark.parametrize("module", MODULES)
def test_all_errors_are_listed(module):
    found = {name for name, cls in vars(module).items() if isinstance(cls, type) and issubclass(cls, Exception)}
    assert found - {"CosmosSearchError"} == set(module.__all__) - {"CosmosSearchError"}  # their base, which all import
