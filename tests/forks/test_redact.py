"""Keys in RPC addresses never reach a text."""

import pytest

from forks import errors
from forks.redact import redact_text, redact_url

SECRET = "0123456789abcdef"  # noqa: S105 - it stands for one
URL = f"https://user:{SECRET}@rpc.example.org:8443/v3/{SECRET}?apikey={SECRET}#{SECRET}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, "https://rpc.example.org:8443/…"),
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("http://127.0.0.1:8545/", "http://127.0.0.1:8545"),
        ("http://[::1]:8545/key", "http://[::1]:8545/…"),
        ("wss://rpc.example.org?k=1", "wss://rpc.example.org/…"),
        (SECRET, "…"),
        ("http://host:notaport/key", "…"),
        ("http://[broken/key", "…"),
    ],
)
def test_only_scheme_host_and_port_of_an_address_are_shown(url: str, shown: str):
    assert redact_url(url) == shown


def test_addresses_inside_a_text_are_redacted_and_the_text_around_them_stays():
    text = f'error sending request for url ({URL}); and "{URL}", again {URL}.'

    assert redact_text(text) == (
        "error sending request for url (https://rpc.example.org:8443/…); "
        'and "https://rpc.example.org:8443/…", again https://rpc.example.org:8443/….'
    )


def test_a_known_key_is_hidden_even_where_it_stands_alone():
    assert redact_text(f"bad project id {SECRET}", URL) == "bad project id …"


def test_short_words_of_a_known_address_do_not_garble_a_text():
    assert redact_text("v3 of the user", "https://host/v3/user") == "v3 of the user"


@pytest.mark.parametrize(
    "error",
    [
        errors.BadUrl(URL),
        errors.NotADevelopmentNode(URL, "why"),
        errors.WriteRefused(URL, "m"),
        errors.Unreachable(URL, "m", "why"),
        errors.UpstreamHangs(URL, "m", 1.0, 2),
        errors.UpstreamRateLimited(URL, "m", 3),
        errors.HttpRefused(URL, "m", 503),
        errors.NotJsonRpc(URL, "m", "html"),
        errors.WrongChain(URL, 1, 10),
        errors.UnknownBlock(URL, 7, 5),
        errors.StateNotServed(URL, 7, 500, "missing trie node"),
        errors.NoUpstreamAnswers([errors.WrongChain(URL, 1, 10)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_shows_one_line_without_the_key_and_leaves_with_code_2(error: errors.ForkError):
    shown = f"{error} {error!r} {vars(error)} {error.args}"

    assert SECRET not in shown
    assert "\n" not in str(error)
    assert error.exit_code == 2
