"""`refuses-wrong-code`: wrong, empty, used, expired and exhausted codes."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from otpgate.scenarios.api import Answer
from otpgate.scenarios.conditions import most_attempts, provider_life
from otpgate.scenarios.model import User
from otpgate.scenarios.stage import Play, Undecidable, steps
from otpgate.scenarios.steps_delivers import in_hand, names
from otpgate.scenarios.steps_failover import last_sequence
from otpgate.scenarios.terms import LIFETIME_MARGIN
from otpgate_contracts.admin import Exchange, Message

TOO_SOON = "rate_limited"
PACE = 3.2
"""Seconds a provider may want between two tries of a code."""

ID = re.compile(r"[A-Za-z0-9_-]{16,}")


@steps("wrong_code")
def wrong_code(play: Play) -> None:
    """A code of the right length that was never sent."""
    message, code = in_hand(play, play.user)
    judge(play, typed(play, play.user, different(code)), "wrong_accepted", "a code that was never sent", message)
    # The right one afterwards: a service that refuses everything would pass otherwise.
    if (play.terms.max_attempts or 2) > 1:
        prove_alive(play, typed(play, play.user, code))


@steps("common_codes")
def common_codes(play: Play) -> None:
    """Codes that people leave in for tests."""
    _, code = in_hand(play, play.user)
    tries = [text for text in COMMON.get(play.terms.digits, ()) if text != code][: max((play.terms.max_attempts or 5) - 1, 1)]
    if not tries:
        raise Undecidable(f"no common codes of {play.terms.digits} digits are known")
    for text in tries:
        answer = play.verify(play.user, text)
        if answer.verdict == "accepted":
            raise play.stop("common_accepted", f"{text}, which was never sent, was accepted: {answer}", api="verify_code")


COMMON = {
    4: ("1234", "0000", "1111", "9999"), 5: ("12345", "00000", "11111"), 6: ("123456", "000000", "111111", "999999"),
    7: ("1234567", "0000000", "1111111"), 8: ("12345678", "00000000", "11111111"),
}


@steps("empty_code")
def empty_code(play: Play) -> None:
    """No code at all."""
    message, code = in_hand(play, play.user)
    judge(play, play.verify(play.user, ""), "empty_accepted", "an empty code", message)
    if (play.terms.max_attempts or 2) > 1:
        prove_alive(play, typed(play, play.user, code))


@steps("reused_code")
def reused_code(play: Play) -> None:
    """The right code, then the same again."""
    message, code = in_hand(play, play.user)
    prove_alive(play, typed(play, play.user, code))
    judge(play, typed(play, play.user, code), "reused_accepted", "a code that was used before", message)


@steps("exhausted_code")
def exhausted_code(play: Play) -> None:
    """The right code after more wrong ones than anybody may type."""
    most = most_attempts(play.subject)
    if most is None:
        raise Undecidable("otp.max_attempts is not declared")
    message, code = in_hand(play, play.user)
    guess = code
    for _ in range(most):
        guess = different(guess)
        answer = typed(play, play.user, guess)
        if answer.verdict != "refused":
            judge(play, answer, "wrong_accepted", "a code that was never sent", message)
            return
    judge(play, typed(play, play.user, code), "guesses_unlimited", f"the right code after {most} wrong ones", message)
    other = play.case.users[1]
    _, fresh = in_hand(play, other)
    prove_alive(play, typed(play, other, fresh))


@steps("expired_code")
def expired_code(play: Play) -> None:
    """The right code after its lifetime, on the service's own clock or under the lifetime probe."""
    probe = bool(play.terms.lifetime_probe) and not play.live.move_clock(0.0)
    message, code = in_hand(play, play.user)
    if probe:
        seconds = probed_lifetime(play)
        play.notes.append("expiry was probed with " + ", ".join(f"{k}={v}" for k, v in play.terms.lifetime_probe.items()))
        play.quiet(play.user, seconds, play.live.messages(play.user.phone)[-1].id)
        judge(play, play.verify(play.user, code), "expired_accepted", f"a code {seconds:g} s old", message)
        return
    lifetime = play.terms.lifetime if play.terms.lifetime is not None else provider_life(play.subject)
    if lifetime is None:
        raise Undecidable("otp.lifetime is not declared")
    before = told_time(play)
    step = lifetime + LIFETIME_MARGIN
    checked = play.terms.verified_by == "provider"
    if not play.live.move_clock(step, fakes_alone=checked):
        raise Undecidable(
            "the service's clock cannot be moved here: install libfaketime (Debian: faketime) or set otp.lifetime_probe"
        )
    after = told_time(play)
    moved = before is not None and after is not None and after - before >= step - 2.0
    answer = play.verify(play.user, code)
    if answer.verdict == "accepted" and not moved and not checked:
        raise Undecidable("the service still accepts the code, but nothing proves that its clock moved")
    whose = "otp.lifetime" if play.terms.lifetime is not None else "the provider's lifetime"
    judge(play, answer, "expired_accepted", f"a code {step:g} s old ({whose} is {lifetime:g} s)", message)
    if not moved:
        # Refused, and no told time to prove the shift: an old code refused and a new one taken proves it.
        other = play.case.users[1]
        _, fresh = in_hand(play, other)
        if play.verify(other, fresh).verdict != "accepted":
            raise Undecidable("after the clock was moved no code verifies at all, so expiry proves nothing")


def judge(play: Play, answer: Answer, symptom: str, what: str, message: Message | None = None) -> None:
    """An accepted code is a failure; an error of the service is another. Where a provider checks, its last word is told."""
    call = last_check(play, message) if message is not None and answer.verdict != "refused" else None
    said = f"; {verdict(call)}" if call is not None else ""
    seen = names(play, [call]) if call is not None else ()
    if answer.verdict == "accepted":
        play.fail(symptom, f"{what} was accepted: {answer}{said}", exchanges=seen, api="verify_code")
    elif answer.verdict == "broken":
        play.fail("verify_broken", f"{what} made the service fail: {answer}{said}", exchanges=seen, api="verify_code")


def typed(play: Play, user: User, code: str) -> Answer:
    """The user types a code; once more where the provider that checks it found that too soon after the last."""
    if play.terms.verified_by != "provider":
        return play.verify(user, code)
    known = last_sequence(play)
    answer = play.verify(user, code)
    if answer.verdict != "accepted" and any(call.reason == TOO_SOON for call in play.live.exchanges(since=known)):
        play.quiet(user, PACE, play.live.messages(user.phone)[-1].id)
        answer = play.verify(user, code)
    return answer


def last_check(play: Play, message: Message) -> Exchange | None:
    """The last call that asked the provider about this message's code: it names an id of the answer to the send, or the number."""
    if play.terms.verified_by != "provider":
        return None
    calls = [call for call in play.live.exchanges() if call.gateway == message.gateway]
    send = next((call for call in calls if call.id == message.exchange), None)
    known = {message.provider_id, *ID.findall(send.response_body if send is not None else "")}
    later = [call for call in calls if send is None or (call.sequence > send.sequence and call.operation != send.operation)]
    asked = [call for call in later if any(name in call.url or name in call.request_body for name in known)]
    # Some keep the code under the number alone; every case has a number of its own.
    number = message.to.removeprefix("+")
    asked = asked or [call for call in later if number in call.url or number in call.request_body]
    return asked[-1] if asked else None


def verdict(call: Exchange) -> str:
    """What the provider said to a check."""
    code = f" with {call.code}" if call.code else ""
    return f"{call.gateway} had answered {call.status}{code}" + (", which is no success" if call.code else "")


def prove_alive(play: Play, answer: Answer) -> None:
    """The right code has to verify, else refusing the others proves nothing."""
    if answer.verdict != "accepted":
        raise Undecidable(f"the right code does not verify either: {answer}")


def different(code: str) -> str:
    """Another code of the same length and alphabet."""
    if code.isdigit():
        return f"{(int(code) + 10 ** (len(code) - 1) + 7) % 10 ** len(code):0{len(code)}d}"
    return code[:-1] + ("A" if code[-1] != "A" else "B")


def told_time(play: Play) -> float | None:
    """What the service's Date header says, None where it sends none."""
    start = play.manifest.start
    response = play.live.lane.call("GET", (start.ready if start else None) or "/", timeout=5.0)
    text = next((value for name, value in response.headers.items() if name.lower() == "date"), None)
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def probed_lifetime(play: Play) -> float:
    """How long to wait under the probe: the largest number in it, and a second more."""
    numbers = [float(text) for text in play.terms.lifetime_probe.values() if text.replace(".", "", 1).isdigit()]
    if not numbers:
        raise Undecidable("otp.lifetime_probe names no number of seconds")
    return max(numbers) + 1.0
