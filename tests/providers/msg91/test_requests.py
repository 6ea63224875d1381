"""What a call may look like, what its answer looks like, and what nobody should send."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import otpgate_fakes.msg91
from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from otpgate_fakes.msg91 import FAKE
from tests.providers.conftest import Start
from tests.providers.msg91.conftest import FLOW, GB, HEADER, IN, IN2, KEY, OTHER_KEY, REGISTERED, Msg91, gateway

PACK = loading.pack("msg91")
JUDGE = Judge(loading.openapi(PACK))
ANSWERS = json.loads((Path(__file__).parent / "data" / "reports.json").read_text("utf-8"))["api_responses"]
OPERATIONS = {
    operation["operationId"]: item
    for item in loading.openapi(PACK)["paths"].values()
    for operation in item.values()
    if isinstance(operation, dict) and "operationId" in operation
}
JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}


def test_operations_are_described() -> None:
    """The fake plays exactly what openapi.yaml describes, on hosts of the provider; the questions are among it."""
    assert {operation.id for operation in FAKE.operations} == set(OPERATIONS)
    hosts = {host for item in OPERATIONS.values() for host in ([item["x-otpgate-host"]] if isinstance(item["x-otpgate-host"], str) else item["x-otpgate-host"])}
    assert hosts == {host.name for host in PACK.provider.hosts}
    assert {question.operation for question in PACK.provider.account_api} <= set(OPERATIONS)


def test_every_fact_has_a_source() -> None:
    """Errors, hosts, settings and quirks all say why we believe them."""
    provider = PACK.provider
    facts = [
        *PACK.errors, *PACK.senders.kinds, *PACK.senders.rules, *provider.hosts, *provider.settings, *provider.credentials,
        *provider.lifecycle.states, *provider.webhooks, provider.limits, *provider.sdks, *provider.account_api, *provider.quirks,
    ]
    assert [fact for fact in facts if not fact.source] == []


@pytest.mark.parametrize("file", sorted(Path(otpgate_fakes.msg91.__file__).parent.glob("*.py")), ids=lambda file: file.stem)
def test_codes_are_in_the_catalogue(file: Path) -> None:
    """Every code a module refuses with is a row of errors.yaml."""
    codes = set(re.findall(r'refuse\((?:context, )?"([^"]+)"', file.read_text()))
    assert codes <= {row.code for row in PACK.errors}


def right_code(msg91: Msg91) -> Any:
    msg91.otp()
    return msg91.verify(msg91.last()["code"])


def wrong_code(msg91: Msg91) -> Any:
    msg91.otp()
    return msg91.verify("000000")


def code_again(msg91: Msg91) -> Any:
    right_code(msg91)
    return msg91.verify("000000")


CALLS = {
    "flow_ok": lambda msg91: msg91.flow(), "otp_ok": lambda msg91: msg91.otp(),
    "bad_template": lambda msg91: msg91.flow(template_id=REGISTERED), "bad_key": lambda msg91: msg91.verify("0000", key=OTHER_KEY),
    "verify_ok": right_code, "verify_wrong": wrong_code, "verify_again": code_again,
}


def test_every_published_answer_is_present() -> None:
    """Seven answers of the live host, each with a call that brings it."""
    assert [one["name"] for one in ANSWERS] == [*CALLS]


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case["name"])
def test_published_answer(msg91: Msg91, case: dict[str, Any]) -> None:
    """The fake answers as the live host does, but for the ids it makes up."""
    answer = CALLS[case["name"]](msg91)
    told, expected = answer.json(), dict(case["body"])
    for name in ("message", "request_id"):
        if re.fullmatch("[0-9a-f]{24}", expected.get(name, "")):
            assert re.fullmatch("[0-9a-f]{24}", told.pop(name))
            del expected[name]
    assert (answer.status_code, told) == (case["http"], expected)
    assert (told["type"] == "success") is case.get("accepted", case.get("verified"))


def test_answers_fit_our_document(msg91: Msg91) -> None:
    """Every answer, refusals included, fits otpgate's own description of it."""
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/api/v5/flow", {"json": {"template_id": FLOW, "recipients": [{"mobiles": IN, "OTP": "1234"}]}}),
        ("POST", "/api/v5/flow/", {"json": {"flow_id": FLOW, "mobiles": GB, "OTP": "1234", "sender": HEADER}}),
        ("POST", "/api/v5/flow", {"json": {}}), ("POST", f"/api/v5/otp?template_id={FLOW}&mobile={IN}", {}),
        ("POST", f"/api/v5/otp?template_id={FLOW}", {}), ("GET", f"/api/v5/otp/verify?mobile={IN}&otp=1", {}),
        ("POST", f"/api/v5/otp/verify?mobile={IN}&otp=2", {}), ("GET", f"/api/v5/otp/retry?mobile={IN}&retrytype=text", {}),
        ("POST", f"/api/v5/otp/retry?mobile={IN}&retrytype=voice", {}), ("POST", "/api/v5/report/logs/p/sms", {"json": {}}),
        ("POST", "/api/v2/sendsms", {"json": {"sender": HEADER, "route": "4", "country": "91", "sms": [{"message": "hi", "to": [IN[2:]]}]}}),
        ("POST", "/api/v2/sendsms", {"json": {}}),
        ("POST", "/api/sendhttp.php", {"data": {"authkey": KEY, "mobiles": GB, "message": "1234", "sender": HEADER, "route": "4"}}),
    ]
    for method, path, options in calls:
        answer = msg91.call(method, path, **options)
        found = JUDGE.match(method, path.partition("?")[0])
        assert found is not None
        assert JUDGE.response(found[0], answer.status_code, answer.content, answer.headers["content-type"]) == [], f"{method} {path}"


def test_healthy_calls_leave_no_remark(msg91: Msg91) -> None:
    """A flow, an OTP and its check as the documentation writes them differ in nothing from our document."""
    msg91.flow()
    msg91.otp()
    msg91.verify("0000")
    assert [(one["mismatches"], one["notes"]) for one in msg91.fakes.exchanges()[-3:]] == [([], [])] * 3


def test_text_is_the_registered_one(msg91: Msg91) -> None:
    """The flow's text with the variable filled in, from the template's own header."""
    msg91.flow()
    last = msg91.last()
    assert (last["text"], last["code"], last["from"], last["to"]) == ("123456 is your Acme code.", "123456", HEADER, f"+{IN}")
    assert "123456" not in json.dumps(msg91.fakes.exchanges()[-1])


def test_variable_of_another_case_is_not_filled_in(msg91: Msg91) -> None:
    """`otp` for `OTP`: a 200, and a text without a code, which leaves a note."""
    answer = msg91.flow(recipients=[{"mobiles": GB, "otp": "123456"}])
    assert answer.json()["type"] == "success"
    assert msg91.last()["text"] == "##OTP## is your Acme code."
    assert any("##OTP##" in note for note in msg91.fakes.exchanges()[-1]["notes"])


def test_one_request_many_numbers(msg91: Msg91) -> None:
    """Two numbers in one text and one more recipient share one id."""
    answer = msg91.flow(recipients=[{"mobiles": f"{IN},{IN2}", "OTP": "1234"}, {"mobiles": GB, "OTP": "4321"}])
    assert {(one["to"], one["provider_id"]) for one in msg91.fakes.messages()} == {
        (f"+{number}", answer.json()["message"]) for number in (IN, IN2, GB)
    }


def test_national_number_is_read_as_another_country(msg91: Msg91) -> None:
    """Ten digits without 91 are taken and go nowhere."""
    assert msg91.flow(to="9876543210").json()["type"] == "success"
    assert msg91.last()["country"] != "IN"


def test_older_api_puts_the_country_before_national_numbers(msg91: Msg91) -> None:
    """country=91 makes an Indian number of ten digits; the id comes bare unless JSON is asked for."""
    answer = msg91.http(mobiles=IN[2:], country="91", response=None)
    assert re.fullmatch("[0-9a-f]{24}", answer.text)
    assert msg91.last()["to"] == f"+{IN}"


def test_balance_and_logs(msg91: Msg91) -> None:
    """Credit is a bare number; the logs tell what ended."""
    assert msg91.call("GET", f"/api/balance.php?authkey={KEY}&type=4", key=None).text == "4200.00"
    msg91.flow(to=GB)
    msg91.fakes.admin("GET", "messages/wait", to=f"+{GB}")
    rows = msg91.call("POST", "/api/v5/report/logs/p/sms", json={"start_date": "2026-11-22", "end_date": "2026-11-23"}).json()["data"]
    assert [(row["number"], row["status"]) for row in rows] in ([(GB, "1")], [])


def test_without_an_account_every_well_formed_key_passes(start_fakes: Start) -> None:
    """Nobody described an account: the forms of key and template decide; the text shows the variables."""
    anyone = Msg91(fakes=start_fakes(gateways=[{"name": "india", "provider": "msg91"}], clock="immediate"))
    assert [anyone.flow(to=GB).json()["type"] for _ in range(2)] == ["success", "success"]
    assert anyone.last()["text"] == "OTP: 123456"
    assert anyone.otp().json()["type"] == "success"
    assert anyone.last()["text"] == f"Your verification code is {anyone.last()['code']}"
    assert anyone.flow(key="short").json()["code"] == "201"
    assert anyone.flow(template_id=REGISTERED).json()["message"].startswith("The provided flow ID")


def test_code_of_another_account_is_not_found(start_fakes: Start) -> None:
    """Two gateways do not know each other's numbers."""
    second = gateway(name="other", account={"provider": "msg91", "credentials": [{"id": "x", "secret": OTHER_KEY}]},
                     secrets={"auth_key": OTHER_KEY})
    both = Msg91(fakes=start_fakes(gateways=[gateway(), second], clock="immediate"))
    both.otp()
    code = both.last()["code"]
    assert both.verify(code, key=OTHER_KEY).json()["message"] == "Mobile no. not found"
    assert both.verify(code).json()["type"] == "success"


BODIES: list[tuple[dict[str, str], bytes]] = [
    (JSON, b""), (JSON, b"null"), (JSON, b"[]"), (JSON, b'"text"'), (JSON, b"{"), (JSON, b"\xff\xfe"), (FORM, b"{"), (FORM, b"%ff%fe=%zz&&=&to"),
    (JSON, b'{"template_id":{"a":1},"recipients":{"b":2}}'), (JSON, b'{"template_id":"6930040e475ae21f4f0c2ef9","recipients":7}'),
    (JSON, b'{"template_id":"6930040e475ae21f4f0c2ef9","recipients":[null,[],{},{"mobiles":{}}]}'),
    (JSON, '{"template_id":"6930040e475ae21f4f0c2ef9","recipients":[{"mobiles":"٩١٩٨٧٦٥٤٣٢١٠","OTP":[]}]}'.encode()),
    (JSON, b'{"template_id":"6930040e475ae21f4f0c2ef9","recipients":[{"mobiles":true,"OTP":1e999}],"route":{}}'),
    ({"Content-Type": "text/plain"}, b"\x00\x01"), ({}, b"mobiles=1"),
]


@pytest.mark.parametrize(("headers", "body"), BODIES)
@pytest.mark.parametrize("path", ["/api/v5/flow", "/api/v2/sendsms"])
def test_broken_body_is_refused(msg91: Msg91, path: str, headers: dict[str, str], body: bytes) -> None:
    """A body that is no call is a 200 that says error, never a crash of the fake."""
    answer = msg91.call("POST", path, data=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (200, "error")


@pytest.mark.parametrize("query", ["", "mobile=²&template_id=x", f"template_id={FLOW}&mobile=%ff&otp_length=²", f"template_id={FLOW}&mobile={IN}&otp_length=-1"])
@pytest.mark.parametrize("path", ["", "/verify", "/retry"])
def test_broken_query_is_refused(msg91: Msg91, path: str, query: str) -> None:
    """Odd parameters are refused in words."""
    answer = msg91.call("POST", f"/api/v5/otp{path}?{query}")
    assert (answer.status_code, answer.json()["type"]) == (200, "error")


def test_body_over_a_megabyte_is_refused(msg91: Msg91) -> None:
    """A body beyond the limit is not read."""
    assert msg91.flow(otp="x" * 1_100_000).status_code == 413
