"""What a call may look like, what its answer looks like, and what nobody should send."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import otpgate_fakes.telnyx
from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from otpgate_fakes.telnyx import FAKE
from tests.providers.conftest import Start
from tests.providers.telnyx.conftest import (
    GB,
    KEY,
    OTHER_KEY,
    OTHERS,
    OWNED,
    PENDING,
    PROFILE,
    SHORT_CODE,
    TEXT,
    US,
    VERIFY,
    Telnyx,
    gateway,
)

PACK = loading.pack("telnyx")
JUDGE = Judge(loading.openapi(PACK))
JSON = {"Content-Type": "application/json"}


def failed(telnyx: Telnyx) -> list[str]:
    return [note for one in telnyx.fakes.exchanges() for note in one["notes"] if "the fake failed" in note]


def test_operations_are_described() -> None:
    """The fake plays exactly what openapi.yaml describes, on hosts of the provider, and every read is a question."""
    ids = {one.id for one in JUDGE.endpoints.values() if not one.webhook}
    assert {operation.id for operation in FAKE.operations} == ids
    assert {host for one in JUDGE.endpoints.values() for host in one.hosts} == {host.name for host in PACK.provider.hosts}
    asked = {question.operation for question in PACK.provider.account_api}
    assert asked == {one.id for one in JUDGE.endpoints.values() if one.method == "GET"}


def test_every_fact_has_a_source() -> None:
    """Errors, hosts, settings and quirks all say why we believe them."""
    provider = PACK.provider
    facts = [
        *PACK.errors, *PACK.senders.kinds, *PACK.senders.rules, *provider.hosts, *provider.settings, *provider.credentials,
        *provider.lifecycle.states, *provider.webhooks, provider.limits, *provider.limits.throughput, *provider.sdks,
        *provider.account_api, *provider.quirks,
    ]
    assert [fact for fact in facts if not fact.source] == []


@pytest.mark.parametrize("file", sorted(Path(otpgate_fakes.telnyx.__file__).parent.glob("*.py")), ids=lambda file: file.stem)
def test_codes_are_in_the_catalogue(file: Path) -> None:
    """Every code a module refuses with is a row of errors.yaml."""
    codes = set(re.findall(r'(?:Refused|refuse)\(\s*"(\d+)"', file.read_text()))
    assert codes <= {row.code for row in PACK.errors}


def test_answers_fit_our_document(telnyx: Telnyx) -> None:
    """Every answer, refusals included, fits otpgate's own description of it."""
    telnyx.state(opted_out=[US])
    sent = telnyx.send(webhook_failover_url="https://otp.example.com/again", tags=["otp"], subject="x").json()["data"]["id"]
    common: dict[str, Any] = {"to": GB, "text": TEXT}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v2/messages", {"json": {**common, "from": "ACME", "messaging_profile_id": PROFILE}}),
        ("POST", "/v2/messages", {"json": {}}),
        ("POST", "/v2/messages", {"data": "x"}),
        ("POST", "/v2/messages/long_code", {"json": {**common, "from": OWNED}}),
        ("POST", "/v2/messages/short_code", {"json": {"to": US, "text": TEXT, "from": SHORT_CODE}}),
        ("POST", "/v2/messages/number_pool", {"json": {**common, "messaging_profile_id": PROFILE}}),
        ("POST", "/v2/messages/alphanumeric_sender_id", {"json": {**common, "from": "ACME", "messaging_profile_id": PROFILE}}),
        ("POST", "/v2/messages/schedule", {"json": {**common, "from": OWNED, "send_at": "2031-01-01T10:00:00Z"}}),
        ("GET", f"/v2/messages/{sent}", {}), ("GET", "/v2/messages/unknown", {}), ("GET", "/v2/balance", {}), ("GET", "/v2/balance", {"key": None}),
        ("GET", "/v2/messaging_profiles", {}), ("GET", "/v2/messaging_profiles?page[number]=2&page[size]=1", {}),
        ("GET", "/v2/messaging_profiles?page[size]=0", {}), ("GET", f"/v2/messaging_profiles/{PROFILE}", {}),
        ("GET", f"/v2/messaging_profiles/{PROFILE}/phone_numbers", {}), ("GET", f"/v2/messaging_profiles/{OTHERS}/short_codes", {}),
        ("GET", f"/v2/messaging_profiles/{PROFILE}/alphanumeric_sender_ids", {}), ("GET", "/v2/phone_numbers/messaging", {}),
        ("GET", f"/v2/phone_numbers/{OWNED}/messaging", {}), ("GET", "/v2/alphanumeric_sender_ids", {}), ("GET", "/v2/short_codes", {}),
        ("GET", "/v2/messaging_optouts", {}), ("GET", f"/v2/10dlc/phone_number_campaigns/{PENDING}", {}), ("GET", "/v2/10dlc/campaign/CABCD12", {}),
        ("GET", "/v2/10dlc/brand/BOTPGT0", {}), ("GET", "/v2/messaging_tollfree/verification/requests?page=1&page_size=20", {}),
        ("GET", f"/v2/number_lookup/{GB}", {}), ("GET", "/v2/number_lookup/1", {}),
    ]
    for method, path, options in calls:
        answer = telnyx.call(method, path, **options)
        found = JUDGE.match(method, path.partition("?")[0])
        assert found is not None, path
        assert JUDGE.response(found[0], answer.status_code, answer.content) == [], f"{method} {path}: {answer.text}"
    asked = {found[0] for method, path, _ in calls if (found := JUDGE.match(method, path.partition("?")[0])) is not None}
    assert asked == {one.id for one in FAKE.operations if one.product == "sms"}


def test_lists_are_paged_and_narrowed(telnyx: Telnyx) -> None:
    """Pages say how much there is; numbers are narrowed by profile, kind and part of the number, and sorted."""
    def asked(query: str) -> list[str]:
        return [one["phone_number"] for one in telnyx.call("GET", f"/v2/phone_numbers/messaging?{query}").json()["data"]]

    page = telnyx.call("GET", "/v2/phone_numbers/messaging?page[number]=2&page[size]=2").json()
    assert (len(page["data"]), page["meta"]) == (2, {"page_number": 2, "page_size": 2, "total_pages": 3, "total_results": 5})
    assert asked(f"filter[messaging_profile_id]={PROFILE}") == [OWNED]
    assert asked("filter[type]=tollfree") == ["+18005550123"]
    assert asked("filter[phone_number][contains]=5550189") == ["+12025550189"]
    assert asked("sort[phone_number]=desc")[0] == "+447700900001"
    assert asked(f"filter[phone_number]=%2B{PENDING[1:]}") == [PENDING]


def test_opt_outs_are_of_whomever_one_asks_for(telnyx: Telnyx) -> None:
    """Who sent STOP is listed with the sender and profile of the question."""
    telnyx.state(opted_out=[US])
    (found,) = telnyx.call("GET", f"/v2/messaging_optouts?filter[from]=%2B{OWNED[1:]}").json()["data"]
    assert (found["to"], found["from"], found["keyword"]) == (US, OWNED, "STOP")


def test_message_says_its_parts(telnyx: Telnyx) -> None:
    """Encoding, parts and characters are counted as the handset gets them; gsm7 and ucs2 are wishes."""
    def parts(**fields: Any) -> tuple[str, int, int]:
        data = telnyx.send(**fields).json()["data"]
        return data["encoding"], data["parts"], data["num_chars"]

    assert parts(text="x" * 160) == ("GSM-7", 1, 160)
    assert parts(text="x" * 161) == ("GSM-7", 2, 161)
    assert parts(text="Ваш код 123456") == ("UCS-2", 1, 14)
    assert parts(text="x" * 71, encoding="ucs2") == ("UCS-2", 2, 71)
    assert parts(text="x" * 10, encoding="gsm7") == ("GSM-7", 1, 10)


def test_message_of_another_account_is_not_found(start_fakes: Start) -> None:
    """Two gateways do not see each other's messages."""
    second = gateway(name="other", account={"provider": "telnyx", "credentials": [{"id": "x", "secret": OTHER_KEY}]},
                     secrets={"api_key": OTHER_KEY})
    both = Telnyx(fakes=start_fakes(gateways=[gateway(), second], clock="immediate"))
    path = f"/v2/messages/{both.send(webhook_url=None).json()['data']['id']}"
    assert both.call("GET", path).status_code == 200
    assert both.call("GET", path, key=OTHER_KEY).json()["errors"][0]["code"] == "10005"


def test_without_an_account_every_well_formed_key_passes(start_fakes: Start) -> None:
    """Nobody described an account: the key's form decides, and any sender will do."""
    anyone = Telnyx(fakes=start_fakes(gateways=[{"name": "telnyx", "provider": "telnyx"}], clock="immediate"))
    assert anyone.send(key=OTHER_KEY, from_="+12025550199", webhook_url=None).status_code == 200
    assert anyone.send(key="short", webhook_url=None).status_code == 401


BODIES: list[tuple[dict[str, str], bytes]] = [
    (JSON, b""), (JSON, b"null"), (JSON, b"[]"), (JSON, b'"text"'), (JSON, b"7"), (JSON, b"{"), (JSON, b"\xff\xfe"), (JSON, b"NaN"),
    (JSON, b'{"from":{"a":1},"to":["+447700900123"],"text":7}'), (JSON, b'{"from":null,"to":null,"text":null}'),
    (JSON, b'{"from":"+12025550187","to":"+447700900123","text":"x","type":{}}'),
    (JSON, b'{"from":"+12025550187","to":"+447700900123","text":"x","encoding":[]}'),
    (JSON, b'{"from":"+12025550187","to":"+447700900123","text":"x","media_urls":{"a":1}}'),
    (JSON, b'{"from":"+12025550187","to":"+447700900123","text":"x","webhook_url":"http://[::1"}'),
    (JSON, b'{"from":"+12025550187","to":"+447700900123","text":"x","webhook_failover_url":"//"}'),
    (JSON, '{"from":"+12025550187","to":"+٤٤٧٧٠٠٩٠٠١٢٣","text":"x"}'.encode()), (JSON, b'{"from":"+1202\\u0000","to":"+447700900123","text":"x"}'),
    ({"Content-Type": "application/x-www-form-urlencoded"}, b"to=%2B447700900123&text=x"), ({"Content-Type": "text/plain"}, b"\x00\x01"), ({}, b"x"),
]


@pytest.mark.parametrize(("headers", "body"), BODIES)
@pytest.mark.parametrize("path", ["", "/long_code", "/number_pool", "/alphanumeric_sender_id", "/schedule"])
def test_broken_body_is_refused(telnyx: Telnyx, path: str, headers: dict[str, str], body: bytes) -> None:
    """A body that is no message is a 4xx with a code in text, never a crash of the fake."""
    answer = telnyx.call("POST", f"/v2/messages{path}", data=body, headers=headers)
    assert failed(telnyx) == []
    assert answer.status_code in (400, 404, 415, 422)
    assert answer.json()["errors"][0]["code"].isdigit()


HEADERS = ["", "Bearer", "Bearer ", f"bearer  {KEY}", f"Basic {KEY}", f"Bearer '{KEY}'", KEY, f"Bearer{KEY}", f"Bearer {KEY}\u00b2"]


@pytest.mark.parametrize("header", HEADERS)
def test_broken_authorization_is_refused(telnyx: Telnyx, header: str) -> None:
    """Anything but the word and the key is a 401."""
    answer = telnyx.call("GET", "/v2/balance", key=None, headers={"Authorization": header.encode("utf-8").decode("latin-1")})
    assert answer.status_code == (200 if header == f"bearer  {KEY}" else 401)


ANY: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2), max_leaves=4,
)
NAMES = ["from", "to", "text", "messaging_profile_id", "type", "encoding", "auto_detect", "webhook_url", "webhook_failover_url", "media_urls",
         "use_profile_webhooks", "send_at", "subject", "tags"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.sampled_from(NAMES), ANY | st.sampled_from([OWNED, GB, TEXT, PROFILE, "SMS", "auto", True])))
def test_any_send_is_answered(telnyx: Telnyx, fields: dict[str, Any]) -> None:
    """Whatever stands in a body, Telnyx says yes or no."""
    assert telnyx.call("POST", "/v2/messages", data=json.dumps(fields), headers=JSON).status_code in (200, 400, 404, 422)
    assert failed(telnyx) == []


@pytest.mark.parametrize("query", ["page[number]=0", "page[size]=%C2%B2", "page[size]=-1", "page[number]=1e9", "page[size]=" + "9" * 5000])
def test_broken_page_is_refused(telnyx: Telnyx, query: str) -> None:
    """A page that cannot be is 10000."""
    assert telnyx.call("GET", f"/v2/messaging_profiles?{query}").json()["errors"][0]["code"] == "10000"


def test_a_body_of_a_megabyte_is_refused(telnyx: Telnyx) -> None:
    """More than a megabyte is not read, and is told as too large."""
    answer = telnyx.send(text="x" * 1_100_000)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "40302")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(
    st.sampled_from(["phone_number", "verify_profile_id", "timeout_secs", "custom_code", "code", "status"]),
    ANY | st.sampled_from([GB, VERIFY, 300, "12345", "accepted"]),
))
@pytest.mark.parametrize("path", ["sms", f"by_phone_number/{GB}/actions/verify", f"{VERIFY}/actions/verify"])
def test_any_verification_is_answered(telnyx: Telnyx, path: str, fields: dict[str, Any]) -> None:
    """Whatever stands in a body, Verify says yes or no."""
    answer = telnyx.call("POST", f"/v2/verifications/{path}", data=json.dumps(fields), headers=JSON)
    assert answer.status_code in (200, 400, 404)
    assert failed(telnyx) == []


@pytest.mark.parametrize(("method", "path"), [("PUT", "/v2/messages"), ("GET", "/v2/../x"), ("POST", "/v1/messages"), ("GET", "/v2")])
def test_what_is_not_played_is_not_found(telnyx: Telnyx, method: str, path: str) -> None:
    """Other paths and methods are 10005."""
    assert telnyx.call(method, path).json()["errors"][0]["code"] == "10005"
