"""Verify: codes Telnyx makes and checks, through the official Python SDK and by every row of its table."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
import telnyx as sdk
from telnyx.lib.webhook_verification import verify_webhook_signature

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from otpgate_contracts.wire import Judge
from tests.providers.conftest import Running, Start
from tests.providers.telnyx.conftest import (
    GB,
    KEY,
    LANDLINE,
    OTHER_KEY,
    PROFILE,
    PUBLIC_KEY,
    US,
    VERIFY,
    Telnyx,
    account,
    event_of,
    gateway,
    payload_of,
    profiles,
)

PACK = loading.pack("telnyx")
JUDGE = Judge(loading.openapi(PACK))
ROWS = [row for row in PACK.errors if row.product.startswith("verify")]
JSON = {"Content-Type": "application/json"}
STRANGER = "00000000-0000-4000-8000-000000000000"
Cause = Callable[[Telnyx], requests.Response]


@pytest.fixture
def codes(telnyx: Telnyx) -> Telnyx:
    """The account with a Verify profile that tells somebody."""
    telnyx.state(services=profiles())
    return telnyx


@pytest.fixture
def client(codes: Telnyx, monkeypatch: pytest.MonkeyPatch) -> sdk.Telnyx:
    """The SDK, led to the fake by production host names."""
    for name, value in codes.fakes.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("no_proxy", "TELNYX_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return sdk.Telnyx(api_key=KEY, max_retries=0)


def start(telnyx: Telnyx, key: str | None = KEY, **fields: Any) -> requests.Response:
    """A healthy call; a field of None is left out."""
    given = {"phone_number": GB, "verify_profile_id": VERIFY} | fields
    return telnyx.call("POST", "/v2/verifications/sms", key=key, json={name: value for name, value in given.items() if value is not None})


def check(telnyx: Telnyx, code: str, number: str = GB, profile: str = VERIFY) -> requests.Response:
    body = {"code": code, "verify_profile_id": profile}
    return telnyx.call("POST", f"/v2/verifications/by_phone_number/{number}/actions/verify", json=body)


def verdict(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["data"]["response_code"]


def wrong(code: str) -> str:
    return code[:-1] + str((int(code[-1]) + 1) % 10)


def test_right_code_verifies_once(codes: Telnyx, client: sdk.Telnyx) -> None:
    """Five digits in the profile's words; the right code is accepted once, and its status says so."""
    made = client.verifications.trigger_sms(phone_number=GB, verify_profile_id=VERIFY).data
    assert (made.status, made.timeout_secs, made.type, made.custom_code) == ("pending", 300, "sms", None)
    code = codes.last()["code"]
    assert (len(code), codes.last()["text"]) == (5, f"Your Acme verification code is: {code}.")
    actions = client.verifications.by_phone_number.actions
    assert actions.verify(GB, code=code, verify_profile_id=VERIFY).data.response_code == "accepted"
    assert client.verifications.retrieve(str(made.id)).data.status == "accepted"
    assert actions.verify(GB, code=code, verify_profile_id=VERIFY).data.response_code == "rejected"
    assert [one["mismatches"] for one in codes.fakes.exchanges()] == [[]] * 4


def test_wrong_code_is_a_200_that_does_not_verify(codes: Telnyx, client: sdk.Telnyx) -> None:
    """A wrong code raises nothing: response_code is rejected; the right one still verifies, after any number of wrong ones."""
    client.verifications.trigger_sms(phone_number=GB, verify_profile_id=VERIFY)
    code = codes.last()["code"]
    actions = client.verifications.by_phone_number.actions
    tries = [actions.verify(GB, code=one, verify_profile_id=VERIFY).data for one in (wrong(code), "0", "x", *[wrong(code)] * 9, code)]
    assert [one.response_code for one in tries] == ["rejected"] * 12 + ["accepted"]
    assert codes.fakes.exchanges()[-2]["code"] == "rejected"


def test_profile_may_end_the_guessing(codes: Telnyx) -> None:
    """Where account state sets max_attempts, even the right code is rejected after as many wrong ones."""
    codes.state(services=profiles(max_attempts=3))
    made = start(codes).json()["data"]["id"]
    code = codes.last()["code"]
    assert [verdict(check(codes, one)) for one in (*[wrong(code)] * 3, code)] == [(200, "rejected")] * 4
    assert codes.call("GET", f"/v2/verifications/{made}").json()["data"]["status"] == "invalid"


def test_unknown_profile_is_not_found(codes: Telnyx, client: sdk.Telnyx) -> None:
    """A profile that is not there, or that is one of messages, raises; so does a check without any verification."""
    for id in (STRANGER, PROFILE):
        with pytest.raises(sdk.NotFoundError) as raised:
            client.verifications.trigger_sms(phone_number=GB, verify_profile_id=id)
        body: Any = raised.value.body
        assert body["errors"][0]["code"] == "10005"
    with pytest.raises(sdk.NotFoundError):
        client.verifications.by_phone_number.actions.verify(US, code="12345", verify_profile_id=VERIFY)
    with pytest.raises(sdk.AuthenticationError):
        sdk.Telnyx(api_key=OTHER_KEY, max_retries=0).verifications.trigger_sms(phone_number=GB, verify_profile_id=VERIFY)
    assert codes.fakes.messages() == []


def test_code_of_ones_own(codes: Telnyx, client: sdk.Telnyx) -> None:
    """A custom code is sent and told; whoever made it may also say the verdict, which others may not."""
    made = client.verifications.trigger_sms(phone_number=GB, verify_profile_id=VERIFY, custom_code="654321").data
    assert (codes.last()["code"], made.custom_code) == ("654321", "654321")
    assert client.verifications.actions.verify(str(made.id), code="654321").data.response_code == "accepted"
    for status, state in (("accepted", "accepted"), ("rejected", "invalid")):
        own = client.verifications.trigger_sms(phone_number=GB, verify_profile_id=VERIFY, custom_code="654321").data
        assert client.verifications.actions.verify(str(own.id), status=status).data.response_code == status  # type: ignore[arg-type]
        assert client.verifications.retrieve(str(own.id)).data.status == state
    theirs = client.verifications.trigger_sms(phone_number=GB, verify_profile_id=VERIFY).data
    with pytest.raises(sdk.BadRequestError):
        client.verifications.actions.verify(str(theirs.id), status="accepted")


def test_newest_code_of_a_number_counts(codes: Telnyx, client: sdk.Telnyx) -> None:
    """After a second code the first is rejected; both are listed, the newest first."""
    start(codes, custom_code="11111")
    start(codes, custom_code="22222")
    assert [verdict(check(codes, one)) for one in ("11111", "22222")] == [(200, "rejected"), (200, "accepted")]
    assert [one.status for one in client.verifications.by_phone_number.list(GB).data] == ["accepted", "pending"]


@pytest.fixture(scope="module")
def stepped(start_fakes: Start) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(gateways=[gateway(account=account(services=profiles(default_verification_timeout_secs=120, webhook_url=None)))])
    fakes.clock(mode="manual", stepped=True)
    return fakes


@pytest.mark.parametrize(("given", "life"), [(None, 120), (60, 60)])
def test_right_code_is_too_late_after_its_time(stepped: Running, given: int | None, life: int) -> None:
    """After the profile's timeout, or the call's, the right code is rejected, still inside a 200."""
    late = Telnyx(fakes=stepped)
    made = start(late, timeout_secs=given).json()["data"]
    assert made["timeout_secs"] == life
    code = late.last()["code"]
    stepped.clock(advance=life + 1)
    assert verdict(check(late, code)) == (200, "rejected")
    assert late.call("GET", f"/v2/verifications/{made['id']}").json()["data"]["status"] == "expired"


def test_webhooks_tell_the_code(codes: Telnyx, listener: Any) -> None:
    """verify.sent, then verify.delivered, at the profile's URL: signed, and with the code in the clear."""
    made = start(codes).json()["data"]["id"]
    calls = listener.wait(2)
    assert [(event_of(one), payload_of(one)["delivery_status"]) for one in calls] == [("verify.sent", "sent"), ("verify.delivered", "delivered")]
    payload = payload_of(calls[1])
    assert (payload["id"], payload["profile_id"], payload["custom_code"]) == (made, VERIFY, codes.last()["code"])
    for call in calls:
        assert call.path == "/verify"
        verify_webhook_signature(call.body.decode(), call.headers, PUBLIC_KEY)
        assert JUDGE.request("receive_verify_event", [], call.headers, call.body, "application/json") == []
    assert codes.last()["code"] not in json.dumps(codes.fakes.receipts())


def test_landline_is_told_late(codes: Telnyx, listener: Any) -> None:
    """A number that takes no SMS is a pending verification, and verify.failed."""
    assert start(codes, phone_number=LANDLINE).json()["data"]["status"] == "pending"
    failed = listener.wait(2)[-1]
    assert (event_of(failed), payload_of(failed)["delivery_status"]) == ("verify.failed", "delivery_failed")


def test_profile_decides_length_life_words_and_destinations(codes: Telnyx, client: sdk.Telnyx) -> None:
    """What the profile says is what codes are like, and what the account question tells."""
    codes.state(services=profiles(code_length=8, template="{{code}} for {{app_name}}", whitelisted_destinations=["GB"], default_verification_timeout_secs=60))
    assert start(codes).json()["data"]["timeout_secs"] == 60
    code = codes.last()["code"]
    assert (len(code), codes.last()["text"]) == (8, f"{code} for Acme")
    told: Any = client.verify_profiles.retrieve(VERIFY).data
    assert (told.sms.code_length, told.sms.default_verification_timeout_secs, told.sms.whitelisted_destinations) == (8, 60, ["GB"])
    assert [one.id for one in client.verify_profiles.list()] == [VERIFY]
    codes.state(services=profiles(template="No code here"))
    start(codes)
    assert codes.last()["code"] is None


def test_answers_fit_our_document(codes: Telnyx) -> None:
    """Every answer of Verify, refusals included, fits otpgate's own description of it."""
    made = start(codes).json()["data"]["id"]
    by_number = f"/v2/verifications/by_phone_number/{GB}"
    body = {"code": "1", "verify_profile_id": VERIFY}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v2/verifications/sms", {"json": {"phone_number": GB, "verify_profile_id": VERIFY, "custom_code": None}}),
        ("POST", "/v2/verifications/sms", {"json": {}}), ("POST", "/v2/verifications/sms", {"data": "x"}),
        ("POST", f"{by_number}/actions/verify", {"json": body}), ("POST", f"{by_number}/actions/verify", {"json": {}}),
        ("GET", by_number, {}), ("GET", "/v2/verifications/by_phone_number/1", {}), ("POST", f"/v2/verifications/{made}/actions/verify", {"json": {"code": "1"}}),
        ("POST", f"/v2/verifications/{STRANGER}/actions/verify", {"json": {"code": "1"}}), ("GET", f"/v2/verifications/{made}", {}),
        ("GET", "/v2/verifications/unknown", {}), ("GET", "/v2/verify_profiles", {}), ("GET", f"/v2/verify_profiles/{VERIFY}", {}),
        ("GET", f"/v2/verify_profiles/{PROFILE}", {}),
    ]
    for method, path, options in calls:
        answer = codes.call(method, path, **options)
        found = JUDGE.match(method, path)
        assert found is not None
        assert JUDGE.response(found[0], answer.status_code, answer.content) == [], f"{method} {path}: {answer.text}"
    assert codes.call("GET", f"/v2/messages/{made}").status_code == 404


def starting(key: str | None = KEY, **fields: Any) -> Cause:
    return lambda telnyx: start(telnyx, key, **fields)


def posting(path: str, **options: Any) -> Cause:
    return lambda telnyx: telnyx.call("POST", f"/v2/verifications/{path}", **options)


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(telnyx: Telnyx) -> requests.Response:
        telnyx.state(**{"services": profiles(), **changes})
        return cause(telnyx)

    return changed


def twice(cause: Cause) -> Cause:
    return lambda telnyx: [cause(telnyx), cause(telnyx)][-1]


def trying(*codes: str, **fields: Any) -> Cause:
    """Codes tried one after another; `right` is the one that arrived."""

    def cause(telnyx: Telnyx) -> requests.Response:
        telnyx.state(services=profiles(**fields))
        start(telnyx)
        right = telnyx.last()["code"]
        return [check(telnyx, right if code == "right" else code) for code in codes][-1]

    return cause


BY_NUMBER = f"by_phone_number/{GB}/actions/verify"
CAUSES: dict[str, list[Cause]] = {
    "10009": [starting(OTHER_KEY), starting(None), posting(BY_NUMBER, key=None, json={})],
    "10010": [
        with_state(starting(), permissions=["read"]), with_state(starting(), ip_allowlist=["192.0.2.1"]),
        with_state(starting(), account={"id": "acme", "kind": "trial"}, verified_recipients=[US]),
    ],
    "10005": [
        starting(verify_profile_id=STRANGER), starting(verify_profile_id=PROFILE), posting(BY_NUMBER, json={"code": "1", "verify_profile_id": VERIFY}),
        posting(f"{STRANGER}/actions/verify", json={"code": "1"}), posting("call", json={"phone_number": GB, "verify_profile_id": VERIFY}),
    ],
    "10002": [
        starting(phone_number=GB[1:]), starting(phone_number="07700900123"), starting(phone_number="12345"), starting(phone_number="+4412345678"),
        lambda telnyx: telnyx.call("GET", "/v2/verifications/by_phone_number/44"),
    ],
    "10004": [
        starting(phone_number=None), starting(verify_profile_id=None), starting(phone_number=""), posting(BY_NUMBER, json={"verify_profile_id": VERIFY}),
        posting(BY_NUMBER, json={"code": "12345"}), posting(BY_NUMBER, json={"code": "", "verify_profile_id": VERIFY}),
    ],
    "10014": [posting("sms", data={"phone_number": GB}), posting(BY_NUMBER, data="x")],
    "10015": [
        starting(timeout_secs=0), starting(timeout_secs=86_401), starting(timeout_secs="300"), starting(timeout_secs=True), starting(custom_code="12"),
        starting(custom_code="abcde"), starting(custom_code=12345), starting(phone_number={"a": 1}), posting("sms", data="{", headers=JSON),
        posting("sms", data="[]", headers=JSON), posting(BY_NUMBER, json={"code": 12345, "verify_profile_id": VERIFY}), starting(custom_code="1" * 1_100_000),
    ],
    "10011": [with_state(twice(starting()), limits={"per_second": 1}), with_state(twice(starting()), limits={"per_day": 1, "per_second": 50})],
    "20012": [with_state(starting(), account={"id": "acme", "status": name}) for name in ("suspended", "closed")],
    "20100": [with_state(starting(), balance={"amount": "0.00"})],
    "40309": [with_state(starting(), destinations={"enabled": ["US"]}), with_state(starting(), services=profiles(whitelisted_destinations=["US"]))],
    "40333": [with_state(starting(), balance={"amount": "9.00", "spend_limit": "0.00"})],
    "rejected": [trying("0"), trying("right", "right"), trying("0", "0", "right", max_attempts=2), trying("0", default_verification_timeout_secs=1)],
    "delivery_failed": [starting(phone_number=LANDLINE), with_state(starting(), opted_out=[GB])],
}


def injected(row: ErrorRow) -> Cause:
    """The row as a fault: refused, or accepted and doomed."""

    def cause(telnyx: Telnyx) -> requests.Response:
        fault = "accept_then_fail" if row.phase == "async" else "error"
        telnyx.fakes.faults({"fault": fault, "code": row.code, "provider": "telnyx"})
        return start(telnyx)

    return cause


CASES = [
    pytest.param(row, cause, id=f"{row.code}-{index}")
    for row in ROWS
    for index, cause in enumerate(CAUSES.get(row.code) or [injected(row)])
]


def test_every_row_is_counted() -> None:
    """Fifteen refusals, one verdict and two ends of a message; only the provider's own failures are injected."""
    counts = {name: sum(row.product == name for row in ROWS) for name in {row.product for row in ROWS}}
    assert counts == {"verify": 16, "verify_dlr": 2}
    left = {row.trigger for row in ROWS if row.code not in CAUSES}
    assert left == {"fault", "provider_error", "provider_timeout"}


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(codes: Telnyx, listener: Any, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: its HTTP status and error, its verdict inside a 200, or the webhook where it comes late."""
    answer = cause(codes)
    if row.phase == "async":
        assert answer.status_code == 200
        told = [payload_of(one)["delivery_status"] for one in listener.wait(1 if row.code == "sending_failed" else 2)]
        assert (told[-1], codes.last()["error"]) == (row.state, row.code)
        return
    assert (answer.status_code, codes.fakes.exchanges()[-1]["code"]) == (row.http, row.code)
    if row.phase == "body":
        assert verdict(answer) == (200, "rejected")
        return
    (error,) = answer.json()["errors"]
    assert (error["code"], error["title"]) == (row.code, row.title)
    if "pointer" in row.extra:
        assert error["source"]["pointer"] == row.extra["pointer"]


def test_the_parameter_is_named(codes: Telnyx) -> None:
    """A missing or bad parameter is pointed at."""
    pointers = [start(codes, **fields).json()["errors"][0]["source"]["pointer"] for fields in (
        {"phone_number": None}, {"verify_profile_id": None}, {"timeout_secs": -1}, {"custom_code": "x"},
    )]
    assert pointers == ["/phone_number", "/verify_profile_id", "/timeout_secs", "/custom_code"]


def test_any_profile_will_do_while_none_is_described(telnyx: Telnyx) -> None:
    """An account file without services says nothing of profiles: the call is taken, and told at the account's own URL."""
    telnyx.state(services=None)
    assert start(telnyx, verify_profile_id=STRANGER).status_code == 200
    assert verdict(check(telnyx, telnyx.last()["code"], profile=STRANGER)) == (200, "accepted")


def test_healthy_twin(codes: Telnyx) -> None:
    """The same call that the rows above spoil is taken as it stands."""
    assert start(codes).status_code == 200
    assert verdict(check(codes, codes.last()["code"])) == (200, "accepted")
