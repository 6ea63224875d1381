"""2FA: PINs Infobip makes and checks, through the official Python client and by every row of its table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from infobip_api_client.api.tfa_api import TfaApi
from infobip_api_client.api_client import ApiClient
from infobip_api_client.configuration import Configuration
from infobip_api_client.exceptions import NotFoundException, UnauthorizedException
from infobip_api_client.models import TfaResendPinRequest, TfaStartAuthenticationRequest, TfaVerifyPinRequest

from otpgate_contracts import loading
from otpgate_contracts.model import ErrorRow
from otpgate_contracts.wire import Judge
from tests.providers.conftest import Running, Start
from tests.providers.infobip.conftest import CH, GB, HOST, KEY, OTHER_KEY, US, Bip, account, gateway, report_of

PACK = loading.pack("infobip")
JUDGE = Judge(loading.openapi(PACK))
ROWS = [row for row in PACK.errors if row.product == "verify"]
APP, MESSAGE = "0933F3BC087D2A617AC6DCB2EF5B8A61", "9C815F8AF3328"
FAST = {"verifyPinLimit": "100/1s", "sendPinPerPhoneNumberLimit": "100/1d"}
TEMPLATE = {"messageId": MESSAGE, "messageText": "Your {{brand}} pin is {{pin}}", "pinLength": 6, "pinType": "NUMERIC", "senderId": "ACME"}


def services(**configuration: Any) -> list[dict[str, Any]]:
    return [{"id": APP, "name": "acme", "configuration": FAST | configuration, "messages": [TEMPLATE]}]


@pytest.fixture
def pins(bip: Bip) -> Bip:
    """The account with an application and a template."""
    bip.state(services=services())
    return bip


def client(bip: Bip, key: str = KEY) -> TfaApi:
    configuration = Configuration(host=f"https://{HOST}", api_key=key, ssl_ca_cert=bip.fakes.ca)
    configuration.proxy = bip.fakes.proxy
    return TfaApi(ApiClient(configuration))


def wanted(**fields: Any) -> TfaStartAuthenticationRequest:
    return TfaStartAuthenticationRequest(**{"application_id": APP, "message_id": MESSAGE, "to": CH} | fields)


def send(bip: Bip, **fields: Any) -> requests.Response:
    given = {"applicationId": APP, "messageId": MESSAGE, "to": CH} | fields
    return bip.call("POST", "/2fa/2/pin?ncNeeded=false", key=fields.pop("key", KEY), json={k: v for k, v in given.items() if v is not None})


def check(bip: Bip, id: str, pin: str) -> dict[str, Any]:
    found: dict[str, Any] = bip.call("POST", f"/2fa/2/pin/{id}/verify", json={"pin": pin}).json()
    return found


def test_right_pin_verifies(pins: Bip) -> None:
    """The PIN that arrived verifies, in the words of the template and with the call's placeholders."""
    api = client(pins)
    sent = api.send_tfa_pin_code_over_sms(wanted(placeholders={"brand": "Acme"}), nc_needed=False)
    assert (sent.sms_status, sent.to, sent.nc_status) == ("MESSAGE_SENT", CH, None)
    code = pins.last()["code"]
    assert (pins.last()["text"], pins.last()["from"]) == (f"Your Acme pin is {code}", "ACME")
    found = api.verify_tfa_phone_number(sent.pin_id, TfaVerifyPinRequest(pin=code))
    assert (found.verified, found.msisdn, found.pin_error) == (True, CH, None)
    told = api.get_tfa_verification_status(CH, APP).verifications
    assert [(one.msisdn, one.verified) for one in told] == [(CH, True)]


def test_wrong_pin_is_a_200_that_does_not_verify(pins: Bip) -> None:
    """A wrong PIN raises nothing: verified is false, and after the last try even the right one is."""
    pins.state(services=services(pinAttempts=2))
    api = client(pins)
    id = api.send_tfa_pin_code_over_sms(wanted()).pin_id
    code = pins.last()["code"]
    told = [api.verify_tfa_phone_number(id, TfaVerifyPinRequest(pin=pin)) for pin in ("000000x", "000001x", code)]
    assert [(one.verified, one.pin_error, one.attempts_remaining) for one in told] == [
        (False, "WRONG_PIN", 1), (False, "NO_MORE_PIN_ATTEMPTS", 0), (False, "NO_MORE_PIN_ATTEMPTS", 0),
    ]


def test_wrong_key_and_wrong_application_raise(pins: Bip) -> None:
    """Another account's key is unauthorised; an application or template of another account is not found."""
    with pytest.raises(UnauthorizedException):
        client(pins, OTHER_KEY).send_tfa_pin_code_over_sms(wanted())
    for fields in ({"application_id": "F" * 32}, {"message_id": "unknown"}):
        with pytest.raises(NotFoundException):
            client(pins).send_tfa_pin_code_over_sms(wanted(**fields))


def test_resend_repeats_the_same_pin(pins: Bip) -> None:
    """The second message holds the PIN of the first, under the same pinId."""
    api = client(pins)
    sent = api.send_tfa_pin_code_over_sms(wanted())
    code = pins.last()["code"]
    again = api.resend_tfa_pin_code_over_sms(sent.pin_id, TfaResendPinRequest(placeholders={"brand": "Acme"}))
    assert (again.pin_id, pins.last()["code"], len(pins.fakes.messages())) == (sent.pin_id, code, 2)
    assert check(pins, sent.pin_id, code)["verified"] is True


@pytest.mark.parametrize(("allowed", "second"), [(True, True), (False, False)])
def test_pin_verifies_again_unless_the_application_forbids_it(pins: Bip, allowed: bool, second: bool) -> None:
    """allowMultiplePinVerifications, on by default, lets a used PIN verify a second time."""
    pins.state(services=services(allowMultiplePinVerifications=allowed))
    id = send(pins).json()["pinId"]
    code = pins.last()["code"]
    assert [check(pins, id, code)["verified"] for _ in range(2)] == [True, second]


def test_defaults_allow_three_pins_a_day_and_a_try_in_three_seconds(pins: Bip) -> None:
    """An application that says nothing refuses the fourth PIN of a day to a number, and the second try within three seconds."""
    pins.state(services=[{"id": APP, "messages": [TEMPLATE]}])
    assert [send(pins).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert send(pins, to=GB).status_code == 200
    id = pins.last()["provider_id"]
    assert [pins.call("POST", f"/2fa/2/pin/{id}/verify", json={"pin": "1"}).status_code for _ in range(2)] == [200, 429]


@pytest.fixture(scope="module")
def stepped(start_fakes: Start) -> Running:
    """A process of its own whose clock stands still until it is advanced."""
    fakes = start_fakes(gateways=[gateway(account=account(services=services(pinTimeToLive="5m")))])
    fakes.clock(mode="manual", stepped=True)
    return fakes


def test_right_pin_is_too_late_after_its_time(stepped: Running) -> None:
    """After pinTimeToLive the right PIN does not verify, still inside a 200."""
    late = Bip(fakes=stepped)
    id = send(late).json()["pinId"]
    code = late.last()["code"]
    stepped.clock(advance=301)
    assert check(late, id, code) == {"pinId": id, "msisdn": CH, "verified": False, "attemptsRemaining": 10, "pinError": "TTL_EXPIRED"}


def test_number_lookup_that_is_not_configured(pins: Bip) -> None:
    """ncNeeded without the product says NC_NOT_CONFIGURED; an account that has it looks the number up."""
    def status(path: str) -> str | None:
        found: dict[str, Any] = pins.call("POST", path, json={"applicationId": APP, "messageId": MESSAGE, "to": CH}).json()
        return found.get("ncStatus")

    assert (status("/2fa/2/pin"), status("/2fa/2/pin?ncNeeded=False")) == ("NC_NOT_CONFIGURED", None)
    pins.state(services=services(), settings={"number_lookup": True})
    assert status("/2fa/2/pin") == "NC_DESTINATION_REACHABLE"


def test_reports_only_when_tracked_and_subscribed(pins: Bip, listener: Any) -> None:
    """Without trackDelivery nothing is told; with it the subscription hears what became of the PIN."""
    send(pins)
    send(pins, trackDelivery=True, to=US)
    told = report_of(listener.wait(1)[0])
    assert (told["to"], told["status"]["name"], told["platform"]["applicationId"]) == (US, "UNDELIVERABLE_REJECTED_OPERATOR", APP)


def test_template_without_a_placeholder_sends_no_code(pins: Bip) -> None:
    """A template that lost `{{pin}}` is sent as it stands: the message holds no code."""
    pins.state(services=[{"id": APP, "configuration": FAST, "messages": [{"messageId": MESSAGE, "messageText": "Your pin is {pin}"}]}])
    assert send(pins).json()["smsStatus"] == "MESSAGE_SENT"
    assert pins.last()["code"] is None


def test_answers_fit_our_document(pins: Bip) -> None:
    """Every answer of the 2FA API fits otpgate's own description of it, what the community SDK sends included."""
    community = {"applicationId": APP, "messageId": MESSAGE, "fromId": None, "to": CH, "placeholders": None}
    id = pins.call("POST", "/2fa/2/pin?ncNeeded=False", json=community).json()["pinId"]
    assert pins.fakes.exchanges()[-1]["mismatches"] == []
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/2fa/2/pin", {"json": {}}), ("POST", f"/2fa/2/pin/{id}/resend", {"json": {}}), ("POST", f"/2fa/2/pin/{id}/verify", {"json": {"pin": "1"}}),
        ("POST", "/2fa/2/pin/unknown/verify", {"json": {"pin": "1"}}), ("GET", "/2fa/2/applications", {}), ("GET", f"/2fa/2/applications/{APP}", {}),
        ("GET", "/2fa/2/applications/unknown", {}), ("GET", f"/2fa/2/applications/{APP}/messages", {}),
        ("GET", f"/2fa/2/applications/{APP}/verifications?msisdn={CH}&verified=false", {}),
    ]
    for method, path, options in calls:
        answer = pins.call(method, path, **options)
        found = JUDGE.match(method, path.partition("?")[0])
        assert found is not None
        assert JUDGE.response(found[0], answer.status_code, answer.content) == [], f"{method} {path}: {answer.text}"


Cause = Callable[[Bip], requests.Response]


def with_state(cause: Cause, **changes: Any) -> Cause:
    def changed(bip: Bip) -> requests.Response:
        bip.state(services=services(), **changes)
        return cause(bip)

    return changed


def sending(**fields: Any) -> Cause:
    return lambda bip: send(bip, **fields)


def trying(*tries: str, attempts: int = 10) -> Cause:
    def cause(bip: Bip) -> requests.Response:
        bip.state(services=services(pinAttempts=attempts))
        id = send(bip).json()["pinId"]
        return [bip.call("POST", f"/2fa/2/pin/{id}/verify", json={"pin": one}) for one in tries][-1]

    return cause


CAUSES: dict[str, list[Cause]] = {
    "E400": [sending(messageId=None), sending(applicationId=7), lambda bip: bip.call("POST", "/2fa/2/pin", data="{")],
    "E401": [lambda bip: bip.call("POST", "/2fa/2/pin", key=None, json={})],
    "E403": [with_state(sending(), permissions=["read"])],
    "E404": [
        sending(applicationId="unknown"), sending(messageId="unknown"),
        lambda bip: bip.call("POST", "/2fa/2/pin/unknown/verify", json={"pin": "123456"}), lambda bip: bip.call("POST", "/2fa/2/pin/unknown/resend", json={}),
        lambda bip: bip.call("GET", "/2fa/2/applications/unknown"),
    ],
    "E429": [with_state(lambda bip: [send(bip), send(bip)][-1], limits={"per_second": 1})],
    "MESSAGE_NOT_SENT": [
        sending(to="0791234567"), sending(to="4477009"), sending(to=None), sending(**{"from": "NOTMINE"}), with_state(sending(), opted_out=[f"+{CH}"]),
        with_state(sending(), balance={"amount": "0.00"}), with_state(sending(), destinations={"enabled": ["US"]}),
        with_state(sending(), account={"id": "acme", "kind": "trial"}, verified_recipients=[f"+{GB}"]),
    ],
    "WRONG_PIN": [trying("x")],
    "NO_MORE_PIN_ATTEMPTS": [trying("x", "y", attempts=2)],
}


def injected(row: ErrorRow) -> Cause:
    def cause(bip: Bip) -> requests.Response:
        bip.fakes.faults({"fault": "error", "code": row.code, "provider": "infobip"})
        return send(bip)

    return cause


CASES = [
    pytest.param(row, cause, id=f"{row.code}-{index}")
    for row in ROWS
    for index, cause in enumerate(CAUSES.get(row.code) or [injected(row)])
]


def test_every_row_is_counted() -> None:
    """Seven HTTP errors, a PIN that was not sent, and three verdicts; only time and the provider's own failure are injected."""
    assert len(ROWS) == 11
    assert {row.code for row in ROWS} - set(CAUSES) == {"E500", "TTL_EXPIRED"}


@pytest.mark.parametrize(("row", "cause"), CASES)
def test_every_row_is_reached(pins: Bip, row: ErrorRow, cause: Cause) -> None:
    """A cause brings exactly this row: its HTTP status, or its word inside a 200."""
    answer = cause(pins)
    assert answer.status_code == row.http
    body = answer.json()
    if row.phase == "body":
        assert row.code in (body.get("smsStatus"), body.get("pinError"))
        assert body.get("verified") is not True
    else:
        assert body["requestError"]["serviceException"]["messageId"] == row.extra["older"]
    assert pins.fakes.exchanges()[-1]["code"] == row.code


def test_any_application_will_do_while_none_is_described(bip: Bip) -> None:
    """An account file without services says nothing of applications: the call is taken."""
    assert send(bip, applicationId="ANY", messageId="ANY").json()["smsStatus"] == "MESSAGE_SENT"
