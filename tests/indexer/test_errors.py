"""Every error of the indexer is a sentence and can be pickled."""

import pickle
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from cosmos_search.cli.advice import add_advice
from indexer import errors
from indexer.places import Place

VALUES = {"Path": Path("/photos"), Place: Path("/photos"), "str": "red", "int": 3, "bool": True}
FOR_ADVICE_ONLY = ("is_needed", "wanted_regions", "folder")
WITH_FACTS = [cls for name in errors.__all__ if is_dataclass(cls := getattr(errors, name))]


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


def test_all_errors_are_listed():
    found = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert found == set(errors.__all__)
