"""Receipts come as described: method, fields, words; to the URL of the call, or the one that was entered at the gateway."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from otpgate_contracts import loading
from otpgate_contracts.describing import described
from otpgate_contracts.wire import Judge
from otpgate_fakes.core.fake import Send
from otpgate_fakes.http import fake_for
from tests.providers.conftest import PUBLIC, Listener, Start
from tests.providers.http.bench import QUERY, REST, TOKEN, US, changed, gateway

HOOK = f"{PUBLIC}/receipts/own"
RECEIPTS: list[tuple[dict[str, Any], str, str]] = [
    ({"method": "GET", "id": "mid", "status": "st", "delivered": "DELIVRD", "failed": ["UNDELIV"]}, "GET", "query"),
    ({"method": "POST", "id": "mid", "status": "st", "delivered": ["1", "2"], "failed": ["3"]}, "POST", "form"),
    ({"id": "mid", "status": "st", "delivered": "ok", "failed": ["no"], "format": "json"}, "POST", "json"),
    ({"id": "results[0].id", "status": "results[0].state.name", "delivered": "ok", "failed": ["no", "expired"]}, "POST", "json"),
]


def said(call: Any, form: str) -> tuple[str, str]:
    """Id and status of a receipt, wherever they stand."""
    if form == "json":
        body = json.loads(call.body)
        if "results" in body:
            return body["results"][0]["id"], body["results"][0]["state"]["name"]
        return body["mid"], body["st"]
    fields = parse_qs(urlsplit(call.path).query if form == "query" else call.body.decode())
    return fields["mid"][0], fields["st"][0]


@pytest.fixture(scope="module")
def fakes(start_fakes: Start, listening: Listener) -> Any:
    """One process with a gateway for each form of receipts."""
    gateways = [
        gateway(
            changed(REST, request={**REST["request"], "url": f"https://sms{n}.acme.example/v1/messages"}, receipt=receipt),
            name=f"own{n}", provider=f"http-own{n}", account={"provider": f"http-own{n}", "callbacks": {"status": HOOK}},
        )
        for n, (receipt, _, _) in enumerate(RECEIPTS)
    ]
    return start_fakes(gateways=gateways, edges=[{"public": PUBLIC, "upstream": listening.url}], clock="immediate")


def send(fakes: Any, n: int) -> str:
    answer = fakes.call(
        f"http-own{n}", "POST", "/v1/messages", headers={"Authorization": f"Bearer {TOKEN}", "X-Account": "4711"},
        json={"to": US, "from": "+12025550143", "message": {"text": "271828 is your code"}, "kind": "otp"},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["id"])


@pytest.mark.parametrize("n", range(len(RECEIPTS)))
@pytest.mark.parametrize("outcome", ["delivered", "failed"])
def test_a_receipt_has_the_described_form(fakes: Any, listener: Listener, n: int, outcome: str) -> None:
    """The id the answer gave, and the first word of its outcome, where the description puts them."""
    receipt, method, form = RECEIPTS[n]
    fakes.faults(*([{"fault": "accept_then_fail"}] if outcome == "failed" else []))
    id = send(fakes, n)
    call = listener.wait(1)[0]
    words = receipt[outcome] if isinstance(receipt[outcome], list) else [receipt[outcome]]
    assert (call.method, said(call, form)) == (method, (id, words[0]))
    fakes.faults()


@pytest.mark.parametrize("n", range(len(RECEIPTS)))
def test_a_receipt_fits_its_document(fakes: Any, listener: Listener, n: int) -> None:
    """What is sent is what the gateway's document says."""
    send(fakes, n)
    call = listener.wait(1)[0]
    document = described(loading.pack("http"), "http", changed(REST, receipt=RECEIPTS[n][0])).document
    assert document is not None
    pairs = [(name, value) for name, values in parse_qs(urlsplit(call.path).query).items() for value in values]
    assert Judge(document).request("receive_receipt", pairs, call.headers, call.body, call.headers.get("content-type", "")) == []


class Told:
    """As much of a context as the URL of a receipt needs."""

    def __init__(self, account: str | None, configured: str | None) -> None:
        self.account = None if account is None else type("State", (), {"callbacks": type("Callbacks", (), {"status": account})})
        self.configured = configured

    def setting(self, name: str, default: object = None) -> object:
        return self.configured if name == "status_callback" else default


@pytest.mark.parametrize(("about", "callback", "account", "configured", "url"), [
    (REST, "https://a.example/x", "https://b.example", "https://c.example", "https://a.example/x"),
    (REST, None, "https://b.example", "https://c.example", "https://b.example"),
    (REST, None, None, "https://c.example", None),
    (QUERY, None, None, "https://c.example", "https://c.example"),
    (changed(QUERY, receipt=None), None, "https://b.example", "https://c.example", None),
])
def test_where_receipts_go(about: dict[str, Any], callback: str | None, account: str | None, configured: str | None, url: str | None) -> None:
    """The call's own URL; else the account's; the configured one only where a call has no field for it."""
    fake = fake_for(described(loading.pack("http"), "http", about))
    message: Any = type("Sent", (), {"send": Send(to=US, recipient=US, sender=None, text="", callback=callback)})
    context: Any = Told(account, configured)
    found = fake.receipt_url(context, message)
    assert (found[0] if found else None) == url
