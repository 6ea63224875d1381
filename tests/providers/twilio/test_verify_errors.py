"""Every row of the error catalogue for Verify: by account state, by input, or by an injected fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from msgspec import Struct
from twilio.base.exceptions import TwilioRestException

from otpgate_contracts.loading import pack
from otpgate_contracts.model import ErrorRow
from tests.providers.twilio.conftest import ACCOUNT, GB, KEY, KEY_SECRET, OTHER, TOKEN, US, Fakes, sha256, state
from tests.providers.twilio.verifying import OTHER_SERVICE, SERVICE, TEMPLATE, WRONG, Verify, owned

PACK = pack("twilio")
ROWS = [row for row in PACK.errors if row.product in ("verify", "verify_dlr")]
CHINA, IRAN, LANDLINE = "+8613812345678", "+989123456789", "+493023125000"
OPEN: dict[str, Any] = {"destinations": {}}


class Way(Struct, kw_only=True):
    """How a row is reached. `start` replaces parameters of a good start; `act` does something else instead."""

    start: dict[str, Any] = {}
    account: dict[str, Any] = {}
    service: dict[str, Any] = {}
    fault: dict[str, Any] = {}
    user: tuple[str, str] = (ACCOUNT, TOKEN)
    act: Callable[[Verify], Any] | None = None


def post(verify: Verify, path: str = "Verifications", data: object = None, **more: Any) -> requests.Response:
    """A call no SDK makes."""
    fakes: Fakes = verify.fakes
    fakes.wait(1)
    more.setdefault("auth", (ACCOUNT, TOKEN))
    form = {"To": US, "Channel": "sms"} if data is None else data
    return fakes.session.post(f"{fakes.base}/v2/Services/{SERVICE}/{path}", data=form, timeout=10, **more)


def guessed_out(verify: Verify) -> None:
    verify.start()
    for _ in range(6):
        verify.check(WRONG)


def starts(count: int) -> Callable[[Verify], None]:
    def act(verify: Verify) -> None:
        for _ in range(count):
            verify.start()

    return act


def at_once(verify: Verify) -> None:
    verify.start()
    verify.service.verifications.create(to=US, channel="sms")


def too_often_from_one_address(verify: Verify) -> None:
    for to in (US, GB, "+12025550144"):
        verify.start(to=to, rate_limits='{"end_user_ip": "192.0.2.7"}')


def too_fast(verify: Verify) -> None:
    for last in range(20, 40):
        verify.service.verifications.create(to=f"+120255501{last}", channel="sms")


def injected(code: str) -> Way:
    return Way(fault={"fault": "error", "code": code})


def of_other_service(verify: Verify) -> None:
    Verify(verify.fakes, service=OTHER_SERVICE).start()


def granted(*permissions: str) -> dict[str, Any]:
    return {"credentials": [{"id": KEY, "secret_sha256": sha256(KEY_SECRET), "permissions": [*permissions]}]}


Key = tuple[str, str, str]
WAYS: dict[Key, list[Way]] = {
    ("20003", "credentials_wrong", "verify"): [Way(user=(ACCOUNT, TOKEN[::-1])), Way(user=(ACCOUNT, f"{TOKEN}\n"))],
    ("20003", "credentials_unknown", "verify"): [Way(user=(OTHER, TOKEN))],
    ("20003", "credentials_missing", "verify"): [Way(act=lambda verify: post(verify, auth=lambda request: request))],
    ("20003", "region_wrong", "verify"): [
        Way(act=lambda verify: post(verify, headers={"Host": "verify.dublin.ie1.twilio.com"})),
    ],
    ("20003", "permission_missing", "verify"): [
        Way(account=granted("read"), user=(KEY, KEY_SECRET)), Way(account=granted("send"), user=(KEY, KEY_SECRET)),
        Way(account=granted("send"), user=(KEY, KEY_SECRET), act=lambda verify: verify.check(WRONG)),
    ],
    ("20005", "account_suspended", "verify"): [Way(account={"account": {"id": ACCOUNT, "status": "suspended"}})],
    ("20403", "account_closed", "verify"): [Way(account={"account": {"id": ACCOUNT, "status": "closed"}})],
    ("20008", "test_account", "verify"): [
        Way(account={"account": {"id": ACCOUNT, "kind": "test"}}),
        Way(account={"account": {"id": ACCOUNT, "kind": "test"}}, act=lambda verify: verify.check(WRONG)),
    ],
    ("20001", "input", "verify"): [
        Way(act=lambda verify: post(verify, data={"To": US})), Way(act=lambda verify: post(verify, data={"Channel": "sms"})),
        Way(act=lambda verify: post(verify, "VerificationCheck", data={"To": US})),
        Way(act=lambda verify: post(verify, json={"To": US, "Channel": "sms"}, data={})),
    ],
    ("60200", "parameter_malformed", "verify"): [
        Way(start={"channel": "pigeon"}), Way(start={"to": "2025550143"}), Way(start={"to": ""}), Way(start={"custom_code": "123"}),
        Way(start={"custom_code": "12345678901"}), Way(start={"locale": "english"}), Way(start={"template_sid": "HX" + "0" * 32}),
        Way(start={"rate_limits": "[]"}), Way(start={"device_ip": "none"}), Way(start={"risk_check": "maybe"}),
        Way(account={"templates": []}, start={"template_sid": TEMPLATE}),
        Way(act=lambda verify: Verify(verify.fakes, service=ACCOUNT).start()),
        Way(act=lambda verify: verify.check("12")), Way(act=lambda verify: verify.check("")),
        Way(act=lambda verify: verify.check(WRONG, to="")), Way(act=lambda verify: verify.check(WRONG, verification_sid="VE1")),
        Way(act=lambda verify: verify.service.verifications(US).update(status="pending")),
        Way(act=lambda verify: verify.fakes.session.get(
            f"{verify.fakes.base}/v2/Attempts?DateCreatedAfter=yesterday", auth=(ACCOUNT, TOKEN), timeout=10,
        )),
    ],
    ("60200", "recipient_malformed", "verify"): [Way(start={"to": "+12025550"}), Way(start={"to": "+4412"})],
    ("60204", "input", "verify"): [
        Way(service={"custom_code_enabled": False}, start={"custom_code": "123456"}),
        Way(service={"custom_friendly_name_enabled": False}, start={"custom_friendly_name": "Globex"}),
    ],
    ("60202", "input", "verify"): [Way(act=guessed_out)],
    ("60203", "input", "verify"): [Way(act=starts(6))],
    ("60205", "input", "verify"): [Way(account=OPEN, service={"skip_sms_to_landlines": True}, start={"to": LANDLINE})],
    ("60207", "input", "verify"): [
        Way(service={"rate_limits": {"end_user_ip": {"max": 2, "interval": 60}}}, act=too_often_from_one_address),
    ],
    ("60212", "input", "verify"): [Way(act=at_once)],
    ("60220", "input", "verify"): [Way(account=OPEN, start={"to": CHINA})],
    ("60223", "input", "verify"): [
        Way(start={"channel": "email", "to": "ann@example.com"}), Way(start={"channel": "sna"}),
        Way(service={"channels": ["sms"]}, start={"channel": "call"}),
    ],
    ("60238", "input", "verify"): [Way(account=OPEN, start={"to": IRAN}), Way(account={"settings": {"under_review": True}})],
    ("60410", "input", "verify"): [Way(account={"destinations": {"enabled": ["US"], "prefixes_blocked": ["+1202555"]}})],
    ("60605", "destination_disabled", "verify"): [Way(account={"destinations": {"enabled": ["CA"]}})],
    ("21608", "recipient_unverified", "verify"): [Way(account={"account": {"id": ACCOUNT, "kind": "trial"}}, start={"to": GB})],
    ("20404", "resource_missing", "verify"): [
        Way(act=of_other_service), Way(act=lambda verify: verify.check(WRONG)),
        Way(account={"services": []}), Way(act=lambda verify: verify.service.verifications("VE" + "0" * 32).fetch()),
    ],
    ("20413", "body_too_large", "verify"): [Way(act=lambda verify: post(verify, data={"To": "1" * 1_100_000}))],
    ("20429", "rate_limited", "verify"): [Way(account={"limits": {"per_second": 1}}, act=too_fast)],
    ("20500", "provider_error", "verify"): [Way(fault={"fault": "status", "status": 500}), injected("20500")],
    ("20503", "provider_unavailable", "verify"): [Way(fault={"fault": "status", "status": 503})],
    ("30003", "handset_unreachable", "verify_dlr"): [Way(fault={"fault": "accept_then_fail", "code": "30003"})],
    ("30005", "handset_unknown", "verify_dlr"): [Way(fault={"fault": "accept_then_fail", "code": "30005"})],
    ("30006", "input", "verify_dlr"): [Way(account=OPEN, service={"skip_sms_to_landlines": False}, start={"to": LANDLINE})],
    ("30008", "unknown_failure", "verify_dlr"): [Way(fault={"fault": "accept_then_fail"})],
}
CASES = [
    pytest.param(row, way, id=f"{row.code}-{row.trigger}-{index}")
    for row in ROWS
    for index, way in enumerate(WAYS[row.code, row.trigger, row.product])
]


def test_every_row_has_a_way() -> None:
    """The table of ways and the catalogue name the same rows, none twice."""
    keys = [(row.code, row.trigger, row.product) for row in ROWS]
    assert len(keys) == len(set(keys)) == len(WAYS) == 32
    assert set(keys) == set(WAYS)


def prepared(fakes: Fakes, way: Way) -> Verify:
    fakes.account(**owned(**way.service) | way.account)
    if way.fault:
        fakes.fault(**way.fault)
    return Verify(fakes, way.user)


@pytest.mark.parametrize(("row", "way"), [case for case in CASES if case.values[0].phase == "sync"])
def test_a_row_is_answered(fakes: Fakes, row: ErrorRow, way: Way) -> None:
    """The call is refused with the row's code and HTTP status, in Twilio's envelope."""
    verify = prepared(fakes, way)
    code, status = refused(lambda: way.act(verify) if way.act is not None else verify.start(**way.start))
    assert (code, status) == (int(row.code), row.http)


def refused(call: Callable[[], Any]) -> tuple[int | None, int]:
    """Code and status of the refusal, as the SDK raises it or as it stands in the body."""
    try:
        answer = call()
    except TwilioRestException as error:
        return error.code, error.status
    assert isinstance(answer, requests.Response), f"accepted: {answer!r}"
    told = answer.json()
    assert (told["status"], told["more_info"]) == (answer.status_code, f"https://www.twilio.com/docs/errors/{told['code']}")
    return told["code"], answer.status_code


@pytest.mark.parametrize(("row", "way"), [case for case in CASES if case.values[0].phase == "async"])
def test_a_row_is_told_by_the_attempts(fakes: Fakes, row: ErrorRow, way: Way) -> None:
    """The start is accepted; only the attempt says that the message did not arrive, and why."""
    verify = prepared(fakes, way)
    started = verify.start(**way.start)
    attempt = (started.send_code_attempts or [{}])[0]["attempt_sid"]
    fakes.finish(attempt)
    told = fakes.client().verify.v2.verification_attempts(attempt).fetch().channel_data or {}
    assert (told["message_status"], told["error_code"]) == (row.state, row.code)
    assert verify.service.verifications(started.sid or "").fetch().status == "pending"


TWINS: dict[str, Way] = {
    "as it stands": Way(),
    "custom code where it is enabled": Way(start={"custom_code": "1234567890"}),
    "landline by call": Way(account=OPEN, service={"skip_sms_to_landlines": True}, start={"to": LANDLINE, "channel": "call"}),
    "within the rate limit": Way(
        service={"rate_limits": {"end_user_ip": {"max": 2, "interval": 60}}}, start={"rate_limits": '{"end_user_ip": "192.0.2.7"}'},
    ),
    "vetted for China": Way(account=OPEN | {"settings": {"use_case_vetted": ["CN"]}}, start={"to": CHINA}),
    "another prefix than the blocked one": Way(account={"destinations": {"enabled": ["US"], "prefixes_blocked": ["+44"]}}),
    "an API key that may verify": Way(account=granted("verify"), user=(KEY, KEY_SECRET)),
    "verified on a trial": Way(account={"account": {"id": ACCOUNT, "kind": "trial"}}),
    "fifth send": Way(act=starts(5)),
    "services nobody described": Way(account={"services": None}),
    "services of another product alone": Way(account={"services": [{"id": state()["senders"][-1]["pool"]}]}),
}


@pytest.mark.parametrize("name", TWINS)
def test_a_healthy_twin_is_taken(fakes: Fakes, name: str) -> None:
    """What the rows above spoil is taken as it stands."""
    way = TWINS[name]
    verify = prepared(fakes, way)
    if way.act is not None:
        way.act(verify)
    else:
        assert verify.start(**way.start).status == "pending"
