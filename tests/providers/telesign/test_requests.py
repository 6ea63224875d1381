"""What a call may look like, what its answer looks like, and what nobody should send."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import otpgate_fakes.telesign
from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from otpgate_fakes.telesign import FAKE
from tests.providers.conftest import Start
from tests.providers.telesign.conftest import FORM, GB, ID, IN, KEY, OTHER_ID, OTHER_KEY, TEXT, Telesign, gateway

PACK = loading.pack("telesign")
JUDGE = Judge(loading.openapi(PACK))


def test_operations_are_described() -> None:
    """The fake plays exactly what openapi.yaml describes, on hosts of the provider; the questions are among it."""
    ids = {one.id for one in JUDGE.endpoints.values() if not one.webhook}
    assert {operation.id for operation in FAKE.operations} == ids
    assert {host for one in JUDGE.endpoints.values() for host in one.hosts} == {host.name for host in PACK.provider.hosts}
    assert {question.operation for question in PACK.provider.account_api} == {"get_message", "read_verify", "get_verification"}


def test_every_fact_has_a_source() -> None:
    """Errors, hosts, settings and quirks all say why we believe them."""
    provider = PACK.provider
    facts = [
        *PACK.errors, *PACK.senders.kinds, *PACK.senders.rules, *provider.hosts, *provider.settings, *provider.credentials,
        *provider.lifecycle.states, *provider.webhooks, provider.limits, *provider.sdks, *provider.account_api, *provider.quirks,
    ]
    assert [fact for fact in facts if not fact.source] == []


@pytest.mark.parametrize("file", sorted(Path(otpgate_fakes.telesign.__file__).parent.glob("*.py")), ids=lambda file: file.stem)
def test_codes_are_in_the_catalogue(file: Path) -> None:
    """Every code a module refuses with is a row of errors.yaml."""
    codes = set(re.findall(r'(?:Refused|refuse)\(\s*"(-?\d+)"', file.read_text()))
    assert codes <= {row.code for row in PACK.errors}


def test_answers_fit_our_document(ts: Telesign) -> None:
    """Every answer, refusals included, fits otpgate's own description of it."""
    sent, code = ts.send().json()["reference_id"], ts.verify().json()["reference_id"]
    body = json.dumps({"recipient": {"phone_number": f"+{GB}"}, "external_id": "x"})
    started = ts.call("POST", "/verification", body, kind="application/json").json()["reference_id"]
    final = json.dumps({"action": "finalize", "security_factor": "000"})
    calls: list[tuple[str, str, str, str]] = [
        ("POST", "/v1/messaging", f"phone_number={GB}&message=x&message_type=OTP", FORM), ("POST", "/v1/messaging", "", FORM),
        ("GET", f"/v1/messaging/{sent}", "", ""), ("GET", "/v1/messaging/unknown", "", ""),
        ("POST", "/v1/verify/sms", f"phone_number={GB}", FORM), ("POST", "/v1/verify/sms", "", FORM), ("GET", f"/v1/verify/{code}", "", ""),
        ("PUT", f"/v1/verify/completion/{code}", "", FORM), ("POST", "/verification", body, "application/json"),
        ("POST", "/verification", "{}", "application/json"), ("GET", f"/verification/{started}", "", ""),
        ("PATCH", f"/verification/{started}/state", final, "application/json"),
    ]
    for method, path, text, kind in calls:
        answer = ts.call(method, path, text, kind=kind)
        found = JUDGE.match(method, path)
        assert found is not None
        assert JUDGE.response(found[0], answer.status_code, answer.content) == [], f"{method} {path}: {answer.text}"


def test_send_is_taken_and_read_back(ts: Telesign) -> None:
    """290 at once, and the final status by reading; ids are capitals, times have six decimals."""
    sent = ts.send({"external_id": "otp-42"}).json()
    assert (sent["status"]["code"], sent["external_id"]) == (290, "otp-42")
    assert re.fullmatch("[0-9A-F]{32}", sent["reference_id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", sent["status"]["updated_on"])
    assert (ts.last()["to"], ts.last()["from"], ts.last()["text"], ts.last()["code"]) == (f"+{GB}", "ACME", TEXT, "123456")
    assert ts.call("GET", f"/v1/messaging/{sent['reference_id']}").json()["status"]["code"] in (290, 203, 200)


def test_india_with_its_ids_is_delivered(ts: Telesign) -> None:
    """Both DLT ids keep a text to India from ending with 517."""
    ts.send({"phone_number": IN, "sender_id": None, "dlt_template_id": "1107234567890123456", "dlt_entity_id": "1101234567890123456"})
    ts.fakes.admin("GET", "messages/wait", to=f"+{IN}")
    assert ts.last()["error"] is None


def test_message_of_another_account_is_not_found(start_fakes: Start) -> None:
    """Two gateways do not see each other's messages."""
    second = gateway(name="other", account={"provider": "telesign", "credentials": [{"id": OTHER_ID, "secret": OTHER_KEY}]},
                     secrets={"customer_id": OTHER_ID, "api_key": OTHER_KEY})
    both = Telesign(fakes=start_fakes(gateways=[gateway(), second], clock="immediate"))
    path = f"/v1/messaging/{both.send().json()['reference_id']}"
    assert both.call("GET", path).status_code == 200
    assert both.call("GET", path, who=OTHER_ID, key=OTHER_KEY).status_code == 404


def test_without_an_account_every_well_formed_caller_passes(start_fakes: Start) -> None:
    """Nobody described an account: the Customer ID's form decides, the signature cannot be checked, and a note says so."""
    anyone = Telesign(fakes=start_fakes(gateways=[{"name": "ts", "provider": "telesign"}], clock="immediate"))
    assert anyone.send({"sender_id": "Anybody"}).status_code == 200
    assert any("not checked" in note for note in anyone.fakes.exchanges()[-1]["notes"])
    assert anyone.send(who="acme").json()["status"]["code"] == 10015


def test_right_code_verifies_once_and_wrong_ones_do_not(ts: Telesign) -> None:
    """Always a 200: the code's state is in the body. Three wrong tries end it."""
    first = ts.verify().json()["reference_id"]
    code = ts.last()["code"]
    assert len(code) == 7
    assert [ts.try_code(first, tried) for tried in ("000", code, code, "000")] == ["INVALID", "VALID", "VALID", "INVALID"]
    second = ts.verify({"verify_code": "123456"}).json()["reference_id"]
    assert [ts.try_code(second, tried) for tried in ("1", "2", "3", "123456")] == [
        "INVALID", "INVALID", "MAX_ATTEMPTS_EXCEEDED", "MAX_ATTEMPTS_EXCEEDED",
    ]
    assert ts.call("PUT", f"/v1/verify/completion/{first}").json()["status"]["code"] == 1900


def test_code_expires(ts: Telesign) -> None:
    """After five minutes the right code is EXPIRED, in a 200."""
    reference = ts.verify().json()["reference_id"]
    code = ts.last()["code"]
    ts.fakes.clock(shift=301)
    assert ts.try_code(reference, code) == "EXPIRED"


def test_template_without_code_is_taken(ts: Telesign) -> None:
    """The text arrives without a code and nothing in the answer says so; the exchange has a note."""
    assert ts.verify({"template": "Your code is {code}"}).status_code == 200
    assert ts.last()["text"] == "Your code is {code}"
    assert any("$$CODE$$" in note for note in ts.fakes.exchanges()[-1]["notes"])


def test_sender_verify_does_not_know_is_left_out(ts: Telesign) -> None:
    """SMS Verify ignores it silently; the SMS API refuses it."""
    assert ts.verify({"sender_id": "NOTMINE"}).status_code == 200
    assert ts.last()["from"] == ""
    assert ts.send({"sender_id": "NOTMINE"}).json()["status"]["code"] == 11013


def test_process_is_finalised(ts: Telesign) -> None:
    """3904 for a wrong code, 3900 for the right one; another process ends with 3909."""
    def start() -> str:
        made = ts.call("POST", "/verification", json.dumps({"recipient": {"phone_number": GB}}), kind="application/json").json()
        assert (made["state"], made["status"]["code"]) == ("CREATED", 3901)
        found: str = made["reference_id"]
        return found

    def finalise(reference: str, code: str) -> tuple[int, str]:
        body = json.dumps({"action": "finalize", "security_factor": code})
        told = ts.call("PATCH", f"/verification/{reference}/state", body, kind="application/json").json()
        return told["status"]["code"], told["state"]

    first = start()
    code = ts.last()["code"]
    assert [finalise(first, tried) for tried in ("000", code)] == [(3904, "ONGOING"), (3900, "VERIFIED")]
    second = start()
    assert [finalise(second, tried) for tried in ("1", "2", "3")][-1] == (3909, "FAILED")


def finalised(ts: Telesign, reference: str, code: str) -> tuple[int, int, str]:
    """HTTP status, status and state of a try at a process."""
    body = json.dumps({"action": "finalize", "security_factor": code})
    answer = ts.call("PATCH", f"/verification/{reference}/state", body, kind="application/json")
    told = answer.json()
    return answer.status_code, told["status"]["code"], told["state"]


def process_of(ts: Telesign) -> tuple[str, str]:
    """A new process and its code."""
    made = ts.call("POST", "/verification", json.dumps({"recipient": {"phone_number": GB}}), kind="application/json").json()
    return made["reference_id"], ts.last()["code"]


def test_right_code_comes_too_late_for_a_process(ts: Telesign) -> None:
    """After five minutes the right code does not verify, in a 200, and the process has failed."""
    reference, code = process_of(ts)
    ts.fakes.clock(shift=301)
    assert finalised(ts, reference, code) == (200, 3904, "FAILED")
    assert ts.call("GET", f"/verification/{reference}").json()["state"] == "FAILED"


def test_right_code_comes_after_too_many_wrong_ones(ts: Telesign) -> None:
    """The third wrong code ends a process: the right one afterwards is the last wrong one again."""
    reference, code = process_of(ts)
    assert [finalised(ts, reference, tried)[1] for tried in ("1", "2", "3", code)] == [3904, 3904, 3909, 3909]


def test_process_verifies_once(ts: Telesign) -> None:
    """The same code a second time is not 3900, nor is another one."""
    reference, code = process_of(ts)
    assert [finalised(ts, reference, tried)[1] for tried in (code, code, "000")] == [3900, 3904, 3904]


def test_process_that_is_not_there(ts: Telesign) -> None:
    """A code for an unknown reference is 404 and 3304."""
    body = json.dumps({"action": "finalize", "security_factor": "123456"})
    answer = ts.call("PATCH", f"/verification/{'0' * 32}/state", body, kind="application/json")
    assert (answer.status_code, answer.json()["status"]["code"]) == (404, 3304)


BODIES = ["", "{", "%ff%fe=%zz&&=&to", "phone_number=%00&message=x", f"phone_number={GB}&message=x&message_type=%F0", "x" * 5000,
          f"phone_number={GB}&phone_number={GB}", "phone_number[]=1&message[a]=b"]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["/v1/messaging", "/v1/verify/sms", "/verification"])
def test_broken_body_is_refused(ts: Telesign, path: str, body: str) -> None:
    """A body that is no call is a 4xx with a code, or a taken send; never a crash of the fake."""
    answer = ts.call("POST", path, body, kind="application/json" if path == "/verification" else FORM)
    assert answer.status_code in (200, 400)
    assert isinstance(answer.json()["status"]["code"], int)


JSONS = ["null", "[]", "7", '{"recipient":null}', '{"recipient":{"phone_number":7}}', '{"recipient":{"phone_number":""}}',
         '{"recipient":{"phone_number":"447700900123"},"verification_policy":7}', '{"recipient":{"phone_number":"447700900123"},"security_factor":{}}']


@pytest.mark.parametrize("body", JSONS)
def test_broken_process_is_refused(ts: Telesign, body: str) -> None:
    """Odd JSON is a 400 with one of the codes for it."""
    answer = ts.call("POST", "/verification", body, kind="application/json")
    assert (answer.status_code, answer.json()["status"]["code"] in (3101, 3103, 3110, 3302)) == (400, True)


def test_odd_headers_are_refused(ts: Telesign) -> None:
    """Dates and nonces nobody should send are 401."""
    for headers in ({"Date": "Mon, 99 Nov 99999 99:99:99 GMT"}, {"x-ts-nonce": ""}, {"Authorization": f"TSA {ID}:²"}, {"Authorization": f"TSA {ID}:{KEY}"}):
        answer: Any = ts.send(headers={name: value.encode("utf-8").decode("latin-1") for name, value in headers.items()})
        assert answer.status_code == 401


def test_body_over_64_kilobytes_is_refused(ts: Telesign) -> None:
    """A body beyond the limit is not read."""
    assert ts.send({"message": "x" * 70_000}).status_code == 413
