"""What is logged in the page's process is a line for each event, whatever is in it and whoever formats it."""

import subprocess
import sys

import pytest

from tests import ROOT

LOG = """
import logging, sys, threading, warnings
from ui.log import configure_logging

configure_logging()
from streamlit.logger import get_logger

text = "a\\x1b[31mb\\r\\n2026 forged\\x07\\u202e\\x9b"
other = logging.getLogger("uvicorn.error")
other.addHandler(logging.StreamHandler())

def fail():
    def deeper():
        raise ValueError(text)
    try:
        deeper()
    except ValueError as error:
        raise RuntimeError(text) from error

def log(write):
    try:
        fail()
    except RuntimeError:
        write("Failed with %s", text)

exec(sys.argv[1])
"""
CASES = {
    "a text": "other.error(text)",
    "an argument": "other.error('said %s', text)",
    "a mapping": "other.error('said %(a)s', {'a': text})",
    "an exception": "log(other.exception)",
    "Streamlit's": "log(get_logger('streamlit.runtime.app_session').exception)",
    "another's, without handlers": "log(logging.getLogger('tornado.application').exception)",
    "the root's": "log(logging.exception)",
    "the stack": "other.error(text, stack_info=True)",
    "a thread": "t = threading.Thread(target=fail); t.start(); t.join()",
    "a warning": "warnings.warn(text)",
    "a long text": "other.error(text * 1000)",
    "an exception without one": "other.exception(text)",
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_one_line(case):
    command = [sys.executable, "-c", LOG, CASES[case]]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT)
    lines = done.stderr.split("\n")
    assert lines.pop() == ""
    assert len(lines) == 1, done.stderr
    assert lines[0].isprintable()
    assert "forged" in lines[0]
    assert len(lines[0]) < 500
    assert not done.stdout


def test_the_type_and_the_place_of_an_error_are_told():
    command = [sys.executable, "-c", LOG, "text = 'why'; log(other.exception)"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.stderr.startswith("Failed with why (RuntimeError: why, at <string>:")
