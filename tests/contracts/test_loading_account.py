"""Account files: what they say, where they say it, and what is wrong with them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from otpgate_contracts.loading_account import AccountError, load_account

WHOLE = """\
provider: twilio
account: {id: 0123, kind: trial, status: active, region: us1}
credentials: [{id: AC1, secret: "${TOKEN}"}, {id: SK1, secret_sha256: "%s", permissions: [send]}]
senders:
  - {number: +12025550143, kind: long_code, sms: true, registration: {scheme: 10dlc, status: approved}}
  - {number: 12345, kind: short_code}
  - {alphanumeric: ON, countries: [NO, GB]}
  - {pool: MG1, members: [+12025550143], status_callback: null}
destinations: {enabled: [US, NO]}
verified_recipients: [+4915228817386]
opted_out: []
balance: {amount: 42.00, currency: USD}
limits: {per_second: 10, per_day: 20000}
callbacks: {status: "https://otp.example.com/hooks", signed: true}
settings: {signature_method: sha256, window: 10, retry: true, prefix: 007, source: +44, pin: 12e10, ratio: 0.5}
""" % ("ab" * 32)


def test_a_whole_file() -> None:
    """Every key is read as its schema says; text keeps the scalar's own spelling, NO is Norway, ON is a word."""
    state, _ = load_account(WHOLE, "accounts/primary.yaml")
    senders = state.senders or ()
    assert [sender.value for sender in senders] == ["+12025550143", "12345", "ON", "MG1"]
    assert senders[2].countries == ("NO", "GB")
    assert state.account.id == "0123"
    assert state.balance.amount == "42.00"
    assert (state.limits.per_second, state.limits.per_day) == (10.0, 20000)
    assert state.destinations.enabled == ("US", "NO")
    assert state.opted_out == ()
    assert state.templates is None


def test_secrets_are_left_for_the_caller() -> None:
    """A reference to the environment is not resolved here."""
    state, _ = load_account(WHOLE, "a.yaml")
    assert (state.credentials or ())[0].secret == "${TOKEN}"


def test_free_settings_are_plain_values() -> None:
    """Settings are numbers and booleans where they read back the same, else text."""
    state, _ = load_account(WHOLE, "a.yaml")
    assert state.settings == {
        "signature_method": "sha256", "window": 10, "retry": True, "prefix": "007", "source": "+44", "pin": "12e10", "ratio": 0.5,
    }


def test_every_key_has_its_place() -> None:
    """The place of a value is its line and column, counted from 1."""
    _, places = load_account(WHOLE, "a.yaml")
    assert places["provider"] == (1, 11)
    assert places["senders[2].countries[0]"] == (7, 36)
    assert places["destinations.enabled"] == (9, 25)


def test_json_is_read_too() -> None:
    """An account file may be JSON."""
    state, places = load_account('{"provider": "vonage",\n "senders": [{"alphanumeric": "ACME"}]}', "a.json")
    assert state.provider == "vonage"
    assert places["senders[0].alphanumeric"] == (2, 31)


def test_a_byte_order_mark_is_ignored() -> None:
    """A file saved with a byte order mark is read like any other."""
    assert load_account("\ufeffprovider: twilio\n", "a.yaml")[0].provider == "twilio"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.yaml:1:1: the file is empty"),
        ("- a", "a.yaml:1:1: Expected `object`, got `array`"),
        ("provider: [", "a.yaml:2:1: not readable as YAML: while parsing a flow node, did not find expected node content"),
        ("account: {}", "a.yaml:1:1: missing key `provider`"),
        ("provider: twilio\nsender: []", "a.yaml:2:1: unknown key `sender` (did you mean `senders`?)"),
        (
            "provider: twilio\nsenders:\n - {numer: '+1'}",
            "a.yaml:3:5: unknown key `numer` in `senders[0]` (did you mean `number`?)",
        ),
        (
            "provider: twilio\naccount:\n  status: suspnded",
            "a.yaml:3:11: `status` cannot be `suspnded` (did you mean `suspended`? write one of active, suspended, closed)",
        ),
        ("provider: twilio\nprovider: vonage", "a.yaml:2:1: `provider` is given twice (keep one of the two)"),
        ("provider: a\nlimits: {per_second: fast}", "a.yaml:2:22: `limits.per_second`: Expected `float | null`, got `str`"),
        ("provider: a\nbalance: {auto_reload: yes}", "a.yaml:2:24: `balance.auto_reload`: Expected `bool | null`, got `str`"),
        ("provider: a\nlimits: {per_day: 1:30}", "a.yaml:2:19: `limits.per_day`: Expected `int | null`, got `str`"),
        ("provider: a\nsenders: [{sms: true}]", "a.yaml:2:11: the sender has no value (give exactly one of `number`, `alphanumeric`, `pool`)"),
        (
            "provider: a\nsenders: [{number: '+12025550143', alphanumeric: A}]",
            "a.yaml:2:11: the sender has `number` and `alphanumeric` (give exactly one of `number`, `alphanumeric`, `pool`)",
        ),
        (
            "provider: a\nsenders: [{alphanumeric: A, kind: pool}]",
            "a.yaml:2:35: a sender given as `alphanumeric` cannot be of kind `pool` (write `alphanumeric`)",
        ),
        (
            "provider: a\nsenders: [{number: 202-555-0143}]",
            "a.yaml:2:20: `202-555-0143` is neither a number in international form nor a short code (write it as +12025550143)",
        ),
        ("provider: a\ndestinations: {enabled: [US, uk]}", "a.yaml:2:30: `uk` is no country (did you mean `GB`?)"),
        ("provider: a\ndestinations: {enabled: [no]}", "a.yaml:2:26: `no` is no country (did you mean `NO`?)"),
        (
            "provider: a\nsenders: [{alphanumeric: A, countries: [Germany]}]",
            "a.yaml:2:41: `Germany` is no country (write its two-letter ISO code, as in GB)",
        ),
        ("provider: a\nopted_out: [2025550143]", "a.yaml:2:13: `2025550143` is not a number in international form (write it as +12025550143)"),
        ("provider: a\n? [a]\n: b", "a.yaml:2:3: a key must be a plain word"),
    ],
)
def test_what_is_wrong_with_a_file(text: str, message: str) -> None:
    """A fault is one sentence with file, line and column, and what to write instead."""
    with pytest.raises(AccountError) as caught:
        load_account(text, "a.yaml")
    assert str(caught.value) == message


def test_a_secret_in_the_place_of_its_hash() -> None:
    """A hash field that holds no hash says how to make one, and does not repeat what it holds."""
    with pytest.raises(AccountError, match="sha256sum") as caught:
        load_account("provider: a\ncredentials: [{id: x, secret_sha256: hunter2}]", "a.yaml")
    assert "hunter2" not in str(caught.value)


def test_an_account_of_another_provider() -> None:
    """A file that describes another provider's account is refused at its first word."""
    with pytest.raises(AccountError, match="an account of `vonage`, but the gateway is of `twilio`") as caught:
        load_account("provider: vonage\n", "a.yaml", provider="twilio")
    assert (caught.value.line, caught.value.column) == (1, 11)


def test_anchors_and_merge_keys() -> None:
    """Senders may share keys through an anchor."""
    text = "provider: a\nsenders:\n  - &one {number: '+12025550143', sms: true}\n  - {<<: *one, number: '+12025550144'}\n"
    senders = load_account(text, "a.yaml")[0].senders or ()
    assert [(sender.number, sender.sms) for sender in senders] == [("+12025550143", True), ("+12025550144", True)]


def test_an_alias_into_itself() -> None:
    """A document that contains itself is refused, not followed for ever."""
    with pytest.raises(AccountError, match="endless"):
        load_account("provider: a\nsettings: &s {again: *s}\n", "a.yaml")


def test_two_documents_in_one_file() -> None:
    """A file with two documents is refused."""
    with pytest.raises(AccountError, match="not readable as YAML"):
        load_account("provider: a\n---\nprovider: b\n", "a.yaml")


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000])
def test_a_bottomless_document(text: str) -> None:
    """A document nested without end is refused before it exhausts the stack."""
    with pytest.raises(AccountError, match="nested deeper than 500 levels"):
        load_account(text, "a.yaml")


@pytest.mark.parametrize("text", ["a: \x00", "a: \ud800", "%YAML 3.0\n---\na: 1", "*x", "\t- a"])
def test_a_text_that_is_no_yaml(text: str) -> None:
    """Control characters, broken text and undefined aliases are one error with a place."""
    with pytest.raises(AccountError, match="not readable as YAML"):
        load_account(text, "a.yaml")


def test_without_libyaml() -> None:
    """Where PyYAML came without libyaml, files are read alike by its Python parser."""
    code = (
        "import yaml; yaml.__with_libyaml__ = False\n"
        "from otpgate_contracts.loading_account import AccountError, load_account\n"
        "state, places = load_account('provider: a\\ndestinations: {enabled: [NO]}', 'a.yaml')\n"
        "assert state.destinations.enabled == ('NO',) and places['destinations.enabled[0]'] == (2, 26)\n"
        "try: load_account('[' * 2000, 'a.yaml')\n"
        "except AccountError as error: assert 'nested deeper' in str(error)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
