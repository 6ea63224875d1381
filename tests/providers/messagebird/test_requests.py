"""What a call may look like, what its answer looks like, and what nobody should send."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import otpgate_fakes.messagebird
from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from otpgate_fakes.messagebird import FAKE
from tests.providers.conftest import Start
from tests.providers.messagebird.conftest import KEY, NL, PUBLIC, TEXT, Bird, gateway

PACK = loading.pack("messagebird")
JUDGE = Judge(loading.openapi(PACK))
OPERATIONS = {
    operation["operationId"]: item
    for item in loading.openapi(PACK)["paths"].values()
    for operation in item.values()
    if isinstance(operation, dict) and "operationId" in operation
}
JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}


def test_operations_are_described() -> None:
    """The fake plays exactly what openapi.yaml describes, on hosts of the provider, and every question is one of them."""
    assert {operation.id for operation in FAKE.operations} == set(OPERATIONS)
    assert {item["x-otpgate-host"] for item in OPERATIONS.values()} <= {host.name for host in PACK.provider.hosts}
    assert {question.operation for question in PACK.provider.account_api} == set(OPERATIONS) - {
        "send_message", "delete_message", "create_verify", "read_verify", "delete_verify",
    }


def test_every_fact_has_a_source() -> None:
    """Errors, hosts, settings and quirks all say why we believe them."""
    provider = PACK.provider
    facts = [
        *PACK.errors, *PACK.senders.kinds, *PACK.senders.rules, *provider.hosts, *provider.settings, *provider.credentials,
        *provider.lifecycle.states, *provider.webhooks, *provider.limits.throughput, *provider.test_values, *provider.sdks,
        *provider.account_api, *provider.quirks,
    ]
    assert [fact for fact in facts if not fact.source] == []


@pytest.mark.parametrize("file", sorted(Path(otpgate_fakes.messagebird.__file__).parent.glob("*.py")), ids=lambda file: file.stem)
def test_codes_are_in_the_catalogue(file: Path) -> None:
    """Every code a module refuses with is a row of errors.yaml."""
    codes = set(re.findall(r'(?:Refused|refuse)\(\s*"(\d+)"', file.read_text()))
    assert codes <= {row.code for row in PACK.errors}


def test_answers_fit_our_document(bird: Bird) -> None:
    """Every answer, refusals included, fits otpgate's own description of it."""
    sent = bird.send(reportUrl=f"{PUBLIC}/own", validity=300, mclass=1).json()
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/messages", {"json": {"originator": "ACME", "recipients": [int(NL)], "body": TEXT, "type": "flash"}}),
        ("POST", "/messages", {"json": {"originator": "ACME", "recipients": NL, "body": "ff00", "type": "binary"}}),
        ("POST", "/messages", {"data": {"originator": "ACME", "recipients": NL, "body": TEXT}}),
        ("POST", "/messages", {"json": {}}), ("GET", "/messages", {}), ("GET", "/messages?limit=1&offset=1", {}),
        ("GET", f"/messages/{sent['id']}", {}), ("GET", "/messages/unknown", {}), ("GET", "/balance", {}),
        ("GET", f"/lookup/{NL}", {}), ("GET", "/lookup/1", {}), ("GET", "/v1/phone-numbers", {}),
        ("GET", "/v1/phone-numbers/12025550187", {}), ("DELETE", f"/messages/{sent['id']}", {}),
    ]
    for method, path, options in calls:
        answer = bird.call(method, path, **options)
        found = JUDGE.match(method, path.partition("?")[0])
        assert found is not None
        assert JUDGE.response(found[0], answer.status_code, answer.content) == [], f"{method} {path}"


def test_recipient_is_an_integer_and_networks_are_text(bird: Bird) -> None:
    """What a client that expects text stumbles over, and the leading zero of a network code."""
    (item,) = bird.send().json()["recipients"]["items"]
    assert item["recipient"] == int(NL)
    assert (item["recipientCountry"], item["recipientCountryPrefix"], item["mccmnc"], item["mnc"]) == ("Netherlands", 31, "20404", "04")
    assert set(item["price"]) == {"amount", "currency"}


def test_plus_is_tolerated_unless_strict(bird: Bird) -> None:
    """A leading + is dropped and noted; an account with strict_numbers finds no correct recipient."""
    assert bird.send(recipients=f"+{NL}").status_code == 201
    assert any("+" in note for note in bird.fakes.exchanges()[-1]["notes"])
    bird.state(settings={"strict_numbers": True})
    assert bird.send(recipients=f"+{NL}").json()["errors"][0]["code"] == 9


def test_list_pages(bird: Bird) -> None:
    """Newest first, with links to the other pages."""
    ids = [bird.send(reference=str(index)).json()["id"] for index in range(3)]
    page = bird.call("GET", "/messages?limit=2&offset=0").json()
    assert [one["id"] for one in page["items"]] == ids[:0:-1]
    assert (page["count"], page["totalCount"]) == (2, 3)
    assert page["links"]["previous"] is None
    assert page["links"]["next"].endswith("limit=2&offset=2")


def test_message_of_another_account_is_not_found(start_fakes: Start) -> None:
    """Two gateways do not see each other's messages."""
    other = "zB3dE5fG7hJ9kL1mN3pQ5rS7t"
    second = gateway(name="other", account={"provider": "messagebird", "credentials": [{"id": "x", "secret": other}]},
                     secrets={"access_key": other})
    both = Bird(fakes=start_fakes(gateways=[gateway(), second], clock="immediate"))
    sent = both.send().json()["id"]
    assert both.call("GET", f"/messages/{sent}").status_code == 200
    assert both.call("GET", f"/messages/{sent}", key=other).json()["errors"][0]["code"] == 20


def test_without_an_account_every_well_formed_key_passes(start_fakes: Start) -> None:
    """Nobody described an account: the key's form decides, and any sender will do."""
    anyone = Bird(fakes=start_fakes(gateways=[{"name": "bird", "provider": "messagebird"}], clock="immediate"))
    assert anyone.send(key="live_gB3dE5fG7hJ9kL1mN3pQ5rS7t", originator="Anybody").status_code == 201
    assert anyone.send(key="short").status_code == 401


BODIES: list[tuple[dict[str, str], bytes]] = [
    (JSON, b""), (JSON, b"null"), (JSON, b"[]"), (JSON, b'"text"'), (JSON, b"{"), (JSON, b"\xff\xfe"),
    (JSON, b'{"originator":{"a":1},"recipients":{"b":2},"body":7}'), (JSON, b'{"recipients":[null,[],{}],"originator":null}'),
    (JSON, b'{"originator":"A","recipients":"31612345678","body":"x","validity":1e400}'),
    (JSON, b'{"originator":"A","recipients":"31612345678","body":"x","datacoding":[]}'),
    (JSON, b'{"originator":"A","recipients":"31612345678","body":"x","type":{},"typeDetails":"x"}'),
    (JSON, b'{"originator":"A","recipients":"31612345678","body":"zz","type":"binary"}'),
    (JSON, b'{"originator":"A","recipients":"31612345678","body":"x","scheduledDatetime":{}}'),
    (FORM, b"%ff%fe=%zz&&=&to"), (FORM, "originator=A&recipients=٣١٦&body=x&validity=²".encode()),
    ({"Content-Type": "text/plain"}, b"\x00\x01"), ({}, b"originator=A"),
]


@pytest.mark.parametrize(("headers", "body"), BODIES)
def test_broken_body_is_refused(bird: Bird, headers: dict[str, str], body: bytes) -> None:
    """A body that is no message is a 400 or a 422 with a complaint, never a crash of the fake."""
    answer = bird.call("POST", "/messages", data=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["errors"][0]["code"] in (9, 10, 21)


@pytest.mark.parametrize("header", ["", "AccessKey", "AccessKey ", f"Bearer {KEY}", f"Basic {KEY}", f"AccessKey '{KEY}'", f"AccessKey{KEY}"])
def test_broken_authorization_is_refused(bird: Bird, header: str) -> None:
    """Anything but the scheme word and the key is a 401."""
    assert bird.call("GET", "/balance", key=None, headers={"Authorization": header}).status_code == 401


def test_body_over_64_kilobytes_is_refused(bird: Bird) -> None:
    """A body beyond the limit is not read."""
    assert bird.send(body="x" * 70_000).status_code == 413
