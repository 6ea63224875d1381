"""What a call may look like, what its answer looks like, and what nobody should send."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import otpgate_fakes.infobip
from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from otpgate_fakes.infobip import FAKE
from tests.providers.conftest import Start
from tests.providers.infobip.conftest import CH, GB, KEY, PUBLIC, TEXT, US, Bip, account

PACK = loading.pack("infobip")
JUDGE = Judge(loading.openapi(PACK))
OPERATIONS = {
    operation["operationId"]: item
    for item in loading.openapi(PACK)["paths"].values()
    for operation in item.values()
    if isinstance(operation, dict) and "operationId" in operation
}
JSON = {"Content-Type": "application/json"}


def test_operations_are_described() -> None:
    """The fake plays exactly what openapi.yaml describes, and every question is one of them."""
    assert {operation.id for operation in FAKE.operations} == set(OPERATIONS)
    assert {question.operation for question in PACK.provider.account_api} == set(OPERATIONS) - {
        "send_v3", "send_v2", "send_pin", "resend_pin", "verify_pin",
    }


def test_every_fact_has_a_source() -> None:
    """Errors, hosts, settings and quirks all say why we believe them."""
    provider = PACK.provider
    facts = [
        *PACK.errors, *PACK.senders.kinds, *PACK.senders.rules, *provider.hosts, *provider.settings, *provider.credentials,
        *provider.lifecycle.states, *provider.webhooks, *provider.sdks, *provider.account_api, *provider.quirks,
    ]
    assert [fact for fact in facts if not fact.source] == []


@pytest.mark.parametrize("file", sorted(Path(otpgate_fakes.infobip.__file__).parent.glob("*.py")), ids=lambda file: file.stem)
def test_codes_are_in_the_catalogue(file: Path) -> None:
    """Every code a module refuses with is a row of errors.yaml."""
    codes = set(re.findall(r'Refused\(\s*"(\w+)"', file.read_text()))
    assert codes <= {row.code for row in PACK.errors}


def test_statuses_of_answers_are_states(bip: Bip) -> None:
    """Every state of the lifecycle has a number and a group of its own."""
    numbers = {row.state for row in PACK.errors if row.code.isdigit()}
    known = {"PENDING_ACCEPTED", "PENDING_ENROUTE", "PENDING_WAITING_DELIVERY", "DELIVERED_TO_OPERATOR", "DELIVERED_TO_HANDSET"}
    assert {state.name for state in PACK.provider.lifecycle.states} == numbers | known


def test_answers_fit_our_document(bip: Bip) -> None:
    """Every answer, refusals and rejections included, fits otpgate's own description of it."""
    bip.send(id="otp-1", options={"validityPeriod": {"amount": 5}}, webhooks={"delivery": {"url": f"{PUBLIC}/own"}})
    bip.send(id="otp-2", to=US)
    message = {"sender": "ACME", "destinations": [{"to": CH}, {"to": GB}], "content": {"text": TEXT}}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/sms/3/messages", {"json": {"messages": [message], "options": {"includeSmsCountInResponse": True}}}),
        ("POST", "/sms/3/messages", {"json": {"messages": [{**message, "destinations": [{"to": "079"}]}]}}),
        ("POST", "/sms/3/messages", {"json": {}}), ("POST", "/sms/2/text/advanced", {"json": {}}),
        ("POST", "/sms/2/text/advanced", {"json": {"includeSmsCountInResponse": True, "type": "text", "messages": [
            {"from": "ACME", "destinations": [{"to": CH}], "text": TEXT}]}}),
        ("POST", "/sms/2/text/advanced", {"json": {"messages": [{"from": "ACME", "destinations": [{"to": ""}], "text": TEXT}]}}),
        ("POST", "/sms/1/preview", {"json": {"text": "Grüße – ş", "transliteration": "TURKISH"}}), ("POST", "/sms/1/preview", {"json": {}}),
        ("GET", "/sms/3/reports", {}), ("GET", "/sms/3/logs", {}), ("GET", "/sms/3/logs?limit=x", {}), ("GET", "/account/1/balance", {}),
        ("GET", "/account/1/total-balance", {}), ("GET", "/settings/2/api-keys", {}), ("GET", "/numbers/1/numbers", {}),
        ("GET", "/subscriptions/1/subscription/SMS", {}), ("GET", "/subscriptions/1/subscription/SMS", {"key": None}),
    ]
    for method, path, options in calls:
        answer = bip.call(method, path, **options)
        found = JUDGE.match(method, path.partition("?")[0])
        assert found is not None
        assert JUDGE.response(found[0], answer.status_code, answer.content) == [], f"{method} {path}: {answer.text}"


def test_account_questions(bip: Bip) -> None:
    """Balance, numbers, keys and subscriptions as the account state says."""
    assert bip.call("GET", "/account/1/balance").json() == {"balance": 47.79134, "currency": "EUR"}
    (number,) = bip.call("GET", "/numbers/1/numbers").json()["numbers"]
    assert (number["number"], number["country"], number["capabilities"]) == ("12025550187", "US", ["SMS", "VOICE"])
    keys = bip.call("GET", "/settings/2/api-keys")
    assert [(one["name"], one["enabled"]) for one in keys.json()["apiKeys"]] == [("production", True)]
    assert KEY not in keys.text
    (subscription,) = bip.call("GET", "/subscriptions/1/subscription/SMS").json()
    assert subscription["profile"]["webhook"]["notifyUrl"] == f"{PUBLIC}/webhooks/infobip"
    assert subscription["profile"]["security"] == {"type": "HMAC", "credentials": {"algorithm": "HMAC_SHA_256"}}


def test_many_destinations_share_a_bulk(bip: Bip) -> None:
    """Two destinations are two messages with ids of their own under one bulk, in the order they were named."""
    message = {"sender": "ACME", "destinations": [{"to": CH}, {"to": GB}], "content": {"text": TEXT}}
    answer = bip.call("POST", "/sms/3/messages", json={"messages": [message]}).json()
    assert [one["destination"] for one in answer["messages"]] == [CH, GB]
    assert len({one["messageId"] for one in answer["messages"]}) == 2
    logs = bip.call("GET", f"/sms/3/logs?bulkId={answer['bulkId']}").json()["results"]
    assert sorted(one["destination"] for one in logs) == sorted([CH, GB])


def test_plus_is_tolerated_unless_strict(bip: Bip) -> None:
    """A leading + is dropped and noted; an account with strict_numbers rejects it inside a 200."""
    assert bip.send(to=f"+{CH}").json()["messages"][0]["status"]["groupName"] == "PENDING"
    assert any("+" in note for note in bip.fakes.exchanges()[-1]["notes"])
    bip.state(settings={"strict_numbers": True})
    assert bip.send(to=f"+{CH}").json()["messages"][0]["status"]["groupName"] == "REJECTED"


def test_validity_over_two_days_is_clipped(bip: Bip) -> None:
    """v2 reads minutes: 3000 silently become 2880, and the exchange says so; v3 has units."""
    assert bip.older(validityPeriod=3000).status_code == 200
    assert any("48 hours" in note for note in bip.fakes.exchanges()[-1]["notes"])
    bip.send(options={"validityPeriod": {"amount": 300, "timeUnit": "SECONDS"}})
    assert bip.fakes.exchanges()[-1]["notes"] == []


def test_scheduled_message_waits(bip: Bip) -> None:
    """A message for later is taken and stays where it is; one for the past leaves at once."""
    for at, status in (("2099-01-01T00:00:00.000+0000", "PENDING_WAITING_DELIVERY"), ("2020-01-01T00:00:00.000+0000", "DELIVERED_TO_HANDSET")):
        bip.older(sendAt=at)
        bip.call("GET", "/account/1/balance")
        assert bip.last()["status"] in (status, "DELIVERED_TO_OPERATOR", "PENDING_ACCEPTED")
        assert (bip.last()["status"] == "PENDING_WAITING_DELIVERY") is (status == "PENDING_WAITING_DELIVERY")


def test_flood_filter_can_be_switched_off(bip: Bip) -> None:
    """An account without the filter takes more than twenty messages to one number."""
    bip.state(settings={"flood_filter": False})
    assert {bip.send().json()["messages"][0]["status"]["name"] for _ in range(22)} == {"PENDING_ACCEPTED"}


def test_without_an_account_every_well_formed_key_passes(start_fakes: Start) -> None:
    """Nobody described an account: the key's form decides, any host and any sender will do, and nothing is filtered."""
    anyone = Bip(fakes=start_fakes(gateways=[{"name": "bip", "provider": "infobip"}], clock="immediate"))
    assert {anyone.send(sender="Anybody").json()["messages"][0]["status"]["name"] for _ in range(25)} == {"PENDING_ACCEPTED"}
    assert anyone.send(key="short").status_code == 401


BODIES: list[tuple[dict[str, str], bytes]] = [
    (JSON, b""), (JSON, b"null"), (JSON, b"[]"), (JSON, b"{"), (JSON, b"\xff\xfe"), (JSON, b'{"messages":{}}'), (JSON, b'{"messages":[null]}'),
    (JSON, b'{"messages":[{"destinations":{"to":1},"content":{"text":"x"}}]}'),
    (JSON, b'{"messages":[{"destinations":[7],"content":{"text":"x"},"text":"x"}]}'),
    (JSON, b'{"messages":[{"destinations":[{"to":["1"]}],"content":{"text":"x"},"text":"x"}]}'),
    (JSON, b'{"messages":[{"destinations":[{"to":"1"}],"content":{"text":{}},"text":{}}]}'),
    (JSON, b'{"messages":[{"destinations":[{"to":"1"}],"content":{"text":"x"},"text":"x","options":[],"regional":7}]}'),
    (JSON, b'{"messages":[{"destinations":[{"to":"1"}],"content":{"text":"x"},"text":"x","sendAt":"soon"}],"options":{"schedule":{"sendAt":"soon"}}}'),
    ({"Content-Type": "application/x-www-form-urlencoded"}, b"messages=1"), ({"Content-Type": "application/xml"}, b"<request/>"), ({}, b"{}"),
]


@pytest.mark.parametrize("path", ["/sms/3/messages", "/sms/2/text/advanced"])
@pytest.mark.parametrize(("headers", "body"), BODIES)
def test_broken_body_is_refused(bip: Bip, path: str, headers: dict[str, str], body: bytes) -> None:
    """A body that is no message is a 400 in the shape of its path, never a crash of the fake."""
    answer = bip.call("POST", path, data=body, headers=headers)
    assert answer.status_code == 400
    assert (answer.json().get("errorCode") or answer.json()["requestError"]["serviceException"]["messageId"]) in ("E400", "BAD_REQUEST")


@pytest.mark.parametrize("header", ["", "App", "App ", KEY, f"Bearer {KEY}", f"Basic {KEY}", f"App '{KEY}'", f"App{KEY}", f"IBSSO {KEY}"])
def test_broken_authorization_is_refused(bip: Bip, header: str) -> None:
    """Anything but the word App and the key is a 401."""
    assert bip.call("GET", "/account/1/balance", key=None, headers={"Authorization": header}).status_code == 401


def test_account_names_its_key_by_label(bip: Bip) -> None:
    """The id of a credential opens nothing; only the key does."""
    assert account()["credentials"][0]["id"] == "production"
    assert bip.call("GET", "/account/1/balance", key="production").status_code == 401
