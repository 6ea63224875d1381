"""The `delivers` scenario, and what every other one needs first: a code in a user's hands."""

from __future__ import annotations

import re
import time

from otpgate.scenarios.api import Answer
from otpgate.scenarios.model import User
from otpgate.scenarios.stage import LOST, Play, Undecidable, extend, patience, qualified, steps
from otpgate_contracts.admin import Exchange, Message
from otpgate_contracts.text import alphabet


@steps("delivers")
def delivers(play: Play) -> None:
    """One request, one message through this gateway, the right sender, segments, code and time."""
    user = play.user
    started = time.monotonic()
    message, answer = sent(play, user)
    settled = play.settle(message, max(0.5, extend(play.terms.delivered_within) - message_age(play, started)))
    seconds = time.monotonic() - started
    calls = names(play, play.calls(user, play.case.gateway))
    if settled.meaning in LOST:
        raise play.stop(
            "not_delivered", f"{play.case.gateway} accepted the message and then reported {settled.status}"
            + (f" with error {settled.error}" if settled.error else ""), exchanges=calls, code=settled.error or "",
            product=settled.product, status=settled.status,
        )
    if settled.meaning not in ("delivered", "read"):
        play.fail(
            "late", f"the message was {settled.status}, not delivered, {play.terms.delivered_within:g} s after the request",
            exchanges=calls, status=settled.status,
        )
    elif play.case.position == 0 and seconds > extend(play.terms.delivered_within):
        play.fail("late", f"delivered after {seconds:.1f} s, promised in {play.terms.delivered_within:g} s", exchanges=calls)
    if answer.late:
        play.fail("slow_answer", f"{answer.call} took longer than its `within`", exchanges=calls)
    check_sender(play, settled, calls)
    check_segments(play, settled, calls)
    code = code_of(play, settled, calls)
    verified = play.verify(user, code)
    if verified.verdict != "accepted":
        play.fail("right_code_refused", f"the code that arrived does not verify: {verified}", exchanges=calls, api="verify_code")
    arrived = play.case.position == 0 and settled.meaning in ("delivered", "read")
    extra = [other for other in play.live.messages(user.phone) if other.gateway == play.case.gateway or arrived]
    if len(extra) > 1:
        through = " and ".join(dict.fromkeys(str(other.gateway) for other in extra))
        play.fail("sent_twice", f"one request made {len(extra)} messages through {through}", exchanges=calls)


def sent(play: Play, user: User) -> tuple[Message, Answer]:
    """The user's message through the case's gateway. Stops the case, with evidence, when there is none."""
    answer = play.request(user)
    within = play.terms.delivered_within if play.case.position == 0 else play.terms.failover_within
    if answer.verdict != "accepted":
        within = min(within, 1.0)
    message = play.first(user, extend(within), lambda one: one.gateway == play.case.gateway)
    if message is not None:
        if answer.verdict != "accepted":
            play.fail(
                "request_refused", f"the code was sent although asking for it did not work: {answer}",
                exchanges=names(play, play.calls(user)), api="request_code", answer=str(answer), body=answer.body,
            )
        return message, answer
    calls = play.evidence(user)
    if answer.verdict != "accepted":
        raise play.stop(
            "request_refused", f"asking for a code did not work: {answer}", exchanges=names(play, calls), api="request_code",
            answer=str(answer), body=answer.body,
        )
    through = [one.gateway for one in play.live.messages(user.phone)]
    if through and not any(call.gateway == play.case.gateway for call in calls):
        raise play.stop(
            "not_through_gateway", f"{play.case.gateway} was never asked, the code went through {through[-1]}",
            exchanges=names(play, calls), through=str(through[-1]),
        )
    raise play.stop(
        "not_sent", f"no message left through {play.case.gateway} within {within:g} s", exchanges=names(play, calls),
        answer=str(answer),
    )


def in_hand(play: Play, user: User) -> tuple[Message, str]:
    """A code the user really got, through whichever gateway; undecided when none came (`delivers` says why)."""
    answer = play.request(user)
    within = patience(max(play.terms.delivered_within, play.terms.failover_within))
    if answer.verdict != "accepted":
        raise Undecidable(f"no code could be asked for: {answer}")
    for message in play.arrivals(user, within):
        settled = play.settle(message, extend(play.terms.delivered_within))
        if settled.meaning not in LOST and settled.code:
            play.live.codes.add(settled.code)
            return settled, settled.code
    raise Undecidable(f"no code arrived within {within:.0f} s")


def message_age(play: Play, started: float) -> float:
    """Seconds of the objective already spent; a fallback's own clock starts when it is reached."""
    return time.monotonic() - started if play.case.position == 0 else 0.0


def names(play: Play, calls: list[Exchange]) -> tuple[str, ...]:
    return tuple(qualified(play.live.lane.name, call.id) for call in calls)


def code_of(play: Play, message: Message, calls: tuple[str, ...]) -> str:
    """The code in a message; stops the case when there is none of the declared length."""
    found = message.code
    if not found:
        pattern = rf"(?<!\d)\d{{{play.terms.digits}}}(?!\d)"
        match = re.search(pattern, message.text)
        found = match[0] if match else None
    if not found:
        raise play.stop(
            "no_code", f"the text that arrived holds no code of {play.terms.digits} digits", exchanges=calls,
        )
    if found.isdigit() and len(found) != play.terms.digits:
        play.fail("code_length", f"the code has {len(found)} digits, otp.digits says {play.terms.digits}", exchanges=calls)
    play.live.codes.add(found)
    return found


def check_sender(play: Play, message: Message, calls: tuple[str, ...]) -> None:
    """The sender on the wire is the one configured for the country."""
    expected = play.gateway.senders(play.case.country)
    if not expected:
        return
    wanted = next(iter(expected.values())).text
    if same_sender(wanted, message.sender) or message.request.get("pool") == wanted:
        return
    pool = next((s for s in (play.gateway.account.senders or () if play.gateway.account else ()) if s.pool == wanted), None)
    if pool is not None and (pool.members is None or any(same_sender(member, message.sender) for member in pool.members)):
        return
    if play.gateway.text("messaging_service_sid"):
        return
    play.fail(
        "wrong_sender", f"the message came from {message.sender!r}, the manifest says {wanted!r} for {play.case.country}",
        exchanges=calls, seen=message.sender,
    )


def same_sender(one: str, other: str) -> bool:
    return one.lstrip("+") == other.lstrip("+")


def check_segments(play: Play, message: Message, calls: tuple[str, ...]) -> None:
    """No more segments than otp.max_segments; unset: 1, or 2 where the alphabet forces UCS-2."""
    allowed = play.terms.max_segments
    if allowed is None:
        allowed = 1 if alphabet(message.text) == "GSM7" else 2
    if message.segments > allowed:
        play.fail(
            "too_many_segments", f"the text took {message.segments} segments ({message.encoding}), {allowed} allowed",
            exchanges=calls, encoding=message.encoding, segments=str(message.segments),
        )
