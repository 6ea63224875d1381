"""The Verification API: codes Sinch makes and checks, who may ask for them, every row of its table, and its callbacks."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from otpgate_contracts import loading, signing
from otpgate_contracts.model import ErrorRow
from otpgate_contracts.wire import Judge
from tests.providers.conftest import Listener, Running, Start
from tests.providers.sinch.conftest import (
    APP_KEY,
    APP_SECRET,
    APPLICATION,
    GB,
    LANDLINE,
    NL,
    OTHER_SECRET,
    PLAN,
    PROJECT,
    PUBLIC,
    US,
    Sinch,
    gateway,
    told,
)
from tests.providers.sinch.test_settings import found, only

PACK = loading.pack("sinch")
JUDGE = Judge(loading.openapi(PACK))
ROWS = [row for row in PACK.errors if row.product == "verify"]
ENDS = [row for row in PACK.errors if row.product == "verify_dlr"]
Cause = Callable[[Sinch], requests.Response]


def basic(key: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


def test_right_code_verifies_once(sinch: Sinch) -> None:
    """The code that arrived verifies; afterwards the verification is over, and its status says how it ended."""
    started = sinch.start(reference="otp-42").json()
    assert (started["method"], started["sms"]["template"]) == ("sms", "Your verification code is {{CODE}}")
    code = sinch.last()["code"]
    assert sinch.last()["text"] == f"Your verification code is {code}"
    assert sinch.report(started["id"], code).json() == {
        "id": started["id"], "method": "sms", "status": "SUCCESSFUL", "reference": "otp-42", "source": "manual",
    }
    assert sinch.report(started["id"], code).json()["errorCode"] == 40400
    for path in (f"id/{started['id']}", f"sms/number/+{GB}", "reference/otp-42"):
        assert sinch.signed("GET", path).json()["status"] == "SUCCESSFUL"


def test_code_is_reported_by_number(sinch: Sinch) -> None:
    """The newest verification of a number is meant."""
    sinch.start()
    report = {"method": "sms", "sms": {"code": sinch.last()["code"], "source": "intercepted"}}
    answer = sinch.signed("PUT", f"number/+{GB}", report).json()
    assert (answer["status"], answer["source"]) == ("SUCCESSFUL", "intercepted")


def test_wrong_code_is_a_400_and_may_be_corrected(sinch: Sinch) -> None:
    """A wrong code is 40003; the verification stays, and the right one still verifies."""
    started = sinch.start().json()["id"]
    wrong = sinch.report(started, "x")
    assert (wrong.status_code, wrong.json()["message"]) == (400, "Invalid identity or code.")
    assert sinch.signed("GET", f"id/{started}").json()["status"] == "PENDING"
    assert sinch.report(started, sinch.last()["code"]).json()["status"] == "SUCCESSFUL"


def test_wrong_code_may_fail_inside_a_200(sinch: Sinch) -> None:
    """With `wrong_codes_until_fail` a wrong code is HTTP 200 with status FAIL, and not even the right one helps any more."""
    sinch.state(settings={"wrong_codes_until_fail": 1})
    started = sinch.start().json()["id"]
    failed = sinch.report(started, "x")
    assert (failed.status_code, failed.json()["status"], failed.json()["reason"]) == (200, "FAIL", "Invalid code")
    assert sinch.report(started, sinch.last()["code"]).status_code == 404


def test_new_start_aborts_the_one_before(sinch: Sinch, listener: Any) -> None:
    """One code of a number is alive at a time."""
    first = sinch.start().json()["id"]
    code = sinch.last()["code"]
    listener.wait(1)
    second = sinch.start().json()["id"]
    assert sinch.signed("GET", f"id/{first}").json()["status"] == "ABORTED"
    assert sinch.report(first, code).status_code == 404
    assert sinch.signed("GET", f"id/{second}").json()["status"] == "PENDING"
    assert ("ABORTED", first) in [(told(call).get("status"), told(call)["id"]) for call in listener.wait(3)]


@pytest.fixture(scope="module")
def stepped(start_fakes: Start, listening: Listener) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(gateways=[gateway()], edges=[{"public": PUBLIC, "upstream": listening.url}])
    fakes.clock(mode="manual", stepped=True)
    return fakes


@pytest.mark.parametrize(("options", "life"), [(None, 300), ({"expiry": "00:01:30"}, 90), ({"expiry": "01:00:00"}, 3600)])
def test_right_code_is_too_late(stepped: Running, options: dict[str, str] | None, life: int) -> None:
    """After its life the right code is not found, and the status is FAIL, Expired."""
    stepped.reset()
    late = Sinch(fakes=stepped)
    started = late.start(smsOptions=options).json()["id"]
    stepped.clock(advance=life - 1)
    assert late.signed("GET", f"id/{started}").json()["status"] == "PENDING"
    stepped.clock(advance=2)
    assert late.signed("GET", f"id/{started}").json()["reason"] == "Expired"
    assert late.report(started, late.last()["code"]).status_code == 404


@pytest.mark.parametrize(("kind", "pattern"), [("Numeric", str.isdigit), ("Alpha", str.isalpha), ("Alphanumeric", str.isalnum)])
def test_code_and_text_as_wanted(sinch: Sinch, kind: str, pattern: Callable[[str], bool]) -> None:
    """codeType and template inside smsOptions decide what arrives."""
    sinch.start(smsOptions={"codeType": kind, "template": "Acme {{CODE}}"})
    text = sinch.last()["text"]
    assert text.startswith("Acme ")
    assert pattern(text.removeprefix("Acme "))
    assert len(text) == len("Acme ") + 4


def test_options_beside_smsoptions_are_left_out(sinch: Sinch) -> None:
    """What the older Python SDK puts on the top level does nothing, and the exchange says so."""
    sinch.start(template="Acme {{CODE}}", expiry="00:01:00")
    assert sinch.last()["text"].startswith("Your verification code")
    exchange = sinch.fakes.exchanges()[-1]
    assert any("smsOptions" in note for note in exchange["notes"])
    assert exchange["mismatches"] != []


def test_events_are_signed_over_their_path(sinch: Sinch, listener: Any) -> None:
    """The text arrived, then the verification ended: both fit our document and bear the application's signature."""
    sinch.state(callbacks={"status": f"{PUBLIC}/webhooks/sinch-verify?tenant=7"})
    started = sinch.start(reference="otp-42", custom="x").json()["id"]
    listener.wait(1)
    sinch.report(started, sinch.last()["code"])
    arrived, ended = listener.wait(2)
    assert (told(arrived)["event"], told(arrived)["smsResult"]) == ("VerificationSmsDeliveredEvent", "Successful")
    assert (told(ended)["event"], told(ended)["status"], told(ended)["custom"]) == ("VerificationResultEvent", "SUCCESSFUL", "x")
    for call in (arrived, ended):
        assert JUDGE.request("receive_event", [], call.headers, call.body, "application/json") == []
        key, _, signature = call.headers["authorization"].removeprefix("Application ").partition(":")
        claims = {"method": "POST", "content_type": call.headers["content-type"], "timestamp": call.headers["x-timestamp"]}
        material = signing.Material(url="/webhooks/sinch-verify", body=call.body, claims=claims)
        assert key == APP_KEY
        assert APPLICATION.verify(APP_SECRET, material, signature)
        assert not APPLICATION.verify(OTHER_SECRET, material, signature)


@pytest.mark.parametrize(("forgery", "valid"), [("tampered", False), ("wrong_secret", False), ("unknown_id", True), ("stale_time", True)])
def test_forged_events(sinch: Sinch, listener: Any, forgery: str, valid: bool) -> None:
    """Tampered and wrongly signed events do not verify; an old one does, with its old time."""
    sinch.start()
    listener.wait(1)
    sinch.fakes.admin("POST", "receipts", {"message": sinch.last()["id"], "forgery": forgery})
    call = listener.wait(2)[-1]
    claims = {"method": "POST", "content_type": call.headers["content-type"], "timestamp": call.headers["x-timestamp"]}
    material = signing.Material(url="/webhooks/sinch", body=call.body, claims=claims)
    assert APPLICATION.verify(APP_SECRET, material, call.headers["authorization"].partition(":")[2]) is valid
    age = datetime.now(UTC) - datetime.fromisoformat(call.headers["x-timestamp"])
    assert (age > timedelta(minutes=30)) is (forgery == "stale_time")


def test_answers_fit_our_document(sinch: Sinch) -> None:
    """Every answer fits otpgate's own description of it."""
    started = sinch.start(reference="r").json()
    under, report = "/verification/v1/verifications", {"method": "sms", "sms": {"code": "x"}}
    answers = [
        ("POST", under, sinch.start()), ("POST", under, sinch.start(method="fax")), ("POST", under, sinch.start(method="callout")),
        *[(method, f"{under}/{path}", sinch.signed(method, path, body)) for method, path, body in (
            ("PUT", f"id/{started['id']}", report), ("PUT", f"number/+{GB}", report), ("GET", f"id/{started['id']}", None),
            ("GET", f"sms/number/+{GB}", None), ("GET", "reference/r", None), ("GET", "reference/unknown", None), ("GET", "fax/number/+1", None),
        )],
    ]
    assert [answer.status_code for *_, answer in answers] == [200, 400, 403, 404, 400, 200, 200, 200, 404, 404]
    for method, path, answer in answers:
        operation = JUDGE.match(method, path)
        assert operation is not None
        assert JUDGE.response(operation[0], answer.status_code, answer.content) == []


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(sinch: Sinch) -> requests.Response:
        sinch.state(**changes)
        return cause(sinch)

    return changed


def twice(cause: Cause) -> Cause:
    def again(sinch: Sinch) -> requests.Response:
        cause(sinch)
        return cause(sinch)

    return again


def start(**fields: Any) -> Cause:
    return lambda sinch: sinch.start(**fields)


def to(number: str) -> Cause:
    return start(identity={"type": "number", "endpoint": number})


def headed(**headers: str) -> Cause:
    return lambda sinch: sinch.signed("GET", "id/1", **headers)


def signed(path: str, body: object = None, method: str = "GET", **options: Any) -> Cause:
    return lambda sinch: sinch.signed(method, path, body, **options)


def application(key: str) -> str:
    return f"Application {key}"


OLD, COMING = ((datetime.now(UTC) + timedelta(minutes=minutes)).isoformat() for minutes in (-6, 60))
STRICT: dict[str, Any] = {"settings": {"authorization": "signed"}}
CAUSES: dict[tuple[str, str], list[Cause]] = {
    ("40001", "recipient_malformed"): [to(GB), to("07700900123"), to("+4813"), to("12345")],
    ("40001", "parameter_malformed"): [
        start(identity=None), start(identity={"type": "email", "endpoint": "a@b"}), start(method=None), start(method="fax"),
        start(smsOptions={"codeType": "Hex"}), start(smsOptions={"template": "no code"}), start(smsOptions=[]), start(custom="x" * 4097),
        signed("", b"{", "POST"), signed("", b"[]", "POST"),
        lambda sinch: sinch.signed("PUT", f"id/{sinch.start().json()['id']}", {"method": "sms", "sms": {}}),
    ],
    ("40001", "validity_malformed"): [start(smsOptions={"expiry": "5m"}), start(smsOptions={"expiry": "00:00:00"}), start(smsOptions={"expiry": 5})],
    ("40003", "input"): [
        lambda sinch: sinch.report(sinch.start().json()["id"], "x"), signed(f"number/+{NL}", {"method": "sms", "sms": {"code": "1234"}}, "PUT"),
    ],
    ("40100", "input"): [headed(Authorization="Bearer x"), headed(Authorization="Application"), headed(Authorization="Basic x")],
    ("40101", "input"): [headed(**{"x-timestamp": ""}), headed(**{"x-timestamp": "now"}), signed("id/1", at=OLD), signed("id/1", at=COMING)],
    ("40102", "signature_wrong"): [
        signed("id/1", secret=OTHER_SECRET), headed(**{"Content-Type": "application/json"}), headed(Authorization=f"Application {APP_KEY}:AAAA"),
        with_state(start(), credentials=[{"id": APP_KEY, "secret": "no base64 at all"}]),
    ],
    ("40104", "credentials_missing"): [headed(Authorization="")],
    ("40107", "credentials_unknown"): [
        headed(Authorization=basic(APP_KEY, OTHER_SECRET)), headed(Authorization=basic(PROJECT, APP_SECRET)),
        headed(Authorization=f"Application {PROJECT}:AAAA"), with_state(start(), ip_allowlist=["192.0.2.1"]),
    ],
    ("40200", "balance_exhausted"): [with_state(start(), balance={"amount": "0.00"})],
    ("40300", "destination_disabled"): [
        with_state(start(), destinations={"enabled": ["US"]}), start(method="callout"), start(method="flashcall"),
        with_state(start(), settings={"methods": ["flashcall"]}), with_state(start(), opted_out=[f"+{GB}"]),
        with_state(start(), account={"id": "acme", "status": "suspended"}),
        with_state(start(), account={"id": "acme", "kind": "trial"}, verified_recipients=[f"+{NL}"]),
    ],
    ("40303", "input"): [
        with_state(headed(Authorization=basic(APP_KEY, APP_SECRET)), **STRICT), with_state(headed(Authorization=application(APP_KEY)), **STRICT),
        with_state(headed(Authorization=application(APP_KEY)), callbacks={}),
        with_state(start(), settings={"request_event": "deny"}), with_state(start(), settings={"request_event": "invalid"}),
    ],
    ("40400", "resource_missing"): [signed("id/unknown"), signed(f"sms/number/+{US}"), signed("reference/unknown"), signed("fax/number/+1")],
    ("40900", "input"): [twice(start(reference="otp-42"))],
    ("42201", "recipient_landline"): [to(f"+{LANDLINE}")],
    ("42900", "rate_limited"): [with_state(twice(start()), limits={"per_second": 1})],
    ("42901", "input"): [with_state(twice(start()), settings={"starts_per_minute": 1})],
}


def injected(row: ErrorRow) -> Cause:
    def cause(sinch: Sinch) -> requests.Response:
        sinch.fakes.faults({"fault": "error", "code": row.code, "provider": "sinch"})
        return sinch.start()

    return cause


CASES = [
    pytest.param(row, cause, id=f"{row.code}-{row.trigger}-{index}")
    for row in ROWS
    for index, cause in enumerate(CAUSES.get((row.code, row.trigger)) or [injected(row)])
]


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(sinch: Sinch, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row, with its status and its code."""
    answer = cause(sinch)
    assert (answer.status_code, answer.json()["errorCode"]) == (row.http, int(row.code))
    assert answer.json()["message"]
    assert sinch.fakes.exchanges()[-1]["code"] == row.code


def test_only_provider_faults_are_injected() -> None:
    """Every row but the provider's own failures is caused by state or input."""
    left = {row.trigger for row in ROWS if (row.code, row.trigger) not in CAUSES}
    assert left == {"provider_error", "provider_unavailable", "fault"}


@pytest.mark.parametrize("row", ENDS, ids=lambda row: row.code)
def test_every_end_is_told(sinch: Sinch, listener: Any, row: ErrorRow) -> None:
    """An end that is injected is told by callback and by reading; the start was taken all the same."""
    sinch.fakes.faults({"fault": "accept_then_fail", "code": row.code, "provider": "sinch"})
    started = sinch.start()
    assert started.status_code == 200
    event = told(listener.wait(1)[0])
    assert event.get("smsResult", event.get("status")) == row.state
    if row.state in ("DENIED", "ERROR", "Failed"):
        stands = sinch.signed("GET", f"id/{started.json()['id']}").json()
        assert (stands["status"], stands["reason"]) == ("FAIL" if row.state == "Failed" else row.state, row.code)


@pytest.mark.parametrize(("level", "header", "status"), [
    ("basic", basic(APP_KEY, APP_SECRET), 404), ("public", application(APP_KEY), 404), ("signed", basic(APP_KEY, APP_SECRET), 403),
    ("basic", application(APP_KEY), 403),
])
def test_authorization_is_taken_from_its_level_on(sinch: Sinch, level: str, header: str, status: int) -> None:
    """Basic and public calls are taken where the application demands no more."""
    sinch.state(settings={"authorization": level})
    assert sinch.signed("GET", "id/1", Authorization=header).status_code == status


@pytest.mark.parametrize("path", ["/verification/v1/unknown", "/verification/v2/verifications"])
def test_unknown_paths_are_told_in_the_apis_words(sinch: Sinch, path: str) -> None:
    """Anything else under /verification is 40400."""
    assert sinch.signed("GET", path).json()["errorCode"] == 40400


@pytest.mark.parametrize("body", [
    b"", b"null", b"7", b"\xff", b'{"identity":[]}', b'{"identity":{"type":"number","endpoint":{}},"method":"sms"}',
    b'{"identity":{"type":"number","endpoint":"+447700900123"},"method":{}}',
    b'{"identity":{"type":"number","endpoint":"+447700900123"},"method":"sms","smsOptions":{"codeType":[]}}',
    b'{"identity":{"type":"number","endpoint":"+447700900123"},"method":"sms","reference":7}',
])
def test_a_broken_body_is_refused(sinch: Sinch, body: bytes) -> None:
    """A body that is no start is a 400 with a code."""
    answer = sinch.signed("POST", "", body)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, 40001)
    assert not [note for one in sinch.fakes.exchanges() for note in one["notes"] if "the fake failed" in note]


def test_a_body_of_a_megabyte_is_refused(sinch: Sinch) -> None:
    """More than 1 MB is not read."""
    assert sinch.signed("POST", "", json.dumps({"custom": "x" * 1_100_000}).encode()).status_code == 413


def test_healthy_twin(sinch: Sinch) -> None:
    """The start that the rows above spoil is taken as it stands."""
    assert sinch.start().status_code == 200


VERIFY = {"gateways": {"only": {
    "provider": "sinch", "product": "verify", "application_key": "${KEY}", "application_secret": "${APP}", "timeout": "5s", "account": "account.yaml",
}}, "otp": {"digits": 4, "issued_by": "provider", "verified_by": "provider"}}
SOUND = {"KEY": APP_KEY, "APP": APP_SECRET}
OF_APPLICATION = {
    "account": {"kind": "full", "status": "active"}, "credentials": [{"id": APP_KEY, "secret": APP_SECRET}], "senders": [],
    "callbacks": {"status": f"{PUBLIC}/webhooks/sinch"},
}
WRONG: dict[str, tuple[str, str, dict[str, str], dict[str, Any]]] = {
    "a secret that is no base64": ("CR003", "APP", {"APP": APP_KEY}, {}),
    "another application's secret": ("CR010", "APP", {"APP": OTHER_SECRET}, {}),
    "a plan for a key": ("CR003", "KEY", {"KEY": PLAN}, {}),
    "no secret": ("CR001", "APP", {"APP": ""}, {}),
    "six digits are expected": ("OP008", "", {}, {"otp": {"digits": 6, "issued_by": "provider", "verified_by": "provider"}}),
}


def test_healthy_verify_gateway_is_not_spoken_against(tmp_path: Path) -> None:
    """A verify gateway with key, secret and four digits is sound, but that four digits are few."""
    assert set(found(tmp_path, SOUND, VERIFY, OF_APPLICATION)) <= {"OP002", "OP003"}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it."""
    rule, name, deployed, changes = case
    assert found(tmp_path, {**SOUND, **deployed}, {**VERIFY, **changes}, OF_APPLICATION).get(rule) == name


@pytest.mark.parametrize(("product", "form", "speaks"), [
    ("verify", "e164", False), ("verify", "e164_without_plus", True), ("sms", "e164", False), ("sms", "e164_without_plus", False),
])
def test_number_form_is_the_products_own(tmp_path: Path, product: str, form: str, speaks: bool) -> None:
    """Verification refuses numbers without plus; batches take both."""
    changed = {**VERIFY, "gateways": {"only": {**VERIFY["gateways"]["only"], "number_form": form}}} if product == "verify" else only(number_form=form)
    assert ("EN001" in found(tmp_path, SOUND, changed, OF_APPLICATION if product == "verify" else {})) is speaks


@pytest.mark.parametrize(("sdk", "speaks"), [("sinch==2.3.0", True), ("sinch==1.1.4", False)])
def test_sdk_without_verification_is_spoken_against(tmp_path: Path, sdk: str, speaks: bool) -> None:
    """The Python SDK lost the Verification API with 2.0."""
    changed = {**VERIFY, "gateways": {"only": {**VERIFY["gateways"]["only"], "sdk": sdk}}}
    assert ("VR002" in found(tmp_path, SOUND, changed, OF_APPLICATION)) is speaks
