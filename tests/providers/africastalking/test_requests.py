"""What a call may look like, what its answer looks like, and what nobody should send."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import otpgate_fakes.africastalking
from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from otpgate_fakes.africastalking import FAKE
from tests.providers.africastalking.conftest import KE, KE2, KEY, OTHER_KEY, TEXT, USER, At, data_of, fields_of, gateway
from tests.providers.conftest import Start

PACK = loading.pack("africastalking")
JUDGE = Judge(loading.openapi(PACK))
OPERATIONS = {one.id: one for one in JUDGE.endpoints.values() if not one.webhook}
SANDBOX_KEY = "atsk_" + "5a5b5c5d5e5f6a6b" * 4


def test_operations_are_described() -> None:
    """The fake plays exactly what openapi.yaml describes, on hosts of the provider, and every question is one of them."""
    assert {operation.id for operation in FAKE.operations} == set(OPERATIONS)
    assert {name for one in OPERATIONS.values() for name in one.hosts} <= {host.name for host in PACK.provider.hosts}
    assert {question.operation for question in PACK.provider.account_api} == set(OPERATIONS) - {"send_messages", "send_bulk"}


def test_every_fact_has_a_source() -> None:
    """Errors, hosts, settings and quirks all say why we believe them."""
    provider = PACK.provider
    facts = [
        *PACK.errors, *PACK.senders.kinds, *PACK.senders.rules, *provider.hosts, *provider.settings, *provider.credentials,
        *provider.lifecycle.states, *provider.webhooks, *provider.sdks, *provider.account_api, *provider.quirks,
    ]
    assert [fact for fact in facts if not fact.source] == []


@pytest.mark.parametrize("file", sorted(Path(otpgate_fakes.africastalking.__file__).parent.glob("*.py")), ids=lambda file: file.stem)
def test_codes_are_in_the_catalogue(file: Path) -> None:
    """Every code a module refuses with is a row of errors.yaml."""
    codes = set(re.findall(r'(?:Refused|refuse)\(\s*"([^"]+)"', file.read_text())) | set(re.findall(r'doom="(\d+)"', file.read_text()))
    assert codes <= {row.code for row in PACK.errors}


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/version1/messaging", {"data": {"username": USER, "to": f"{KE},{KE2}", "message": TEXT, "from": "ACME", "enqueue": 1}}),
    ("POST", "/version1/messaging", {"data": {"username": USER, "to": KE, "message": TEXT, "from": "NOPE"}}),
    ("POST", "/version1/messaging", {"data": {"username": USER, "to": KE}}),
    ("POST", "/version1/messaging/bulk", {"json": {"username": USER, "phoneNumbers": [KE], "message": TEXT, "senderId": "ACME"}}),
    ("GET", f"/version1/messaging?username={USER}&lastReceivedId=0", {}), ("GET", f"/version1/user?username={USER}", {}),
    ("GET", "/version1/user", {}), ("GET", f"/version1/user?username={USER}", {"key": OTHER_KEY}),
]


@pytest.mark.parametrize(("method", "path", "options"), CALLS)
def test_answers_fit_our_document(at: At, method: str, path: str, options: dict[str, Any]) -> None:
    """Every answer, refusals included, fits otpgate's own description of it."""
    answer = at.call(method, path, **options)
    found = JUDGE.match(method, path.partition("?")[0])
    assert found is not None
    assert JUDGE.response(found[0], answer.status_code, answer.content, answer.headers["content-type"]) == []


@pytest.mark.parametrize(("enqueue", "code"), [(None, 102), ("1", 102), ("0", 101)])
def test_queued_unless_switched_off(at: At, enqueue: str | None, code: int) -> None:
    """102 by default; 101 for a call that waits for the network. The word is the same."""
    (entry,) = data_of(at.send(enqueue=enqueue))["Recipients"]
    assert (entry["status"], entry["statusCode"]) == ("Success", code)


def test_parts_are_counted_and_paid(at: At) -> None:
    """Two segments cost twice as much, and the answer says how many there are."""
    at.state(balance={"amount": "42", "currency": "KES"})
    data = data_of(at.send(message="1" * 161))
    assert data["Message"] == "Sent to 1/1 Total Cost: KES 1.6000 Message parts: 2"
    assert data["Recipients"][0]["cost"] == "KES 1.6000"


def test_premium_message_costs_nothing(at: At) -> None:
    """bulkSMSMode 0: the subscriber pays."""
    data = data_of(at.send(bulkSMSMode=0, keyword="OTP", **{"from": "20880"}))
    assert (data["Message"], data["Recipients"][0]["cost"]) == ("Sent to 1/1", "0")


def test_without_a_sender_the_shared_one_is_used(at: At) -> None:
    """No complaint, only another name on the phone; the exchange has a note of it."""
    for sender in (None, "", "AFRICASTKNG"):
        assert data_of(at.send(**{"from": sender}))["Recipients"][0]["status"] == "Success"
        assert at.last()["from"] == "AFRICASTKNG"
    assert any("AFRICASTKNG" in note for one in at.fakes.exchanges() for note in one["notes"])


def test_first_promotional_message_grows(at: At) -> None:
    """The way to opt out stands behind it: a text near the limit takes two parts, once; a transactional sender is spared."""
    text = f"{TEXT}. {'x' * 130}"
    parts = [data_of(at.send(message=text, **{"from": sender}))["Message"][-1] for sender in ("ACME", "ACMEPROMO", "ACMEPROMO")]
    assert parts == ["1", "2", "1"]
    assert "STOP" in at.fakes.messages()[1]["text"]


def test_bulk_takes_json_and_a_form(at: At) -> None:
    """A list of numbers in JSON; the Python SDK's form for hashed numbers is read, and the hash is no number."""
    assert [one["number"] for one in data_of(at.bulk(phoneNumbers=[KE, KE2]))["Recipients"]] == [KE, KE2]
    hashed = {"username": USER, "maskedNumber": "9f86d081884c7d65", "telco": "Safaricom", "message": TEXT, "senderId": "ACME"}
    (entry,) = data_of(at.call("POST", "/version1/messaging/bulk", data=hashed))["Recipients"]
    assert (entry["number"], entry["statusCode"]) == ("9f86d081884c7d65", 403)


@pytest.mark.parametrize("accept", ["application/xml", "*/*", ""])
def test_xml_unless_json_is_asked_for(at: At, accept: str) -> None:
    """A client that names no JSON gets XML, without status codes."""
    answer = at.call("POST", "/version1/messaging", data={"username": USER, "to": KE, "message": TEXT}, headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/xml")
    root = ElementTree.fromstring(answer.text)
    assert (root.tag, root.findtext("SMSMessageData/Recipients/Recipient/status")) == ("AfricasTalkingResponse", "Success")
    asked = at.call("GET", f"/version1/user?username={USER}", headers={"Accept": accept})
    assert (ElementTree.fromstring(asked.text).findtext("UserData/balance") or "").startswith("USD 42.")


def test_balance_is_text_with_its_currency(at: At) -> None:
    """Four decimals, what was spent taken off; a thousand where nobody says."""
    user = f"/version1/user?username={USER}"
    assert at.call("GET", user).json() == {"UserData": {"balance": "USD 42.5000"}}
    at.send()
    assert at.call("GET", user).json() != {"UserData": {"balance": "USD 42.5000"}}
    at.state(balance={})
    assert at.call("GET", user).json() == {"UserData": {"balance": "USD 1000.0000"}}


def test_sandbox_is_chosen_by_the_username(at: At, listener: Any, start_fakes: Start, listening: Any) -> None:
    """The sandbox takes its own user alone and reports its own network; the live system does not know that user."""
    state = {"provider": "africastalking", "credentials": [{"id": "sandbox", "secret": SANDBOX_KEY}],
             "callbacks": {"status": "https://otp.example.com/sandbox"}}
    sandbox = gateway(name="sandbox", account=state, secrets={"api_key": SANDBOX_KEY}, settings={"username": "sandbox"})
    fakes = start_fakes(gateways=[gateway(), sandbox], edges=[{"public": "https://otp.example.com", "upstream": listening.url}], clock="immediate")

    def status(host: str, username: str, key: str) -> int:
        answer = At(fakes=fakes).send(key=key, username=username)
        assert answer.status_code == 201
        fakes.session.proxies, fakes.session.verify = {"https": fakes.proxy}, fakes.ca
        form = {"username": username, "to": KE, "message": TEXT}
        found: int = fakes.session.post(f"https://{host}/version1/messaging", data=form, headers={"apiKey": key}, timeout=10).status_code
        fakes.session.proxies, fakes.session.verify = {}, True
        return found

    live, sand = "api.africastalking.com", "api.sandbox.africastalking.com"
    assert [status(live, USER, KEY), status(live, "sandbox", SANDBOX_KEY)] == [201, 401]
    assert [status(sand, USER, KEY), status(sand, "sandbox", SANDBOX_KEY)] == [401, 201]
    calls = listener.wait(18)
    assert {fields_of(call)["networkCode"] for call in calls if call.path == "/sandbox"} == {"99999"}
    assert {fields_of(call)["networkCode"] for call in calls if call.path != "/sandbox"} == {"63902"}


def test_without_an_account_every_well_formed_key_passes(start_fakes: Start) -> None:
    """Nobody described an account: the key's form decides, and any sender will do."""
    anyone = At(fakes=start_fakes(gateways=[{"name": "at", "provider": "africastalking"}], clock="immediate"))
    assert data_of(anyone.send(key=OTHER_KEY, username="whoever", **{"from": "Anybody"}))["Recipients"][0]["statusCode"] == 102
    assert anyone.send(key="short").status_code == 401


def test_key_is_in_no_record(at: At) -> None:
    """The header of a call, taken or refused, is recorded without its key."""
    at.send()
    at.send(key=OTHER_KEY)
    told = [one["request_headers"]["apikey"] for one in at.fakes.exchanges()[-2:]]
    assert told == ["[redacted]"] * 2
