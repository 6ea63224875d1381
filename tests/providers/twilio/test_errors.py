"""Every row of the error catalogue for messages is reachable: by account state, by input, or by an injected fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from msgspec import Struct
from twilio.base.exceptions import TwilioRestException

from otpgate_contracts.loading import pack
from otpgate_contracts.model import ErrorRow
from tests.providers.twilio.conftest import (
    ACCOUNT,
    CA,
    EMPTY_POOL,
    FROM,
    GB,
    KEY,
    KEY_SECRET,
    OTHER,
    POOL,
    SHORT,
    TOKEN,
    TOLL_FREE,
    US,
    Fakes,
    approved,
    sha256,
    state,
)

PACK = pack("twilio")
ROWS = [row for row in PACK.errors if row.product == "sms"]
TEST_ACCOUNT = {"account": {"id": ACCOUNT, "kind": "test"}}
TRIAL = {"account": {"id": ACCOUNT, "kind": "trial"}}
AT_IE1 = {"headers": {"Host": "api.dublin.ie1.twilio.com"}}


class Way(Struct, kw_only=True):
    """How a row is reached. `send` replaces parameters of a good send; `act` does something else instead."""

    send: dict[str, Any] = {}
    account: dict[str, Any] = {}
    fault: dict[str, Any] = {}
    user: tuple[str, str] = (ACCOUNT, TOKEN)
    act: Callable[[Fakes], Any] | None = None


def senders(*more: dict[str, Any], without: str = "") -> dict[str, Any]:
    kept = [one for one in state()["senders"] if without not in (one.get("number"), one.get("pool"))]
    return {"senders": [*kept, *more]}


def number(value: str, kind: str = "long_code", **more: Any) -> dict[str, Any]:
    return {"number": value, "kind": kind, "sms": True, **more}


def injected(code: str) -> Way:
    return Way(fault={"fault": "error", "code": code})


def doomed(code: str) -> Way:
    return Way(fault={"fault": "accept_then_fail", "code": code})


def post(fakes: Fakes, path: str = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", **more: Any) -> requests.Response:
    """A call no SDK makes."""
    more.setdefault("auth", (ACCOUNT, TOKEN))
    return fakes.session.post(fakes.base + path, timeout=10, **more)


def form(**fields: str) -> dict[str, str]:
    return {"To": US, "From": FROM, "Body": "Your code is 123456", **fields}


def regional(sender: str) -> Callable[[Fakes], Any]:
    return lambda fakes: post(fakes, data=form(From=sender), **AT_IE1)


def deleted_under_way(fakes: Fakes) -> None:
    fakes.client().messages.create(to=US, from_=FROM, body="Your code is 123456").delete()


def cancelled_too_late(fakes: Fakes) -> None:
    fakes.client().messages.create(to=US, from_=FROM, body="Your code is 123456").update(status="canceled")


OTHER_NUMBER = "+12025550199"
CLASSIC = number(OTHER_NUMBER)

WAYS: dict[tuple[str, str, str], Way] = {
    # who calls
    ("20003", "credentials_wrong", "sms"): Way(user=(ACCOUNT, TOKEN[::-1])),
    ("20003", "credentials_unknown", "sms"): Way(user=(OTHER, TOKEN)),
    ("20003", "credentials_missing", "sms"): Way(act=lambda fakes: post(fakes, data=form(), auth=lambda request: request)),
    ("20003", "region_wrong", "sms"): Way(act=regional(FROM)),
    ("20003", "permission_missing", "sms"): Way(
        account={"credentials": [{"id": KEY, "secret_sha256": sha256(KEY_SECRET), "permissions": ["read"]}]},
        user=(KEY, KEY_SECRET),
    ),
    ("20005", "account_suspended", "sms"): Way(account={"account": {"id": ACCOUNT, "status": "suspended"}}),
    ("20403", "account_closed", "sms"): Way(account={"account": {"id": ACCOUNT, "status": "closed"}}),
    ("20010", "fault", "sms"): injected("20010"),
    ("20008", "test_account", "sms"): Way(account=TEST_ACCOUNT, act=lambda fakes: fakes.client().api.account.fetch()),
    ("10002", "fault", "sms"): injected("10002"),
    # the request
    ("21604", "recipient_missing", "sms"): Way(act=lambda fakes: post(fakes, json=form())),
    ("21603", "sender_missing", "sms"): Way(send={"from_": None}),
    ("21619", "text_missing", "sms"): Way(send={"body": None}),
    ("21602", "input", "sms"): Way(send={"body": ""}),
    ("21617", "text_too_long", "sms"): Way(send={"body": "1" * 1601}),
    ("21624", "validity_malformed", "sms"): Way(send={"validity_period": 300_000}),
    ("21609", "callback_malformed", "sms"): Way(send={"status_callback": "https://otp_service.example.com/hook"}),
    ("21656", "input", "sms"): Way(send={"content_sid": "HX" + "0" * 32, "content_variables": "123456"}),
    ("21655", "template_unknown", "sms"): Way(account={"templates": []}, send={"content_sid": "HX" + "0" * 32}),
    ("30029", "input", "sms"): Way(send={"content_retention": "forget"}),
    ("30030", "input", "sms"): Way(send={"address_retention": "forget"}),
    ("20001", "parameter_malformed", "sms"): Way(send={"risk_check": "maybe"}),
    ("20422", "input", "sms"): Way(
        act=lambda fakes: fakes.session.get(
            f"{fakes.base}/v1/Services?PageSize=none", auth=(ACCOUNT, TOKEN), timeout=10
        )
    ),
    ("20423", "fault", "sms"): injected("20423"),
    # the recipient
    ("21211", "recipient_malformed", "sms"): Way(send={"to": "2025550143"}),
    ("21265", "recipient_short_code", "sms"): Way(send={"to": "72345"}),
    ("21266", "recipient_is_sender", "sms"): Way(send={"to": FROM}),
    ("21268", "recipient_premium", "sms"): Way(send={"to": "+449098790000", "from_": "ACME"}),
    ("21614", "recipient_landline", "sms"): Way(send={"to": "+493023125000", "from_": "ACME"}),
    ("21635", "fault", "sms"): injected("21635"),
    ("21608", "recipient_unverified", "sms"): Way(account=TRIAL, send={"to": "+12025550144"}),
    ("21610", "opted_out", "sms"): Way(account={"opted_out": [US]}),
    ("21408", "destination_disabled", "sms"): Way(account={"destinations": {"enabled": ["CA"]}}),
    # the sender
    ("21212", "sender_malformed", "sms"): Way(send={"from_": "Acme-Codes-For-All"}),
    ("21659", "sender_not_owned", "sms"): Way(send={"from_": OTHER_NUMBER}),
    ("21606", "input", "sms"): Way(send={"to": GB, "from_": "Nobody"}),
    ("21660", "sender_of_other_account", "sms"): Way(
        account=senders(number(OTHER_NUMBER, of_account=OTHER)), send={"from_": OTHER_NUMBER}
    ),
    ("21661", "sender_not_sms_capable", "sms"): Way(
        account=senders({**CLASSIC, "sms": False}), send={"from_": OTHER_NUMBER}
    ),
    ("21612", "sender_wrong_country", "sms"): Way(send={"from_": "Acme Codes"}),
    ("21267", "sender_alphanumeric_trial", "sms"): Way(
        account=TRIAL | {"verified_recipients": [GB]}, send={"to": GB, "from_": "ACME"}
    ),
    ("21657", "input", "sms"): Way(send={"from_": "Acme-Codes-For-All", "messaging_service_sid": POOL}),
    ("21709", "input", "sms"): Way(send={"to": GB, "from_": "Nobody", "messaging_service_sid": POOL}),
    ("21711", "sender_not_in_pool", "sms"): Way(send={"from_": TOLL_FREE, "messaging_service_sid": POOL}),
    ("21701", "pool_unknown", "sms"): Way(send={"from_": None, "messaging_service_sid": "MG" + "9" * 32}),
    ("21705", "input", "sms"): Way(send={"from_": None, "messaging_service_sid": ACCOUNT}),
    ("21704", "pool_empty", "sms"): Way(send={"from_": None, "messaging_service_sid": EMPTY_POOL}),
    ("21703", "input", "sms"): Way(
        account=senders({"pool": POOL, "members": ["ACME"]}, without=POOL),
        send={"from_": None, "messaging_service_sid": POOL},
    ),
    ("21910", "input", "sms"): Way(send={"from_": f"whatsapp:{FROM}"}),
    ("21662", "fault", "sms"): injected("21662"),
    ("21663", "input", "sms"): Way(
        account={"account": {"id": ACCOUNT}} | senders({**CLASSIC, "region": "us1"}), act=regional(OTHER_NUMBER)
    ),
    ("21668", "input", "sms"): Way(account={"account": {"id": ACCOUNT}}, act=regional(TOLL_FREE)),
    # quantity
    ("21611", "queue_full", "sms"): Way(account=TEST_ACCOUNT, send={"from_": "+15005550008"}),
    ("20429", "rate_limited", "sms"): Way(
        account={"limits": {"per_second": 1}},
        act=lambda fakes: [fakes.client().messages.create(to=US, from_=FROM, body="123456") for _ in range(9)],
    ),
    # resources and transport
    ("20404", "resource_missing", "sms"): Way(act=lambda fakes: fakes.client().messages("SM" + "0" * 32).fetch()),
    ("20004", "method_not_allowed", "sms"): Way(
        act=lambda fakes: fakes.session.put(
            f"{fakes.base}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", auth=(ACCOUNT, TOKEN), timeout=10
        )
    ),
    ("20009", "input", "sms"): Way(act=deleted_under_way),
    ("30409", "input", "sms"): Way(act=cancelled_too_late),
    ("20413", "body_too_large", "sms"): Way(act=lambda fakes: post(fakes, data={"Body": "1" * 1_100_000})),
    ("20426", "fault", "sms"): injected("20426"),
    ("20011", "fault", "sms"): injected("20011"),
    ("20012", "fault", "sms"): injected("20012"),
    ("20500", "provider_error", "sms"): Way(fault={"fault": "status", "status": 500}),
    ("20503", "provider_unavailable", "sms"): Way(fault={"fault": "status", "status": 503}),
    ("20504", "provider_timeout", "sms"): injected("20504"),
    # accepted first, told later
    ("30001", "input", "sms"): doomed("30001"),
    ("30002", "fault", "sms"): doomed("30002"),
    ("30003", "handset_unreachable", "sms"): doomed("30003"),
    ("30004", "carrier_blocked", "sms"): doomed("30004"),
    ("30005", "handset_unknown", "sms"): doomed("30005"),
    ("30006", "fault", "sms"): doomed("30006"),
    ("30007", "content_filtered", "sms"): doomed("30007"),
    ("30008", "unknown_failure", "sms"): Way(fault={"fault": "accept_then_fail"}),
    ("30017", "carrier_congested", "sms"): doomed("30017"),
    ("30018", "fault", "sms"): doomed("30018"),
    ("30022", "fault", "sms"): doomed("30022"),
    ("30023", "daily_limit", "sms"): Way(account={"limits": {"per_day": 0}}),
    ("30024", "sender_unregistered_short_code", "sms"): Way(
        account=senders(number(SHORT, "short_code", registration=approved("ctia_short_code", "pending")), without=SHORT),
        send={"from_": SHORT},
    ),
    ("30027", "fault", "sms"): doomed("30027"),
    ("30032", "sender_unregistered_toll_free", "sms"): Way(
        account=senders(number(TOLL_FREE, "toll_free", registration=approved("toll_free", "pending")), without=TOLL_FREE),
        send={"to": CA, "from_": TOLL_FREE},
    ),
    ("30033", "campaign_suspended", "sms"): Way(
        account=senders(number(FROM, registration=approved("10dlc", "expired")), without=FROM)
    ),
    ("30034", "sender_unregistered_10dlc", "sms"): Way(
        account=senders(number(FROM, registration=approved("10dlc", "rejected")), without=FROM)
    ),
    ("30035", "input", "sms"): Way(
        account=senders(number(FROM, registration=approved("10dlc", "pending", campaign="CM1")), without=FROM)
    ),
    ("30036", "validity_expired", "sms"): doomed("30036"),
    ("30037", "input", "sms"): Way(account={"settings": {"outbound_messaging": False}}),
    ("30038", "fault", "sms"): doomed("30038"),
    ("30040", "fault", "sms"): doomed("30040"),
    ("30041", "sender_unregistered_sender_id", "sms"): Way(
        account={"destinations": {}} | senders({"alphanumeric": "OTP", "registration": approved("sender_id", "pending")}),
        send={"to": "+6581234567", "from_": "OTP"},
    ),
    ("30042", "input", "sms"): Way(
        account=senders({"alphanumeric": "OTP", "registration": approved("sender_id", "rejected")}),
        send={"to": GB, "from_": "OTP"},
    ),
    ("30043", "fault", "sms"): doomed("30043"),
    ("30044", "input", "sms"): Way(account=TRIAL, send={"body": "1" * 1000}),
    ("30045", "fault", "sms"): doomed("30045"),
    ("30046", "fault", "sms"): doomed("30046"),
    ("30410", "fault", "sms"): doomed("30410"),
    ("30450", "fault", "sms"): doomed("30450"),
    ("30485", "fault", "sms"): doomed("30485"),
}


def key(row: ErrorRow) -> tuple[str, str, str]:
    return row.code, row.trigger, row.product


def name(row: ErrorRow) -> str:
    return f"{row.code}-{row.title.replace(' ', '-')}"


def test_every_row_has_a_way() -> None:
    """The table of ways and the catalogue name the same rows, none twice."""
    assert len(ROWS) == len({key(row) for row in ROWS}) == len(WAYS) == 95
    assert {key(row) for row in ROWS} == set(WAYS)


@pytest.mark.parametrize("row", [row for row in ROWS if row.phase == "sync"], ids=name)
def test_a_row_is_answered(fakes: Fakes, row: ErrorRow) -> None:
    """The call is refused with the row's code and HTTP status, in Twilio's envelope."""
    status, code, more_info = refused(fakes, WAYS[key(row)])
    assert (code, status) == (int(row.code), row.http or 400)
    assert more_info == f"https://www.twilio.com/docs/errors/{row.code}"


@pytest.mark.parametrize("row", [row for row in ROWS if row.phase == "async"], ids=name)
def test_a_row_is_told_later(fakes: Fakes, row: ErrorRow) -> None:
    """The send is accepted; the message ends in the row's state and carries its code when read back."""
    way = WAYS[key(row)]
    prepare(fakes, way)
    client = fakes.client(*way.user)
    sent = client.messages.create(**{"to": US, "from_": FROM, "body": "Your code is 123456"} | way.send)
    assert sent.error_code is None
    fakes.finish(sent.sid)
    ended = client.messages(sent.sid).fetch()
    assert (ended.error_code, ended.status) == (int(row.code), row.state)
    assert ended.error_message


def refused(fakes: Fakes, way: Way) -> tuple[int, int, str]:
    """Status, code and link of the refusal, as the SDK raises it or as it stands in the body."""
    prepare(fakes, way)
    try:
        if way.act is not None:
            answer = way.act(fakes)
        else:
            good = {"to": US, "from_": FROM, "body": "Your code is 123456"}
            wanted = {name: value for name, value in (good | way.send).items() if value is not None}
            answer = fakes.client(*way.user, account=ACCOUNT).messages.create(**wanted)
    except TwilioRestException as error:
        return error.status, error.code, f"https://www.twilio.com/docs/errors/{error.code}"
    assert isinstance(answer, requests.Response), f"accepted: {answer!r}"
    body = answer.json()
    assert body["status"] == answer.status_code
    return answer.status_code, body["code"], body["more_info"]


def prepare(fakes: Fakes, way: Way) -> None:
    fakes.account(**way.account)
    if way.fault:
        fakes.fault(**way.fault)
