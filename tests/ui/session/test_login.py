"""The login without a page: who is let in, and how fast tokens can be guessed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ui.session.login import MAX_WRONG_PER_ADDRESS, WINDOW_S, Login

TOKEN = "open sesame"


class Clock:
    """Stands until it is moved."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def login(clock):
    return Login(TOKEN, clock)


@pytest.mark.parametrize(
    "said",
    [
        "",
        " ",
        "open",
        "open sesame ",
        "Open sesame",
        "open sesam\N{LATIN SMALL LETTER E WITH ACUTE}",
        "\ud800",
        "x" * 10_000,
    ],
)
def test_only_the_token_itself_is_right(said, login):
    assert login.check_token(said, None) == "wrong"
    assert login.check_token(TOKEN, None) == "right"


def test_no_guess_of_many_is_taken_for_the_token():
    assert {Login(TOKEN).check_token(f"guess {i}", None) for i in range(5000)} == {"wrong"}


@pytest.mark.parametrize("token", ["\N{KEY}", "caf\udce9", "ÿ"])
def test_a_token_may_be_any_text(token):
    assert Login(token).check_token(token, None) == "right"
    assert Login(token).check_token("?", None) == "wrong"


def test_without_a_token_there_is_nothing_to_ask():
    assert not Login("").is_needed
    assert Login("x").is_needed


def test_wrong_tokens_are_counted_over_all_sessions_at_once(login):
    with ThreadPoolExecutor(8) as sessions:
        judged = list(sessions.map(lambda i: login.check_token(f"guess {i}", "192.0.2.1"), range(200)))
    assert judged.count("wrong") == MAX_WRONG_PER_ADDRESS
    assert judged.count("wait") == 200 - MAX_WRONG_PER_ADDRESS
    assert login.check_token(TOKEN, "192.0.2.1") == "wait"  # or guessing on would find it


def test_one_address_guesses_slowly(login, clock):
    n_looked_at = 0
    for second in range(600):
        clock.now = second
        n_looked_at += [login.check_token("guess", "192.0.2.1") for _ in range(50)].count("wrong")
    assert n_looked_at <= (600 / WINDOW_S) * MAX_WRONG_PER_ADDRESS


@pytest.mark.parametrize("addresses", [["192.0.2.1"], [f"192.0.2.{i}" for i in range(1, 100)], ["2001:db8::1", None]])
def test_who_knows_the_token_is_not_kept_out_by_other_addresses(addresses, login, clock):
    for second in range(60):
        clock.now = second
        for address in addresses:
            for _ in range(10):
                login.check_token("guess", address)
        assert login.check_token(TOKEN, "198.51.100.2") == "right"


def test_who_knows_the_token_waits_no_longer_than_the_window(login, clock):
    for i in range(100):
        login.check_token(f"guess {i}", None)
    assert login.check_token(TOKEN, None) == "wait"
    clock.now = WINDOW_S - 0.1
    assert login.check_token(TOKEN, None) == "wait"  # and this does not make it longer
    clock.now = WINDOW_S
    assert login.check_token(TOKEN, None) == "right"


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),  # a machine has all of its network
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("no address", "no address", True),
    ],
)
def test_what_counts_as_one_address(one, other, are_one, login):
    for _ in range(MAX_WRONG_PER_ADDRESS):
        login.check_token("guess", one)
    assert login.check_token(TOKEN, other) == ("wait" if are_one else "right")


def test_only_sessions_that_logged_in_are_logged_in(login):
    login.log_in("one")
    assert login.is_logged_in("one")
    assert not login.is_logged_in("other")
    assert not login.is_logged_in("")
    assert Login("").is_logged_in("any")


def test_right_tokens_are_never_too_many(login):
    assert {login.check_token(TOKEN, None) for _ in range(100)} == {"right"}


def test_a_ticket_is_given_to_sessions_that_are_logged_in_only():
    login = Login(TOKEN)
    login.log_in("a session")
    ticket = login.get_ticket("a session")
    assert len(ticket) > 40
    assert login.get_ticket("a session") == ticket
    assert login.is_ticket(ticket)
    for other in ("", TOKEN, ticket[:-1], "\udce9"):
        assert not login.is_ticket(other)
    with pytest.raises(AssertionError):
        login.get_ticket("another session")


def test_without_a_token_no_ticket_is_needed():
    assert Login("").get_ticket("any session") == ""
    assert Login("").is_ticket("")
