"""The admin API over HTTP: shapes, errors, long polls, and who may call it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from otpgate_contracts import admin
from tests.fakes.conftest import FROM, GB, LISTEN, US, Fakes, account, config
from tests.providers.conftest import Listener


def test_health_names_providers_operations_and_errors(fakes: Fakes) -> None:
    """What is played, with how many catalogue rows."""
    told = fakes.admin("GET", "health")
    toy = told["providers"]["toy"]
    assert (told["ready"], toy["errors"] > 50, toy["gateways"]) == (True, True, ["main"])
    assert {"id": "send", "method": "POST", "path": "/send"} in toy["operations"]


def test_messages_come_newest_first_in_the_agreed_shape(fakes: Fakes) -> None:
    """Every field of the shape is there, `to` carries `+`, times are RFC 3339 UTC."""
    for text in ("code 111111", "code 222222"):
        fakes.send(text=text)
    found = msgspec.convert(fakes.admin("GET", "messages")["messages"], list[admin.Message])
    assert [message.code for message in found] == ["222222", "111111"]
    assert (found[0].to, found[0].sender, found[0].created_at[-1]) == (US, FROM, "Z")


@pytest.mark.parametrize(
    ("query", "count"),
    [("to=%2B12025550143", 2), ("to=+12025550143", 2), ("to=12025550143", 2), ("to=%2B4470", 0), ("gateway=main", 3),
     ("gateway=other", 0), ("limit=1", 1), ("provider=toy", 3), ("from=ACME", 1), ("since=2999-01-01", 0), ("", 3)],
)
def test_messages_are_filtered(query: str, count: int, fakes: Fakes) -> None:
    """By number, gateway, provider, sender, time and limit."""
    fakes.send()
    fakes.send()
    fakes.send(to=GB, sender="ACME")
    assert len(fakes.admin("GET", f"messages?{query}")["messages"]) == count


def test_messages_since_one_are_those_after_it(fakes: Fakes) -> None:
    """`since` takes a message id, a sequence number or a time."""
    fakes.send()
    first = fakes.admin("GET", "messages")["messages"][0]
    fakes.send()
    for since in (first["id"], first["sequence"], first["created_at"].replace("Z", "%2B00:00")):
        assert fakes.admin("GET", f"messages?since={since}")["messages"][0]["id"] != first["id"]


def test_a_wait_answers_at_once_when_the_message_is_there(fakes: Fakes) -> None:
    """Absent `after` means any message."""
    fakes.send()
    assert fakes.admin("GET", "messages/wait?to=%2B12025550143")["code"] == "493817"


def test_a_wait_after_a_message_waits_for_the_next(fakes: Fakes) -> None:
    """The message named does not count; the one that arrives during the wait does."""
    fakes.send(text="code 111111")
    first = fakes.admin("GET", "messages")["messages"][0]["id"]
    timer = threading.Timer(0.1, lambda: fakes.send(text="code 222222"))
    timer.start()
    assert fakes.admin("GET", f"messages/wait?to=%2B12025550143&after={first}&timeout=10")["code"] == "222222"
    timer.join()


def test_a_wait_in_vain_is_408_and_says_what_was_seen(fakes: Fakes) -> None:
    """The time-out names the number, the time, and what was captured instead."""
    fakes.send()
    told = fakes.admin("GET", "messages/wait?to=%2B447400123456&timeout=50ms", status=408)
    assert told == {
        "error": "no message to +447400123456 within 0.05 s",
        "hint": "1 messages and 1 calls were captured so far; GET /_otpgate/exchanges shows what was refused",
    }


def test_exchanges_and_receipts_have_the_agreed_shapes(fakes: Fakes, listener: Listener) -> None:
    """Recorded calls and callbacks convert to the contracts' values."""
    fakes.send(callback=f"{listener.url}/hook")
    listener.wait(2)
    exchanges = msgspec.convert(fakes.admin("GET", "exchanges")["exchanges"], list[admin.Exchange])
    assert (exchanges[0].operation, exchanges[0].status, exchanges[0].accepted, exchanges[0].to) == ("send", 201, True, US)
    message = fakes.admin("GET", "messages")["messages"][0]
    fakes.admin("GET", f"messages/wait?settled=1&after={message['id']}")
    receipts = msgspec.convert(fakes.admin("GET", "receipts")["receipts"], list[admin.Receipt])
    assert [one.state for one in receipts] == ["sent", "delivered"]
    assert {one.message for one in receipts} == {message["id"]}
    assert fakes.admin("GET", f"receipts?since={receipts[0].sequence}")["receipts"][0]["state"] == "delivered"


def test_exchanges_are_filtered_by_sequence_number_and_kind(fakes: Fakes) -> None:
    """`since` is exclusive; `kind` tells calls from strays."""
    fakes.send()
    first = fakes.admin("GET", "exchanges")["exchanges"][0]["sequence"]
    fakes.call("GET", "/nowhere")
    kinds = [one["kind"] for one in fakes.admin("GET", f"exchanges?since={first}")["exchanges"]]
    assert kinds == ["unknown_path"]
    assert len(fakes.admin("GET", "exchanges?kind=call")["exchanges"]) == 1


def test_a_status_is_stepped_by_hand(fakes: Fakes) -> None:
    """The example of the documentation works: a state with an error."""
    fakes.admin("PUT", "clock", {"mode": "manual"})
    fakes.send()
    message = fakes.admin("GET", "messages")["messages"][0]
    told = fakes.admin("POST", f"messages/{message['id']}/status", {"status": "undelivered", "error": "carrier_blocked"})
    assert (told["status"], told["error"]) == ("undelivered", "carrier_blocked")
    fakes.admin("POST", f"messages/{message['id']}/status", {"status": "delivered"}, status=409)
    fakes.admin("POST", "messages/msg_0/status", {"status": "delivered"}, status=404)


def test_stop_and_start_change_the_opt_out(fakes: Fakes) -> None:
    """After STOP the recipient is refused, after START served again."""
    order = {"from": US, "to": FROM, "provider": "toy"}
    assert fakes.admin("POST", "inbound", {**order, "text": " Stop "})["opted_out"] is True
    assert fakes.send().json()["code"] == "opted_out"
    assert fakes.admin("POST", "inbound", {**order, "text": "START"})["opted_out"] is False
    assert fakes.send().status_code == 201


def test_an_inbound_message_reaches_the_service(fakes: Fakes, listener: Listener) -> None:
    """Any other text is handed to the account's inbound URL."""
    fakes.admin("PUT", "account/main", account(callbacks={"inbound": f"{listener.url}/in"}))
    told = fakes.admin("POST", "inbound", {"from": US, "to": FROM, "text": "hello"})
    assert (told["delivered"], told["status"], listener.calls[0].body) == (True, 200, b"hello")


def test_faults_are_put_listed_and_removed(fakes: Fakes) -> None:
    """PUT replaces, GET tells what is left, DELETE ends them."""
    fakes.admin("PUT", "faults", {"faults": [{"fault": "status", "status": 503, "destination": US, "count": 3}]})
    assert fakes.send().status_code == 503
    left = fakes.admin("GET", "faults")["faults"]
    assert left == [{"fault": "status", "status": 503, "destination": US, "count": 2, "id": left[0]["id"]}]
    fakes.admin("DELETE", "faults")
    assert (fakes.admin("GET", "faults"), fakes.send().status_code) == ({"faults": []}, 201)


def test_an_account_is_put_and_enforced(fakes: Fakes) -> None:
    """The new state decides from the next call on; null makes the account unknown."""
    fakes.admin("PUT", "account/main", account(opted_out=[US]))
    assert fakes.send().json()["code"] == "opted_out"
    fakes.session.put(f"{fakes.control}/_otpgate/account/main", data=b"null")
    assert fakes.send(sender="+12025550999").status_code == 201


def test_a_clock_order_changes_gear_speed_and_time(fakes: Fakes) -> None:
    """What is not named stays."""
    told = fakes.admin("PUT", "clock", {"mode": "manual", "shift": 86400 * 365})
    assert (told["mode"], told["speed"], told["now"][:4] > "2026") == ("manual", 1.0, True)
    fakes.send()
    assert fakes.admin("GET", "messages")["messages"][0]["created_at"][:4] == told["now"][:4]


def test_a_receipt_is_ordered_and_answered_at_once(fakes: Fakes, listener: Listener) -> None:
    """The answer is the receipt, with what the service said."""
    fakes.admin("PUT", "clock", {"mode": "manual"})
    fakes.send(callback=f"{listener.url}/hook")
    message = fakes.admin("GET", "messages")["messages"][0]
    listener.answers.append(403)
    told = fakes.admin("POST", "receipts", {"message": message["id"], "status": "delivered", "forgery": "tampered"})
    assert msgspec.convert(told, admin.Receipt).status == 403
    assert (told["outcome"], told["forged"]) == ("refused", "tampered")


WRONG: list[tuple[str, str, Any, int, str]] = [
    ("GET", "nothing", None, 404, "no call GET /_otpgate/nothing"),
    ("POST", "health", {}, 405, "does not take POST"),
    ("GET", "messages?limit=x", None, 400, "limit='x' is no whole number"),
    ("GET", "messages?since=yesterday", None, 400, "'yesterday' is no message id and no time"),
    ("GET", "messages/wait?timeout=soon", None, 400, "timeout='soon' is no duration"),
    ("PUT", "faults", {"faults": [{"fault": "gremlin"}]}, 400, "gremlin"),
    ("PUT", "faults", {"faults": [{"fault": "status", "colour": 1}]}, 400, "colour"),
    ("PUT", "faults", [], 400, "Expected `object`"),
    ("PUT", "clock", {"mode": "backwards"}, 400, "backwards"),
    ("PUT", "clock", {"speed": 0}, 400, "speed is 0"),
    ("PUT", "account/other", {"provider": "toy"}, 404, "no gateway 'other'"),
    ("PUT", "account/main", {"provider": "another"}, 400, "the account state of 'another'"),
    ("PUT", "account/main", {"provider": "toy", "sendrs": []}, 400, "sendrs"),
    ("POST", "inbound", {"from": US, "to": FROM, "text": "x", "provider": "nobody"}, 404, "no provider 'nobody'"),
    ("POST", "inbound", {"text": "x"}, 400, "missing required field"),
    ("POST", "receipts", {"message": "msg_0"}, 404, "no message 'msg_0'"),
    ("GET", "exchanges/ex_0", None, 404, "no exchange 'ex_0'"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "says"), WRONG)
def test_a_wrong_call_says_what_is_wrong_and_what_to_do(
    method: str, path: str, body: Any, status: int, says: str, fakes: Fakes
) -> None:
    """Errors are JSON with `error` and `hint`."""
    told = fakes.admin(method, path, body, status=status)
    assert says in told["error"]
    assert told["hint"]


def test_a_body_that_is_no_json_is_400(fakes: Fakes) -> None:
    """Broken bytes never crash the port."""
    answer = fakes.session.put(f"{fakes.control}/_otpgate/faults", data=b"\xff{")
    assert (answer.status_code, "no JSON" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:4000", "[::1]:4000", "sub.localhost"])
def test_the_port_answers_under_loopback_names(host: str, fakes: Fakes) -> None:
    """Names that lead to this machine alone."""
    assert fakes.session.get(f"{fakes.control}/_otpgate/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Host": "10.0.0.5"}, {"Origin": "https://evil.example"}])
def test_the_port_answers_no_other_name_and_no_foreign_page(headers: dict[str, str], fakes: Fakes) -> None:
    """A page of another site must not read codes, by a rebound name or across origins."""
    answer = fakes.session.get(f"{fakes.control}/_otpgate/messages", headers=headers)
    assert (answer.status_code, "messages" in answer.json()) == (403, False)


def test_a_name_that_was_allowed_is_answered(make_fakes: Callable[..., Fakes]) -> None:
    """--allow-host adds a name."""
    fakes = make_fakes(config(listen={"control": "127.0.0.1:0"}, allow_host=["Fakes.internal"]))
    assert fakes.session.get(f"{fakes.control}/_otpgate/health", headers={"Host": "fakes.internal"}).status_code == 200


def test_a_unix_socket_answers_under_any_name(make_fakes: Callable[..., Fakes], tmp_path: Any) -> None:
    """There the file's rights decide who may call."""
    make_fakes(config(listen=LISTEN | {"control": f"unix:{tmp_path}/control"}))
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(f"{tmp_path}/control")
        raw.sendall(b"GET /_otpgate/health HTTP/1.1\r\nHost: whatever\r\nConnection: close\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 200 ")
