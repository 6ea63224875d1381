"""Small parts of core on their own: codes in texts, redaction, clock, ids, hosts, loading."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from otpgate_fakes import loading
from otpgate_fakes.core.clock import Clock
from otpgate_fakes.core.errors import Problem
from otpgate_fakes.core.hosts import Hosts, is_loopback, split_host
from otpgate_fakes.core.ids import Ids
from otpgate_fakes.core.inbox import extract_code
from otpgate_fakes.core.reading import pairs
from otpgate_fakes.core.redact import Redactor
from tests.fakes.conftest import PROVIDERS

TEXTS = {
    "Your code is 493817": "493817",
    "493817 is your Acme code. It expires in 10 minutes.": "493817",
    "Your Acme 2024 code is 1234.": "1234",
    "Code: 123-456": "123456",
    "G-493817 is your verification code": "493817",
    "123 456 ist Ihr Code": "123456",
    "Dein Code 4938. Fragen? +49 30 1234567": "4938",
    "Your code is 493817. Call +12025550143 if it was not you": "493817",
    "<#> Code 493817\nFA+9qCX9VSu": "493817",
    "Your code is 493817.\n\n@example.com #493817": "493817",
    "Ваш код 493817": "493817",
    "您的验证码是493817,5分钟内有效": "493817",
    "Use A1B2C3 to sign in": "A1B2C3",
    "Hello there": None,
    "": None,
    "Open https://example.com/x/12345678": None,
    "You paid 12.50 on 2024-05-01": None,
}


@pytest.mark.parametrize("text", TEXTS)
def test_the_code_in_a_text_is_found(text: str) -> None:
    """Digits near a word such as code, with separators, bound to a domain; never a price, a date or a link."""
    assert extract_code(text) == TEXTS[text]


@pytest.mark.parametrize(
    "text",
    ["Secret00Secret", "key=Secret00Secret&x=1", "a%2Fb%2Bc", "api_secret=whatever", '{"auth_token": "whatever"}',
     "AuthToken=whatever", "?x=1&sig=whatever"],
)
def test_secrets_are_taken_out_in_every_form(text: str) -> None:
    """Known secrets however they are encoded, and fields whose names say what they hold."""
    cleaned = Redactor(["Secret00Secret", "a/b+c"]).clean(text)
    assert "[redacted]" in cleaned
    for secret in ("Secret00", "a%2Fb", "whatever"):
        assert secret not in cleaned


@pytest.mark.parametrize("name", [
    "authorization", "cookie", "x-api-key", "api-key", "apikey", "authkey", "x-auth-token", "authtoken", "x-amz-security-token", "x-acme-secret",
])
def test_credentials_are_taken_out_of_headers(name: str) -> None:
    """However a provider calls its header; what is none stays."""
    told = Redactor().headers({name: "whatever", "user-agent": "acme/1", "accept": "application/json"})
    assert told == {name: "[redacted]", "user-agent": "acme/1", "accept": "application/json"}


@pytest.mark.parametrize("text", ["code 123456", "123-456", "123+456", "123%20456"])
def test_a_code_is_taken_out_and_its_length_stays(text: str) -> None:
    """However its halves are joined."""
    cleaned = Redactor().clean(text, "123456")
    assert len(cleaned) == len(text)
    assert "456" not in cleaned


def test_harmless_text_stays() -> None:
    """Redaction changes nothing else."""
    text = "To=%2B12025550143&Body=hello+there&MessagingServiceSid=MG1"
    assert Redactor(["Secret00Secret"]).clean(text, "123456") == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("To=%2B12025550143&Code=123456", "To=%2B12025550143&Code=[redacted]"),
        ('{"code": "8d31Zk", "to": "447700900143"}', '{"code": "[redacted]", "to": "447700900143"}'),
        ('{"pin":123456}', '{"pin":[redacted]}'),
        ("Channel=sms&CustomCode=8d31Zk&Locale=en", "Channel=sms&CustomCode=[redacted]&Locale=en"),
        ("country_code=44&code_length=6", "country_code=44&code_length=6"),
    ],
)
def test_a_code_that_is_brought_back_is_not_recorded(text: str, kept: str) -> None:
    """Fields of a request named for a code lose it; names that only hold the word keep theirs."""
    assert Redactor().asked(text) == kept


def test_an_error_code_of_an_answer_is_kept() -> None:
    """What a provider answers is read for its error code."""
    assert Redactor().clean('{"code": 60202, "status": 429}') == '{"code": 60202, "status": 429}'


def test_a_stepped_clock_runs_what_is_due_in_order() -> None:
    """Nothing before its time, everything at it, and what is taken back never."""
    clock, ran = Clock(stepped=100.0), []
    clock.later(2, lambda: ran.append("two"))
    clock.later(1, lambda: ran.append("one"))
    clock.later(1, lambda: ran.append("never")).cancel()
    assert (clock.advance(0.5), clock.advance(5), ran, clock.now()) == (0, 2, ["one", "two"], 105.5)


def test_a_running_clock_keeps_its_order_with_one_timer() -> None:
    """A later call that is due earlier runs first."""

    async def act() -> list[str]:
        clock, ran, done = Clock(), list[str](), asyncio.Event()
        clock.later(0.03, done.set)
        clock.later(0.02, lambda: ran.append("two"))
        clock.later(0.01, lambda: ran.append("one"))
        await asyncio.wait_for(done.wait(), 5)
        return ran

    assert asyncio.run(act()) == ["one", "two"]


def test_a_clock_that_is_stopped_keeps_what_is_due() -> None:
    """Stopping a running clock turns its agenda into steps."""

    async def act() -> int:
        clock = Clock()
        clock.later(10, lambda: None)
        clock.stop()
        return clock.advance(11)

    assert asyncio.run(act()) == 1


def test_times_are_told_in_utc_with_a_shift() -> None:
    """RFC 3339, milliseconds, Z."""
    clock = Clock(stepped=0.25)
    clock.shift = 60
    assert clock.iso() == "1970-01-01T00:01:00.250Z"


def test_ids_have_the_shapes_asked_for() -> None:
    """And a seed repeats them."""
    ids = Ids(7)
    made = (ids.hex(33), ids.upper_hex(8), ids.uuid(), ids.digits(12))
    assert [len(one) for one in made] == [33, 8, 36, 12]
    assert (made[2][14], made[2][19] in "89ab", made[3].isdigit()) == ("4", True, True)
    again = Ids(7)
    assert made == (again.hex(33), again.upper_hex(8), again.uuid(), again.digits(12))


def test_hosts_are_found_in_any_case_with_their_region() -> None:
    """Placeholders stand for one label."""
    hosts = Hosts([loading.load("toy", [PROVIDERS])[1]])
    found = {name: hosts.owner(name) for name in ("API.toy.example.", "api.us.toy.example", "api.a.b.toy.example", "toy.example")}
    assert [(owner.provider, owner.region) if owner else None for owner in found.values()] == [
        ("toy", "eu"), ("toy", "us"), None, None,
    ]


def test_host_headers_are_taken_apart() -> None:
    """Ports and bracketed addresses."""
    assert [split_host(one) for one in ("a:1", "[::1]:80", "a", "")] == [("a", 1), ("::1", 80), ("a", None), ("", None)]
    assert [is_loopback(one) for one in ("localhost", "127.9.9.9", "::1", "x.localhost", "10.0.0.1", "a.b")] == [
        True, True, True, True, False, False,
    ]


def test_form_fields_are_decoded_in_order() -> None:
    """Blank values, missing signs, repeated names, broken escapes and broken UTF-8."""
    assert pairs("a=1&b=&c&a=%2B1+2&d=%zz&e=%ff") == [
        ("a", "1"), ("b", ""), ("c", ""), ("a", "+1 2"), ("d", "%zz"), ("e", "\ufffd"),
    ]


def test_a_provider_beside_its_pack_is_loaded_and_listed() -> None:
    """A folder with a pack and a fake.py is all a provider needs."""
    assert "toy" in loading.names([PROVIDERS])
    fake, pack = loading.load("toy", [PROVIDERS])
    assert (fake.provider, pack.id) == ("toy", "toy")


def test_a_pack_without_a_fake_says_so(tmp_path: Path) -> None:
    """The message names what can be played."""
    (tmp_path / "toy").mkdir()
    for name in ("provider.yaml", "errors.yaml", "senders.yaml", "openapi.yaml", "signing.py"):
        (tmp_path / "toy" / name).write_bytes((PROVIDERS / "toy" / name).read_bytes())
    with pytest.raises(Problem, match="has a pack but no fake"):
        loading.load("toy", [tmp_path])


def test_a_fake_that_plays_what_is_not_described_is_refused(tmp_path: Path) -> None:
    """The openapi document and the fake name the same operations."""
    (tmp_path / "toy").mkdir()
    for file in (PROVIDERS / "toy").glob("*.*"):
        (tmp_path / "toy" / file.name).write_bytes(file.read_bytes().replace(b"operationId: bulk", b"operationId: mass"))
    with pytest.raises(Problem, match="does not describe: bulk"):
        loading.load("toy", [tmp_path])
