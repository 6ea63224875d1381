"""What a call may look like, what its answer looks like, and what nobody should send."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import otpgate_fakes.plivo
from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from otpgate_fakes.plivo import FAKE
from tests.providers.conftest import Start
from tests.providers.plivo.conftest import (
    CALLBACK,
    GB,
    ID,
    OTHER_ID,
    OTHER_TOKEN,
    OWNED,
    POOL,
    TEXT,
    TOKEN,
    US,
    Plivo,
    gateway,
)

PACK = loading.pack("plivo")
JUDGE = Judge(loading.openapi(PACK))
OPERATIONS = {
    operation["operationId"]: item
    for item in loading.openapi(PACK)["paths"].values()
    for operation in item.values()
    if isinstance(operation, dict) and "operationId" in operation
}
ACTS = {"send_message", "create_session", "validate_session", "get_session", "list_sessions", "get_account_twice_slashed"}
JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}


def test_operations_are_described() -> None:
    """The fake plays exactly what openapi.yaml describes, on hosts of the provider, and every question is one of them."""
    assert {operation.id for operation in FAKE.operations} == set(OPERATIONS)
    assert {item["x-otpgate-host"] for item in OPERATIONS.values()} <= {host.name for host in PACK.provider.hosts}
    assert {question.operation for question in PACK.provider.account_api} == set(OPERATIONS) - ACTS


def test_every_fact_has_a_source() -> None:
    """Errors, hosts, settings and quirks all say why we believe them."""
    provider = PACK.provider
    facts = [
        *PACK.errors, *PACK.senders.kinds, *PACK.senders.rules, *provider.hosts, *provider.settings, *provider.credentials,
        *provider.lifecycle.states, *provider.webhooks, *provider.limits.throughput, *provider.sdks, *provider.account_api,
        *provider.quirks, *(one for setting in provider.settings for one in setting.confusable),
    ]
    assert [fact for fact in facts if not fact.source] == []


@pytest.mark.parametrize("file", sorted(Path(otpgate_fakes.plivo.__file__).parent.glob("*.py")), ids=lambda file: file.stem)
def test_codes_are_in_the_catalogue(file: Path) -> None:
    """Every code a module refuses with is a row of errors.yaml."""
    codes = set(re.findall(r'(?:Refused|refuse)\(\s*"(\d+)"', file.read_text()))
    assert codes <= {row.code for row in PACK.errors}


def test_answers_fit_our_document(plivo: Plivo) -> None:
    """Every answer, refusals included, fits otpgate's own description of it."""
    sent = plivo.send(message_expiry=300).json()["message_uuid"][0]
    plivo.send(src="NOTMINE")
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "Message/", {"json": {"powerpack_uuid": POOL, "dst": f"{US}<1", "text": TEXT, "log": False}}),
        ("POST", "Message/", {"json": {}}), ("POST", "Message/", {"auth": None}), ("GET", "Message/?message_state=failed", {}),
        ("GET", f"Message/{sent}/", {}), ("GET", "Message/x/", {}), ("GET", "", {}), ("GET", "/", {}), ("GET", "Number/", {}),
        ("GET", f"Number/{OWNED}/", {}), ("GET", "Powerpack/?limit=1", {}), ("GET", f"Powerpack/{POOL}/", {}),
        ("GET", f"NumberPool/{POOL}/Number/", {}), ("GET", f"NumberPool/{POOL}/Shortcode/", {}),
        ("GET", f"NumberPool/{POOL}/Tollfree/", {}), ("GET", "10dlc/Campaign/", {}), ("GET", "TollfreeVerification/", {}),
        ("GET", "Pricing/?country_iso=US", {}), ("GET", "Pricing/", {}), ("GET", f"/v1/Number/{US}", {}), ("GET", "/v1/Number/1", {}),
    ]
    for method, path, options in calls:
        where = path if path.startswith("/v1") else f"/v1/Account/{ID}/{path}"
        answer = plivo.call(method, where, **options)
        found = JUDGE.match(method, where.partition("?")[0])
        assert found is not None, where
        content = answer.headers["content-type"]
        assert JUDGE.response(found[0], answer.status_code, answer.content, content) == [], f"{method} {path}"


@pytest.mark.parametrize("dst", ["+1 (202) 555-0143", "1.202.555.0143", "1/202-555-0143"])
def test_destination_may_be_punctuated(plivo: Plivo, dst: str) -> None:
    """Blanks and / - . + ( ) are dropped from a destination."""
    assert plivo.send(src=OWNED, dst=dst).status_code == 202
    assert plivo.last()["to"] == f"+{US}"


def test_sender_loses_its_punctuation(plivo: Plivo) -> None:
    """A name keeps its letters and digits, and the exchange says that something was dropped."""
    plivo.state(senders=[{"alphanumeric": "MyBrand", "registration": {"scheme": "sender_id", "status": "approved"}}])
    plivo.send(src="My Brand!")
    assert plivo.last()["from"] == "MyBrand"
    assert any("dropped" in note for note in plivo.fakes.exchanges()[-1]["notes"])


def test_text_in_another_alphabet_may_have_737_characters(plivo: Plivo, listener: Any) -> None:
    """1600 characters of GSM and 737 of UCS-2 are delivered."""
    plivo.send(text="x" * 1600)
    plivo.send(text="ш" * 737)
    listener.wait(4)
    assert [(one["encoding"], one["segments"], one["error"]) for one in plivo.fakes.messages()] == [
        ("UCS2", 11, None), ("GSM7", 11, None),
    ]


def test_messages_over_the_rate_are_queued(plivo: Plivo) -> None:
    """Above the account's rate nothing is refused: the message waits, and expires only where its expiry is shorter."""
    plivo.state(limits={"per_second": 1})
    assert [plivo.send(message_expiry=300).status_code for _ in range(4)] == [202] * 4
    assert any("queued for" in note for note in plivo.fakes.exchanges()[-1]["notes"])
    assert {one["error"] for one in plivo.fakes.messages()} == {None}


def test_dlt_ids_are_wanted_for_a_header_in_india(plivo: Plivo, listener: Any) -> None:
    """A registered header with both ids is delivered; without them the operator drops it."""
    header = {"alphanumeric": "ACMEIN", "registration": {"scheme": "dlt", "status": "approved"}}
    plivo.state(senders=[header])
    plivo.send(src="ACMEIN", dst="919876543210", dlt_entity_id="1101", dlt_template_id="1107")
    plivo.send(src="ACMEIN", dst="919876543210")
    listener.wait(4)
    assert [one["error"] for one in plivo.fakes.messages()] == ["100", None]


def test_list_pages(plivo: Plivo) -> None:
    """Newest first, with links to the other pages."""
    ids = [plivo.send().json()["message_uuid"][0] for _ in range(3)]
    page = plivo.call("GET", "Message/?limit=2").json()
    assert [one["message_uuid"] for one in page["objects"]] == ids[:0:-1]
    assert page["meta"] == {
        "limit": 2, "offset": 0, "next": f"/v1/Account/{ID}/Message/?limit=2&offset=2", "previous": None, "total_count": 3,
    }


def test_message_of_another_account_is_not_found(start_fakes: Start) -> None:
    """Two gateways do not see each other's messages and sessions."""
    second = gateway(name="other", account={"provider": "plivo", "credentials": [{"id": OTHER_ID, "secret": OTHER_TOKEN}]},
                     secrets={"auth_token": OTHER_TOKEN}, settings={"auth_id": OTHER_ID})
    both = Plivo(fakes=start_fakes(gateways=[gateway(), second], clock="immediate"))
    paths = [f"Message/{both.send().json()['message_uuid'][0]}/", f"Verify/Session/{both.verify().json()['session_uuid']}/"]
    for path in paths:
        assert both.call("GET", path).status_code == 200
        assert both.call("GET", path, auth=(OTHER_ID, OTHER_TOKEN), account_id=OTHER_ID).status_code == 404


def test_without_an_account_every_well_formed_credential_passes(start_fakes: Start) -> None:
    """Nobody described an account: the credential's form decides, and any sender will do."""
    anyone = Plivo(fakes=start_fakes(gateways=[{"name": "plivo", "provider": "plivo"}], clock="immediate"))
    assert anyone.send(src="Anybody").status_code == 202
    assert anyone.send(auth=("MAshort", TOKEN)).status_code == 401


OK = '"src":"ACME","dst":"447700900123","text":"x"'
BODIES: list[tuple[dict[str, str], bytes]] = [
    (JSON, b""), (JSON, b"null"), (JSON, b"[]"), (JSON, b'"text"'), (JSON, b"{"), (JSON, b"\xff\xfe"), (FORM, b"src=A&dst=1&text=x"),
    (JSON, b'{"src":{"a":1},"dst":{"b":2},"text":7}'), (JSON, b'{"src":null,"dst":[null],"text":[]}'),
    (JSON, b'{' + OK.encode() + b',"message_expiry":1e400}'), (JSON, b'{' + OK.encode() + b',"type":[]}'),
    (JSON, b'{' + OK.encode() + b',"log":{}}'), (JSON, b'{' + OK.encode() + b',"method":"\xc2\xb2"}'),
    (JSON, b'{' + OK.encode() + b',"message_expiry":"\xc2\xb2"}'), (JSON, b'{' + OK.encode() + b',"trackable":"true"}'),
    (JSON, '{"src":"ACME","dst":"٤٤٧٧٠٠٩٠٠١٢٣","text":"x"}'.encode()), ({"Content-Type": "text/plain"}, b"\x00\x01"), ({}, b"src=A"),
]


@pytest.mark.parametrize("path", ["Message/", "Verify/Session/"])
@pytest.mark.parametrize(("headers", "body"), BODIES)
def test_broken_body_is_refused(plivo: Plivo, path: str, headers: dict[str, str], body: bytes) -> None:
    """A body that is no message is a 400 with words, never a crash of the fake."""
    answer = plivo.call("POST", path, data=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("header", ["", "Basic", "Basic ", "Basic %%", f"Bearer {TOKEN}", f"Basic {TOKEN}", "Basic Og=="])
def test_broken_authorization_is_refused(plivo: Plivo, header: str) -> None:
    """Anything but user and password is a 401."""
    assert plivo.call("GET", "", auth=None, headers={"Authorization": header}).status_code == 401


def test_body_over_a_megabyte_is_refused(plivo: Plivo) -> None:
    """A body beyond the limit is not read."""
    assert plivo.send(text="x" * 1_100_000).status_code == 413


def test_callback_url_is_taken_as_it_stands(plivo: Plivo) -> None:
    """A URL with a query is accepted; nothing of it is lost in the message."""
    assert plivo.send(url=f"{CALLBACK}?a=1&b=%2F").status_code == 202
    assert plivo.last()["to"] == f"+{GB}"
