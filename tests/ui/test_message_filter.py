"""Which messages of a visitor reach Streamlit, before and after the token, whatever they hold."""

import random

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from ui.message_filter import ALLOWED_AFTER_LOGIN, ALLOWED_BEFORE_LOGIN, MAX_BYTES_BEFORE_LOGIN, filter_message

FIELD, BUTTON = "$$ID-0123-token", "$$ID-4567-FormSubmitter-login-Log in"
ESCAPES = "\x1b]0;owned\x07\n2026-01-01 forged line \u202e"
KINDS = [one.name for one in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields]
VALUES = [one.name for one in WidgetState.DESCRIPTOR.oneofs_by_name["value"].fields]


def message(kind):
    made = BackMsg()
    field = getattr(made, kind)
    if isinstance(field, bool):
        setattr(made, kind, True)
    else:
        field.SetInParent()
    return made


def rerun(*states, **fields):
    made = BackMsg()
    made.rerun_script.SetInParent()
    for name, value in fields.items():
        if isinstance(value, list):
            getattr(made.rerun_script, name).extend(value)
        else:
            setattr(made.rerun_script, name, value)
    made.rerun_script.widget_states.widgets.extend(states)
    return made


def state(id_, value):
    made = WidgetState(id=id_)
    field = getattr(made, value)
    if hasattr(field, "SetInParent"):
        field.SetInParent()
    else:
        setattr(made, value, {bool: True, int: 3, float: 0.5, str: "x", bytes: b"x"}[type(field)])
    return made


def passed(made, is_logged_in):
    got = filter_message(made.SerializeToString(), is_logged_in=is_logged_in)
    return None if got is None else BackMsg.FromString(got)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_message_is_dropped_but_what_the_page_uses(kind):
    before = {"rerun_script", "stop_script", "app_heartbeat"}
    assert (passed(message(kind), is_logged_in=False) is not None) == (kind in before)
    assert (passed(message(kind), is_logged_in=True) is not None) == (kind in before | {"file_urls_request"})


def test_the_last_of_several_kinds_counts_as_it_does_for_streamlit():
    both = message("rerun_script").SerializeToString() + message("load_git_info").SerializeToString()
    assert filter_message(both, is_logged_in=True) is None
    assert filter_message(both[::-1], is_logged_in=True) is None


@pytest.mark.parametrize(
    "payload", ["deferred_file", "install_skills", "dismiss_skills_nudge", "dataframe_chunk", None]
)
@pytest.mark.parametrize("request_id", ["6f1c-42", "", ESCAPES, "x" * 65, "a b", "a\n"])
def test_only_the_file_of_a_button_is_made_for_who_is_in(payload, request_id):
    made = message("backend_operation_request")
    made.backend_operation_request.request_id = request_id
    if payload is not None:
        getattr(made.backend_operation_request, payload).SetInParent()
    assert passed(made, is_logged_in=False) is None
    assert (passed(made, is_logged_in=True) is not None) == (payload == "deferred_file" and request_id == "6f1c-42")


@pytest.mark.parametrize("value", VALUES)
def test_the_gate_gets_only_values_of_its_own_types(value):
    got = passed(rerun(state(FIELD, value), state(BUTTON, value), state("other", value)), is_logged_in=False)
    kept = {one.id for one in got.rerun_script.widget_states.widgets}
    assert kept == {"string_value": {FIELD}, "trigger_value": {BUTTON, "other"}}.get(value, set())


def test_the_gate_gets_nothing_else_of_a_visitor():
    got = passed(
        rerun(
            *[state(BUTTON, "trigger_value")] * 1000,
            query_string="query=a+cat",
            page_script_hash=ESCAPES,
            page_name=ESCAPES,
            fragment_id=ESCAPES,
            cached_message_hashes=[ESCAPES],
        ),
        is_logged_in=False,
    ).rerun_script
    assert len(got.widget_states.widgets) < 10
    assert {field.name for field, _ in got.ListFields()} == {"query_string", "widget_states"}
    assert got.query_string == "query=a+cat"


def test_who_is_in_says_what_the_page_asks():
    made = rerun(*[state("one", value) for value in VALUES], query_string="query=a", fragment_id="f")
    assert passed(made, is_logged_in=True) == made


def test_a_message_before_the_token_is_small():
    fits = rerun(query_string="x" * (MAX_BYTES_BEFORE_LOGIN - 100))
    too_large = rerun(query_string="x" * MAX_BYTES_BEFORE_LOGIN)
    assert passed(fits, is_logged_in=False).rerun_script.query_string == fits.rerun_script.query_string
    assert passed(too_large, is_logged_in=False) is None
    assert passed(too_large, is_logged_in=True) == too_large


@pytest.mark.parametrize("is_logged_in", [False, True])
def test_what_is_no_message_is_dropped(is_logged_in):
    noise = random.Random(1)
    for size in (0, 1, 2, 3, 10, 100, 1000):
        for _ in range(200):
            content = noise.randbytes(size)
            got = filter_message(content, is_logged_in=is_logged_in)
            if got is not None:
                kinds = ALLOWED_AFTER_LOGIN if is_logged_in else ALLOWED_BEFORE_LOGIN
                assert BackMsg.FromString(got).WhichOneof("type") in kinds
    assert filter_message(b"\xff" * 50, is_logged_in=is_logged_in) is None
