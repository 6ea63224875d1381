"""Receipts on a stepped clock: order, signature, retries, faults, forgeries, and URLs no provider could reach."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from otpgate_contracts.admin import Edge, Fault, Receipt, ReceiptOrder
from otpgate_contracts.signing import Material, find
from otpgate_fakes.core.errors import Answer
from tests.fakes.conftest import HOOK, PROVIDERS, SIGNING, US, Bench, account, config
from tests.providers.conftest import Listener


class Sending(Bench):
    """A pipeline whose callbacks reach a listener behind an edge."""

    def __init__(self, listener: Listener, **more: Any) -> None:
        edge = Edge(public="https://otp.example.com", upstream=listener.url)
        super().__init__(config(account(**more)))
        self.listener = listener
        self.runtime.caller.edges = type(self.runtime.caller.edges)([edge], fenced=True)

    async def tell(self, seconds: float = 1.0, steps: int = 1) -> list[Receipt]:
        """Step the clock and let what fell due be sent."""
        for _ in range(steps):
            self.clock.advance(seconds)
            await self.runtime.receipts.settled()
        return self.runtime.receipts.list()

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(call.body) for call in self.listener.calls]

    def statuses(self) -> list[str]:
        return [body["status"] for body in self.bodies()]


def play(listener: Listener, act: Callable[[Sending], Awaitable[None]], **more: Any) -> None:
    async def whole() -> None:
        await act(Sending(listener, **more))

    asyncio.run(whole())


def proof(call: Any, url: str = HOOK) -> bool:
    scheme = find("toy", Path(PROVIDERS / "toy"))
    return scheme.verify(SIGNING, Material(url=url, body=call.body), call.headers.get("x-toy-signature", ""))


def test_a_message_reports_each_state_of_its_path_in_order(listener: Listener) -> None:
    """Sent, then delivered, each as one signed call to the public URL."""

    async def act(made: Sending) -> None:
        made.send(callback=HOOK)
        receipts = await made.tell()
        assert made.statuses() == ["sent", "delivered"]
        assert [(one.outcome, one.status, one.signed, one.attempt) for one in receipts] == [("delivered", 200, True, 1)] * 2
        assert all(proof(call) for call in listener.calls)
        assert made.message().meaning == "delivered"

    play(listener, act)


def test_a_state_that_a_call_brings_about_is_reported(listener: Listener) -> None:
    """A provider folder tells a state at once, whatever was still to come; nothing else is reported after it."""

    async def act(made: Sending) -> None:
        made.send(callback=HOOK)
        made.runtime.store.tell(made.message(), "failed")
        await made.tell(steps=3)
        assert (made.statuses(), made.message().status) == (["failed"], "failed")

    play(listener, act)


def test_a_provider_sends_by_itself(listener: Listener) -> None:
    """What follows an accepted message is judged, stored and reported like any send; a refusal is none."""

    async def act(made: Sending) -> None:
        made.send(callback=HOOK)
        first = made.message()
        follow = made.runtime.store.follow
        second = follow(first, structs.replace(first.send, text="Your code is 271828"))
        assert second is not None
        assert (second.gateway, second.code, made.message().id) == ("main", "271828", second.id)
        assert follow(first, structs.replace(first.send, sender="+12025550199")) is None
        await made.tell(steps=3)
        assert made.statuses().count("delivered") == 2

    play(listener, act)


def test_a_callback_passes_the_edge(listener: Listener) -> None:
    """The service sees the public Host and the forwarded headers; TLS has ended at the edge."""

    async def act(made: Sending) -> None:
        made.send(callback=HOOK)
        await made.tell()
        headers = listener.calls[0].headers
        assert (headers["host"], headers["x-forwarded-proto"], headers["x-forwarded-host"]) == (
            "otp.example.com", "https", "otp.example.com",
        )

    play(listener, act)


def test_an_edge_may_strip_a_prefix_and_send_no_header(listener: Listener) -> None:
    """What the proxy does is what the edge says; the signature stays that of the public URL."""

    async def act(made: Sending) -> None:
        edge = Edge(public="https://otp.example.com", upstream=listener.url, forwarded=[], strip_prefix="/hook")
        made.runtime.caller.edges = type(made.runtime.caller.edges)([edge])
        made.send(callback=f"{HOOK}/in?x=1")
        await made.tell()
        assert listener.calls[0].path == "/in?x=1"
        assert "x-forwarded-proto" not in listener.calls[0].headers
        assert proof(listener.calls[0], f"{HOOK}/in?x=1")
        made.send(callback="https://otp.example.com/other")
        assert (await made.tell())[-1].outcome == "blocked"

    play(listener, act)


def test_a_doomed_message_reports_its_code(listener: Listener) -> None:
    """The final receipt, and the message, carry the provider's error."""

    async def act(made: Sending) -> None:
        made.send(callback=HOOK)
        await made.tell()
        assert made.bodies()[-1] | {"at": 0, "id": ""} == {
            "id": "", "status": "undelivered", "error": "sender_unregistered_10dlc", "at": 0,
        }
        assert made.message().error == "sender_unregistered_10dlc"

    pending = {"number": "+12025550187", "registration": {"scheme": "10dlc", "status": "pending"}}
    play(listener, act, senders=[pending])


def test_no_receipt_goes_where_none_was_asked_for(listener: Listener) -> None:
    """Receipts switched off, or no URL: the message still reaches its end."""

    async def act(made: Sending) -> None:
        made.send(callback=HOOK, receipts=False)
        made.send()
        assert await made.tell() == []
        assert [message.status for message in made.runtime.store] == ["delivered", "delivered"]

    play(listener, act)


def test_a_refused_receipt_is_sent_again_as_the_provider_does(listener: Listener) -> None:
    """A 500 is retried after the policy's delays with the same bytes; the last refusal is the end."""

    async def act(made: Sending) -> None:
        listener.answers += [200, 500, 503, 500, 500]
        made.send(callback=HOOK)
        await made.tell()
        await made.tell(5)
        receipts = await made.tell(10, steps=3)
        assert [(one.attempt, one.outcome, one.status) for one in receipts] == [
            (1, "delivered", 200), (1, "refused", 500), (2, "refused", 503), (3, "refused", 500),
        ]
        assert len({call.body for call in listener.calls[1:]}) == 1

    play(listener, act)


def test_a_client_error_is_not_retried(listener: Listener) -> None:
    """What the policy does not name is lost."""

    async def act(made: Sending) -> None:
        listener.answers += [404, 404]
        made.send(callback=HOOK)
        await made.tell()
        assert [one.attempt for one in await made.tell(100, steps=2)] == [1, 1]

    play(listener, act)


def test_a_service_that_is_not_there_is_a_failed_receipt(listener: Listener) -> None:
    """Connection refused is recorded with what was tried, and retried."""

    async def act(made: Sending) -> None:
        edge = Edge(public="https://otp.example.com", upstream="http://127.0.0.1:9")
        made.runtime.caller.edges = type(made.runtime.caller.edges)([edge])
        made.send(callback=HOOK)
        receipt = (await made.tell())[0]
        assert (receipt.outcome, receipt.status) == ("failed", None)
        assert "127.0.0.1:9" in (receipt.error or "")
        assert (await made.tell(5))[-1].attempt == 2

    play(listener, act)


BLOCKED = {
    "http://localhost:8000/hook": "loopback",
    "https://10.0.0.5/hook": "private address",
    "https://my_service.example.com/hook": "underscore",
    "https://other.example.com/hook": "not the service's public host",
    "http://otp.example.com/hook": "not what the service is reached at",
    "https://otp.internal/hook": "private network",
    "https://intranet/hook": "not a public host name",
}


@pytest.mark.parametrize("url", BLOCKED)
def test_a_url_no_provider_could_reach_is_blocked_with_its_reason(url: str, listener: Listener) -> None:
    """Nothing is sent; the receipt says why, and is not retried."""

    async def act(made: Sending) -> None:
        made.send()
        made.message().callback = url
        receipt = (await made.tell(100))[0]
        assert (receipt.outcome, BLOCKED[url] in (receipt.error or "")) == ("blocked", True)
        assert listener.calls == []

    play(listener, act)


def test_without_an_edge_loopback_is_delivered_directly(listener: Listener) -> None:
    """For local work a callback to loopback needs no edge; other hosts stay blocked and say how to lead them."""

    async def act(made: Sending) -> None:
        made.runtime.caller.edges = type(made.runtime.caller.edges)([])
        made.send(callback=f"{listener.url}/hook")
        assert [one.outcome for one in await made.tell()] == ["delivered", "delivered"]
        made.send(callback="https://otp.example.com/hook")
        assert "--edge https://otp.example.com=" in ((await made.tell())[-1].error or "")

    play(listener, act)


FAULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "receipt_lost": ({}, []),
    "receipt_duplicate": ({}, ["sent", "sent", "delivered", "delivered"]),
    "receipt_out_of_order": ({}, ["delivered", "sent"]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_on_receipts_changes_what_arrives(name: str, listener: Listener) -> None:
    """Lost, doubled, out of order; the message itself is delivered."""

    async def act(made: Sending) -> None:
        made.runtime.faults.put([Fault(fault=name, destination=US, **FAULTS[name][0])])  # type: ignore[arg-type]
        made.send(callback=HOOK)
        await made.tell()
        assert made.statuses() == FAULTS[name][1]
        assert made.message().status == "delivered"
        assert made.last.fault == name

    play(listener, act)


def test_a_lost_receipt_is_recorded_as_lost(listener: Listener) -> None:
    """What was not sent is told as such."""

    async def act(made: Sending) -> None:
        made.runtime.faults.put([Fault(fault="receipt_lost")])
        made.send(callback=HOOK)
        assert [one.outcome for one in await made.tell()] == ["lost", "lost"]

    play(listener, act)


def test_a_late_receipt_arrives_late(listener: Listener) -> None:
    """Nothing before the delay, everything after it."""

    async def act(made: Sending) -> None:
        made.runtime.faults.put([Fault(fault="receipt_late", seconds=30)])
        made.send(callback=HOOK)
        await made.tell(10)
        assert (made.statuses(), made.message().status) == ([], "delivered")
        await made.tell(30)
        assert made.statuses() == ["sent", "delivered"]

    play(listener, act)


FORGED: dict[str, tuple[bool, bool]] = {
    "none": (True, True), "unsigned": (False, False), "tampered": (True, False), "wrong_secret": (True, False),
    "replayed": (True, True), "unknown_id": (True, True), "duplicate": (True, True), "stale_time": (True, True),
    "status": (True, True),
}
"""Forgery: whether a signature is there, and whether it verifies."""


@pytest.mark.parametrize("forgery", FORGED)
def test_a_receipt_is_forged_as_ordered(forgery: str, listener: Listener) -> None:
    """True and forged receipts are sent at once and tell what the service answered."""

    async def act(made: Sending) -> None:
        made.send(callback=HOOK)
        await made.tell()
        listener.clear()
        listener.answers += [204] * 2
        order = ReceiptOrder(message=made.message().id, status="delivered", forgery=forgery)  # type: ignore[arg-type]
        receipt = await made.runtime.receipts.send(order)
        call = listener.calls[-1]
        signed, verifies = FORGED[forgery]
        assert ("x-toy-signature" in call.headers, proof(call)) == (signed, verifies)
        assert (receipt.outcome, receipt.status, receipt.forged) == ("delivered", 204, None if forgery == "none" else forgery)
        body = json.loads(call.body)
        assert (body["id"] == made.message().provider_id) is (forgery != "unknown_id")
        assert (body["status"] == "delivered") is (forgery != "tampered")
        assert (body["at"] < made.clock.now() - 600) is (forgery == "stale_time")

    play(listener, act)


@pytest.mark.parametrize(
    ("order", "status"),
    [(ReceiptOrder(message="nobody"), 404), (ReceiptOrder(message="", status="flying"), 400)],
)
def test_a_receipt_that_cannot_be_says_why(order: ReceiptOrder, status: int, listener: Listener) -> None:
    """An unknown message or state is refused."""

    async def act(made: Sending) -> None:
        made.send(callback=HOOK)
        order.message = order.message or made.message().id
        with pytest.raises(Answer) as caught:
            await made.runtime.receipts.send(order)
        assert caught.value.status == status

    play(listener, act)


def test_by_hand_a_message_moves_only_when_told(listener: Listener) -> None:
    """In the manual gear nothing happens by itself; steps follow the path or name a state."""

    async def act(made: Sending) -> None:
        made.clock.gear = "manual"
        made.send(callback=HOOK)
        await made.tell(1000)
        assert made.message().status == "queued"
        await made.runtime.receipts.step(made.message(), None, None)
        assert made.statuses() == ["sent"]
        await made.runtime.receipts.step(made.message(), "undelivered", "carrier_blocked")
        assert (made.statuses(), made.message().error) == (["sent", "undelivered"], "carrier_blocked")
        with pytest.raises(Answer, match="final"):
            await made.runtime.receipts.step(made.message(), "delivered", None)

    play(listener, act)


def test_a_change_of_gear_sets_waiting_messages_off(listener: Listener) -> None:
    """From manual to timed: what stood still walks on."""

    async def act(made: Sending) -> None:
        made.clock.gear = "manual"
        made.send(callback=HOOK)
        made.clock.gear = "timed"
        made.runtime.receipts.regear()
        await made.tell(10)
        assert made.message().status == "delivered"

    play(listener, act)


@pytest.mark.parametrize(("status", "error", "says"), [("flying", None, "no status"), ("failed", "99", "no error '99'")])
def test_a_step_that_does_not_exist_says_so(status: str, error: str | None, says: str, listener: Listener) -> None:
    """Unknown states and codes are refused with what there is."""

    async def act(made: Sending) -> None:
        made.send()
        with pytest.raises(Answer, match=says):
            await made.runtime.receipts.step(made.message(), status, error)

    play(listener, act)


def test_a_canceled_message_sends_nothing_more(listener: Listener) -> None:
    """After a cancel the walk is over."""

    async def act(made: Sending) -> None:
        _, body = made.send(callback=HOOK)
        reply = made.call("DELETE", f"/messages/{body['id']}")
        assert reply is not None
        assert reply.status == 204
        await made.tell(100)
        assert (made.message().status, made.statuses()) == ("canceled", [])

    play(listener, act)
