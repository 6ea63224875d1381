"""Calls of a described gateway: who calls is checked, every described field is, text and code reach the inbox."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.providers.http.bench import FROM, GB, QUERY, REST, TEXT, TOKEN, US, Bench, basic, changed, gateway

SEND = "https://own.example/send"


def described(request: dict[str, Any], auth: dict[str, Any] | None = None, **more: Any) -> Bench:
    return Bench(gateway(changed(
        {"request": {"url": SEND, **request}, "success": {"match": "^OK"}}, auth=auth or {}, **more
    ), secrets={}, settings=more.get("settings", {})))


def test_a_send_is_in_the_inbox_with_its_code() -> None:
    """Recipient, sender, text and code are those of the call, and the answer is a success by the description."""
    bench = Bench(gateway(REST))
    status, body = bench.rest()
    message = bench.messages[0]
    assert (status, json.loads(body)["status"], json.loads(body)["data"]["id"]) == (202, "accepted", message.provider_id)
    assert (message.to, message.sender, message.text, message.code, message.provider) == (US, FROM, TEXT, "271828", "http")


def test_a_query_gateway_answers_in_plain_text() -> None:
    """The id stands where the description finds it."""
    bench = Bench(gateway(QUERY))
    status, body = bench.query()
    assert (status, body) == (200, f"OK ID:{bench.messages[0].provider_id}")


@pytest.mark.parametrize("wrong", [
    {"token": "another"}, {"token": None}, {"token": ""}, {"headers": {"Authorization": TOKEN}}, {"headers": {"Authorization": "Basic eA=="}},
])
def test_a_wrong_bearer_token_is_refused(wrong: dict[str, Any]) -> None:
    """Another token, none, or the right one in another scheme: 401 in a body that is no success."""
    bench = Bench(gateway(REST))
    status, body = bench.rest(**wrong)
    assert (status, json.loads(body)["status"] != "accepted", bench.messages) == (401, True, [])


AUTH: list[tuple[dict[str, Any], dict[str, str], str]] = [
    ({"basic": {"username": "acme", "password": "pw-1"}}, basic("acme", "pw-1"), ""),
    ({"bearer": "tk-1"}, {"Authorization": "bearer tk-1"}, ""),
    ({"header": {"X-Api-Key": "key-1"}}, {"X-Api-Key": "key-1"}, ""),
    ({"header": {"X-User": "acme", "X-Key": "key-1", "X-Tenant-Token": "t-1"}}, {"X-User": "acme", "X-Key": "key-1", "X-Tenant-Token": "t-1"}, ""),
    ({"query": {"api_key": "key-1"}}, {}, "?api_key=key-1"),
]


@pytest.mark.parametrize(("auth", "headers", "query"), AUTH, ids=lambda one: next(iter(one), "") if isinstance(one, dict) else "")
def test_each_way_to_authenticate_is_checked(auth: dict[str, Any], headers: dict[str, str], query: str) -> None:
    """The described credential is taken; without it, and with another one, the call is refused."""
    about = changed({"request": {"url": SEND, "form": {"to": "{to}", "text": "{text}"}}, "success": {"match": "^OK"}}, auth=auth)
    form = [("to", US), ("text", TEXT)]
    bench = Bench(gateway(about))
    assert bench.call("POST", SEND + query, form, headers)[0] == 200
    assert bench.call("POST", SEND, form)[0] == 401
    for name in headers:
        others = {**headers, name: basic("acme", "wrong")["Authorization"] if "basic" in auth else "wrong"}
        assert bench.call("POST", SEND + query, form, others)[0] == 401, name
    if query:
        assert bench.call("POST", f"{SEND}?api_key=wrong", form)[0] == 401


@pytest.mark.parametrize("wrong", [{"pass": "another"}, {"pass": None}, {"user": "another"}, {"user": None}])
def test_credentials_inside_the_url_are_checked(wrong: dict[str, str | None]) -> None:
    """A user and a password that the URL itself carries are credentials like any others."""
    bench = Bench(gateway(QUERY, settings={"request.url?user": "acme"}))
    assert bench.query()[0] == 200
    assert bench.query(**wrong)[0] == 401


def test_a_described_header_has_to_come_along() -> None:
    """A header the gateway needs and the call does not carry: refused, with its name."""
    bench = Bench(gateway(REST))
    made = {"Authorization": f"Bearer {TOKEN}"}
    status, body = bench.call("POST", "https://sms.acme.example/v1/messages", {"to": US, "from": FROM, "message": {"text": TEXT}, "kind": "otp"}, made)
    assert (status, "X-Account" in body, bench.messages) == (400, True, [])


@pytest.mark.parametrize(("fields", "status", "reason"), [
    ({"to": None}, 400, "recipient_missing"), ({"message": None}, 400, "text_missing"), ({"message": {}}, 400, "text_missing"),
    ({"kind": None}, 400, "parameter_malformed"), ({"kind": "news"}, 400, "parameter_malformed"), ({"to": "12"}, 400, "recipient_malformed"),
    ({"to": ""}, 400, "recipient_missing"), ({"from": None}, 400, "sender_missing"), ({"message": {"text": ""}}, 400, "text_missing"),
    ({"message": "text"}, 400, "text_missing"), ({"to": ["+12025550142"]}, 400, "recipient_missing"),
])
def test_a_field_that_is_not_as_described_is_refused(fields: dict[str, Any], status: int, reason: str) -> None:
    """Missing, empty, of another value or shape: told by its reason, and nothing is sent."""
    bench = Bench(gateway(REST))
    assert (bench.rest(**fields)[0], bench.last.reason, bench.messages) == (status, reason, [])


def test_a_field_nobody_described_is_noted() -> None:
    """It is taken, as gateways do, and the exchange says so."""
    bench = Bench(gateway(REST))
    assert bench.rest(priority="high")[0] == 202
    assert [one["kind"] for one in bench.last.mismatches] == ["unknown"]


def test_a_body_of_another_kind_is_refused() -> None:
    """A form where JSON is described."""
    bench = Bench(gateway(REST))
    made = {"Authorization": f"Bearer {TOKEN}", "X-Account": "4711"}
    assert bench.call("POST", "https://sms.acme.example/v1/messages", [("to", US)], made)[0] == 400


@pytest.mark.parametrize("to", ["+447700900123", "447700900123", "00447700900123"])
def test_a_number_is_known_in_every_spelling(to: str) -> None:
    """With +, without, or with 00 in front."""
    bench = Bench(gateway(QUERY))
    assert bench.query(to=to)[0] == 200
    assert bench.messages[0].to == GB


def test_a_national_number_is_of_its_country() -> None:
    """`default_country` says which."""
    bench = Bench(gateway(QUERY, settings={"default_country": "GB"}))
    assert bench.query(to="07700900123")[0] == 200
    assert bench.messages[0].to == GB


@pytest.mark.parametrize(("field", "value"), [("tel:{to}", f"tel:{US}"), ("+{to}", US), ("{to};ttl=60", f"{US};ttl=60")])
def test_a_placeholder_may_stand_among_other_text(field: str, value: str) -> None:
    """What stands around it has to be there."""
    bench = described({"form": {"to": field, "text": "{text}"}})
    assert bench.call("POST", SEND, [("to", value), ("text", TEXT)])[0] == 200
    assert bench.messages[0].to == US
    assert bench.call("POST", SEND, [("to", "x" + value), ("text", TEXT)])[0] == 400


def test_a_path_may_carry_the_number() -> None:
    """`/to/{to}/send` is one operation for every number."""
    bench = described({"url": "https://own.example/to/{to}/send", "form": {"text": "{text}"}})
    assert bench.call("POST", f"https://own.example/to/{US[1:]}/send", [("text", TEXT)])[0] == 200
    assert bench.messages[0].to == US


def test_a_bare_code_is_a_message() -> None:
    """A gateway that makes the text itself is handed the code alone."""
    bench = described({"form": {"to": "{to}", "code": "{code}"}})
    assert bench.call("POST", SEND, [("to", US), ("code", "271828")])[0] == 200
    assert (bench.messages[0].text, bench.messages[0].code) == ("271828", "271828")


def test_lists_and_numbers_in_json_are_read() -> None:
    """A recipient inside a list, a fixed number and a fixed boolean."""
    bench = described({"json": {"messages": [{"to": ["{to}"], "text": "{text}"}], "flash": False, "ttl": 300}})
    body: dict[str, Any] = {"messages": [{"to": [US], "text": TEXT}], "flash": False, "ttl": 300}
    assert bench.call("POST", SEND, body)[0] == 200
    assert bench.call("POST", SEND, {**body, "ttl": 60})[0] == 400
    assert bench.call("POST", SEND, {**body, "flash": True})[0] == 400


def test_a_deployed_template_of_json_is_read() -> None:
    """The payload may be one text with placeholders in it."""
    bench = described({"json": '{"to": "{to}", "message": "Acme: {text}"}'})
    assert bench.call("POST", SEND, {"to": US, "message": f"Acme: {TEXT}"})[0] == 200
    assert bench.messages[0].text == TEXT


def test_another_path_or_method_is_not_there() -> None:
    """Only the described call is played."""
    bench = Bench(gateway(REST))
    assert bench.call("POST", "https://sms.acme.example/v2/messages", {})[0] == 404
    assert bench.call("GET", "https://sms.acme.example/v1/messages")[0] == 404
    assert bench.last.kind == "unknown_path"


def test_two_gateways_may_share_a_host() -> None:
    """Each call belongs to the gateway whose path it is."""
    second = changed(QUERY, request={**QUERY["request"], "url": f"https://sms.acme.example/old?user=acme&pass={TOKEN}"})
    bench = Bench(gateway(REST, provider="http-rest"), gateway(second, name="old", provider="http-old"))
    assert bench.rest()[0] == 202
    assert bench.call("GET", f"https://sms.acme.example/old?user=acme&pass={TOKEN}&to=12025550142&msg=271828")[0] == 200
    assert [(one.provider, one.gateway) for one in bench.messages] == [("http-old", "old"), ("http-rest", "own")]


def test_gateways_of_one_description_are_told_apart_by_their_credential() -> None:
    """Two accounts at one gateway: a call is of the account whose token it carries."""
    other = changed(REST, auth={"bearer": "tk_another_account"})
    bench = Bench(gateway(REST), gateway(other, name="second"))
    assert bench.rest()[0] == bench.rest(token="tk_another_account")[0] == 202
    assert [one.gateway for one in bench.messages] == ["second", "own"]
    assert bench.rest(token="tk_nobody")[0] == 401


def test_the_account_state_is_enforced() -> None:
    """Balance, opt-outs and destinations hold for a described gateway as for any other."""
    state = {"provider": "http", "opted_out": [GB], "destinations": {"enabled": ["US", "GB"]}, "senders": [{"number": FROM, "sms": True}]}
    bench = Bench(gateway(REST, account=state))
    assert [bench.rest(to=to)[0] for to in (US, GB, "+4915112345678")] == [202, 400, 403]
    assert bench.rest(**{"from": "+12025550187"})[0] == 400
