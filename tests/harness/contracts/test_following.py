"""Calls about an earlier message are no contract of their own; answers in XML and links to the provider are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otpgate import gate
from otpgate.config.model import Gateway
from otpgate.contracts.following import alone
from otpgate.contracts.shaping import Shaper
from otpgate.contracts.volatile import canonical
from otpgate_contracts import loading
from otpgate_contracts.admin import Exchange
from otpgate_contracts.wire import Judge

MADE, OTHER = "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "9f8e7d6c5b4a39281706f5e4d3c2b1a0"


@pytest.fixture
def gateway(project: Path) -> Gateway:
    return gate.open_manifest(project / "otpgate.yaml").gateways["primary"]


def call(sequence: int, operation: str, **more: Any) -> Exchange:
    return Exchange(**{
        "id": f"ex_{sequence}", "sequence": sequence, "at": "", "kind": "call", "provider": "twilio", "gateway": "primary",
        "operation": operation, "method": "POST", "url": "/send", "host": "", "request_headers": {}, "request_body": "", "status": 200,
        "response_headers": {}, "response_body": "", "seconds": 0.0, **more,
    })


FIRST = call(1, "send", message="msg_1", accepted=True, to="+447400123456", response_body=f'{{"id": "{MADE}"}}')


@pytest.mark.parametrize("later", [
    call(2, "check", url=f"/check/{MADE}"), call(2, "check", request_body=f'{{"id": "{MADE}"}}'), call(2, "check", to="+447400123456"),
    call(2, "resend", url=f"/resend/{MADE}", message="msg_2", accepted=True),
], ids=["path", "body", "number", "resend"])
def test_a_call_about_an_earlier_message_is_left_out(gateway: Gateway, later: Exchange) -> None:
    """Made again by itself it would be answered otherwise."""
    assert alone([later, FIRST], gateway) == [FIRST]


@pytest.mark.parametrize("later", [
    call(2, "check", url=f"/check/{OTHER}"), call(2, "send", accepted=False, to="+447400123456"), call(2, "balance"),
], ids=["unknown id", "refused send", "account"])
def test_a_call_that_stands_alone_stays(gateway: Gateway, later: Exchange) -> None:
    """A check of an unknown id, a refused send to the same number and a question about the account."""
    assert alone([FIRST, later], gateway) == [FIRST, later]


def test_an_id_the_account_has_is_no_message(gateway: Gateway) -> None:
    """An answer may name what is deployed; a question about that stands alone."""
    account = gateway.text("account_sid") or ""
    told = call(1, "send", message="msg_1", accepted=True, response_body=f'{{"account": "{account}"}}')
    question = call(2, "account", url=f"/Accounts/{account}")
    assert alone([told, question], gateway) == [told, question]


@pytest.fixture
def shaper() -> Shaper:
    return Shaper(judge=Judge(loading.openapi(loading.pack("twilio"))), numbers={}, origin="https://api.example.com")


def test_xml_is_shaped_by_element(shaper: Shaper) -> None:
    """Ids change, other texts keep their type, and the path names the namespace."""
    shaped = shaper.body(f'<A xmlns="urn:x"><Id>{MADE}</Id><Word>queued</Word></A>', "text/xml", {})
    assert shaped is not None
    assert shaped.content == f'<A xmlns="urn:x"><Id>{"0" * 31}1</Id><Word>queued</Word></A>'
    rules = {path: rule["matchers"][0]["match"] for path, rule in shaped.rules.items()}
    assert rules == {"$['urn:x:A']['urn:x:Id']['#text']": "regex", "$['urn:x:A']['urn:x:Word']['#text']": "type"}


def test_xml_that_cannot_be_read_is_no_body(shaper: Shaper) -> None:
    """Half a document has no shape."""
    assert shaper.body("<A><B>", "text/xml", {}) is None


def test_a_link_to_the_provider_may_lead_to_any_host(shaper: Shaper) -> None:
    """What stands behind the host stays; a link elsewhere stays whole."""
    shaped = shaper.body(f'{{"href": "https://api.example.com/v/{MADE}", "docs": "https://docs.example.org/v"}}', "application/json", {})
    assert shaped is not None
    (_, link), (other,) = shaped.rules["$.href"]["matchers"], shaped.rules["$.docs"]["matchers"]
    assert link["regex"] == "^https?://[^/]+/v/[0-9a-f]{32}$"
    assert other == {"match": "type"}


@pytest.mark.parametrize(("text", "pattern"), [
    ("2a611738b9890d0c442470cv73c32075", "^[0-9a-z]{32}$"), ("01HXYZ3NDEKTSV4RRFFQ69G5FAV", "^[0-9A-Z]{27}$"), ("verificationinprogress", None),
    ("accepted4processing", None),
])
def test_long_words_of_letters_and_digits_are_ids(text: str, pattern: str | None) -> None:
    """Of one case and 24 characters or more; a shorter word, or one without a digit, is a word."""
    assert canonical(text, {}).pattern == pattern
