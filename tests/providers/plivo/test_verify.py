"""Verify sessions: codes Plivo makes and checks, through the official Python SDK and by every row of its table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plivo as sdk
import pytest
import requests
from plivo import exceptions

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from otpgate_contracts.wire import Judge
from tests.providers.conftest import Running, Start
from tests.providers.plivo.conftest import APP, GB, ID, LANDLINE, OTHER_TOKEN, TOKEN, US, Plivo, gateway

PACK = loading.pack("plivo")
JUDGE = Judge(loading.openapi(PACK))
ROWS = [row for row in PACK.errors if row.product == "verify"]
Cause = Callable[[Plivo], requests.Response]


@pytest.fixture
def client(plivo: Plivo) -> sdk.RestClient:
    """A client whose session knows our relay and trusts our CA."""
    client = sdk.RestClient(ID, TOKEN, proxies={"https": plivo.fakes.proxy})
    client.session.verify = plivo.fakes.ca
    return client


def session_of(plivo: Plivo, **fields: Any) -> str:
    answer = plivo.verify(**fields)
    assert answer.status_code == 202, answer.text
    uuid: str = answer.json()["session_uuid"]
    return uuid


def attempt(plivo: Plivo, session: str, code: str | None) -> requests.Response:
    return plivo.call("POST", f"Verify/Session/{session}/", json={} if code is None else {"otp": code})


def test_right_code_verifies_once(plivo: Plivo, client: sdk.RestClient) -> None:
    """The code that arrived verifies; a second time it does not, and no answer ever holds it."""
    made = client.verify_session.create(recipient=GB, brand_name="Acme", code_length=8)
    assert made.message == "Session initiated"
    code = plivo.last()["code"]
    assert plivo.last()["text"] == f"{code} is your Acme verification code."
    assert len(code) == 8
    assert client.verify_session.get(made.session_uuid).status == "in-progress"
    assert client.verify_session.validate(made.session_uuid, otp=code).message == "session validated successfully."
    with pytest.raises(exceptions.ValidationError, match="already verified"):
        client.verify_session.validate(made.session_uuid, otp=code)
    found = client.verify_session.get(made.session_uuid)
    assert (found.status, found.recipient, found.app_uuid, found.count) == ("verified", GB, APP, 1)
    assert code not in str(vars(found))
    assert plivo.fakes.exchanges()[-1]["mismatches"] == []


def test_wrong_code_does_not_verify(plivo: Plivo, client: sdk.RestClient) -> None:
    """A wrong code is a ValidationError; after ten of them even the right one is refused."""
    made = client.verify_session.create(recipient=GB)
    for _ in range(10):
        with pytest.raises(exceptions.ValidationError, match="invalid otp"):
            client.verify_session.validate(made.session_uuid, otp="000000")
    with pytest.raises(exceptions.ValidationError, match="maximum"):
        client.verify_session.validate(made.session_uuid, otp=plivo.last()["code"])


def test_unknown_session_is_not_found(client: sdk.RestClient) -> None:
    """A session of nobody is a ResourceNotFoundError."""
    with pytest.raises(exceptions.ResourceNotFoundError):
        client.verify_session.validate("00000000-0000-4000-8000-000000000000", otp="123456")


def test_one_session_for_one_login(plivo: Plivo, client: sdk.RestClient) -> None:
    """While it lives, a second create sends the same code in the same session; another number has its own."""
    first = client.verify_session.create(recipient=GB)
    code = plivo.last()["code"]
    again = client.verify_session.create(recipient=f"+{GB}")
    assert (again.session_uuid, plivo.last()["code"]) == (first.session_uuid, code)
    assert client.verify_session.create(recipient=US).session_uuid != first.session_uuid
    found = client.verify_session.get(first.session_uuid)
    assert (found.count, len({one.attempt_uuid for one in found.attempt_details})) == (2, 2)
    assert [one.recipient for one in client.verify_session.list()] == [US, GB]
    client.verify_session.validate(first.session_uuid, otp=code)
    assert client.verify_session.create(recipient=GB).session_uuid != first.session_uuid
    assert [one.session_uuid for one in client.verify_session.list(status="verified")] == [first.session_uuid]


def test_code_of_the_callers_own(plivo: Plivo) -> None:
    """`otp` replaces Plivo's code; `app_hash` stands in the last line of the text."""
    session = session_of(plivo, otp="A1B2C3", app_hash="FA+9qCX9VSu")
    assert plivo.last()["text"].startswith("A1B2C3 ")
    assert plivo.last()["text"].endswith("\nFA+9qCX9VSu")
    assert attempt(plivo, session, "A1B2C3").status_code == 200


def test_session_without_a_sender_of_ones_own(plivo: Plivo) -> None:
    """No sender is asked of the account, and no callback is sent."""
    plivo.state(senders=[])
    session_of(plivo, url="https://otp.example.com/verify")
    assert plivo.fakes.receipts() == []


@pytest.mark.parametrize(("changes", "fields", "code"), [
    ({"balance": {"amount": "0.00", "currency": "USD"}}, {}, "900"),
    ({"account": {"id": ID, "status": "suspended"}}, {}, "910"),
    ({}, {"recipient": LANDLINE}, "1000"),
])
def test_message_that_fails_is_told_by_its_attempt(plivo: Plivo, changes: Any, fields: Any, code: str) -> None:
    """No money, a disabled account and a landline are accepted; only the session's attempt says failed."""
    plivo.state(**changes)
    session = session_of(plivo, **fields)
    found = plivo.call("GET", f"Verify/Session/{session}/").json()
    assert (found["status"], found["attempt_details"][0]["status"]) == ("in-progress", "failed")
    assert plivo.last()["error"] == code


@pytest.fixture(scope="module")
def stepped(start_fakes: Start) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(gateways=[gateway()])
    fakes.clock(mode="manual", stepped=True)
    return fakes


def test_code_expires(stepped: Running) -> None:
    """The right code is refused after its life; the account may give it another one."""
    late = Plivo(fakes=stepped)
    for life, wait in ((None, 600), (60, 60)):
        late.state(settings={} if life is None else {"code_life": life})
        session = session_of(late, recipient=GB if life is None else US)
        code = late.last()["code"]
        stepped.clock(advance=wait - 1)
        assert late.call("GET", f"Verify/Session/{session}/").json()["status"] == "in-progress"
        stepped.clock(advance=2)
        assert attempt(late, session, code).json()["error"] == "session is expired or already verified"
        assert late.call("GET", f"Verify/Session/{session}/").json()["status"] == "expired"


def verify(**fields: Any) -> Cause:
    return lambda plivo: plivo.verify(**fields)


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(plivo: Plivo) -> requests.Response:
        plivo.state(**changes)
        return cause(plivo)

    return changed


def tried(*codes: str | None) -> Cause:
    """Codes tried one after another; `right` stands for the right one."""
    def cause(plivo: Plivo) -> requests.Response:
        session = session_of(plivo)
        right = plivo.last()["code"]
        return [attempt(plivo, session, right if code == "right" else code) for code in codes][-1]

    return cause


CAUSES: dict[tuple[str, str], list[Cause]] = {
    ("401", "credentials_wrong"): [verify(auth=(ID, OTHER_TOKEN)), verify(auth=None)],
    ("400", "input"): [tried("000000"), tried("1")],
    ("400", "validity_expired"): [tried("right", "right")],
    ("400", "resource"): [tried(*["000000"] * 10, "right")],
    ("400", "recipient_missing"): [verify(recipient=None), verify(recipient={"a": 1})],
    ("400", "recipient_malformed"): [verify(recipient="07700900123"), verify(recipient="Bob"), verify(recipient="12345")],
    ("400", "callback_malformed"): [verify(url="otp.example.com")],
    ("400", "parameter_malformed"): [
        verify(channel="email"), verify(code_length=3), verify(code_length="six"), verify(otp="1"), tried(None), tried(""),
    ],
    ("400", "recipient_unverified"): [
        with_state(verify(), account={"id": ID, "kind": "trial"}, verified_recipients=[f"+{US}"]),
    ],
    ("403", "destination_disabled"): [with_state(verify(), destinations={"enabled": ["US"]})],
    ("404", "resource_missing"): [
        verify(app_uuid="00000000-0000-4000-8000-000000000000"), lambda plivo: attempt(plivo, "unknown", "123456"),
        lambda plivo: plivo.call("GET", "Verify/Session/unknown/"),
    ],
}


def injected(row: ErrorRow) -> Cause:
    def cause(plivo: Plivo) -> requests.Response:
        plivo.fakes.faults({"fault": "error", "code": row.code, "provider": "plivo"})
        return plivo.verify()

    return cause


CASES = [
    pytest.param(row, cause, id=f"{row.code}-{row.trigger}-{index}")
    for row in ROWS
    for index, cause in enumerate(CAUSES.get((row.code, row.trigger)) or [injected(row)])
]


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(plivo: Plivo, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: its HTTP status and its words."""
    answer = cause(plivo)
    assert answer.status_code == row.http
    assert plivo.fakes.exchanges()[-1]["code"] == row.code
    if row.http != 401:
        assert (row.message or "").replace("{parameter}", "").replace("{to}", "") in answer.json()["error"]


def test_answers_fit_our_document(plivo: Plivo) -> None:
    """Every answer fits otpgate's own description of it."""
    made = plivo.verify()
    path = f"/v1/Account/{ID}/Verify/Session/"
    session = f"{path}{made.json()['session_uuid']}/"
    answers = [
        ("POST", path, made), ("POST", path, plivo.verify(channel="fax")), ("GET", path, plivo.call("GET", path)),
        ("GET", session, plivo.call("GET", session)), ("POST", session, plivo.call("POST", session, json={"otp": "1"})),
        ("POST", session, plivo.call("POST", session, json={"otp": plivo.last()["code"]})),
        ("POST", path, plivo.verify(auth=None)),
    ]
    assert [answer.status_code for _, _, answer in answers] == [202, 400, 200, 200, 400, 200, 401]
    for method, where, answer in answers:
        operation = JUDGE.match(method, where)
        assert operation is not None
        assert JUDGE.response(operation[0], answer.status_code, answer.content, answer.headers["content-type"]) == []
