"""`failover`, `bad-recipient` and `no-storm`: what the service does when a gateway fails."""

from __future__ import annotations

import time
from collections.abc import Callable

from otpgate.scenarios.conditions import service_row, service_setting
from otpgate.scenarios.model import User
from otpgate.scenarios.stage import LOST, Play, Undecidable, extend, patience, steps
from otpgate.scenarios.steps_delivers import names
from otpgate.scenarios.terms import number
from otpgate_contracts.admin import Exchange, Message

QUIET = 2.0
ATTEMPTS = 4
CRASHED = 500
BELOW_REQUESTS = ("refuse_connection", "tls_expired")
INSIDE_2XX = ("failing_2xx", "nobody_in_2xx")


@steps("failover")
def failover(play: Play) -> None:
    """The gateway fails for one user; the code arrives through the next one, and only one code is usable."""
    fault = play.break_gateway(play.user)
    since = last_sequence(play)

    def exercised(attempts: list[Exchange]) -> bool:
        return bool(attempts) or play.struck(fault)

    takes_over(play, play.user, since, fault.fault, exercised)


@steps("gateway_dies")
def gateway_dies(play: Play) -> None:
    """A code goes out through the gateway, then it dies; the next user's code arrives through the next gateway."""
    before, user = play.case.users
    play.request(before)
    message = play.first(before, patience(play.terms.delivered_within), lambda one: one.gateway == play.case.gateway)
    if message is None:
        raise Undecidable(f"{play.case.gateway} sent nothing while it lived, so its end was not exercised")
    play.kill_gateway(user)
    takes_over(play, user, last_sequence(play), "refuse_connection", lambda _: True)


def takes_over(play: Play, user: User, since: int, fault: str, exercised: Callable[[list[Exchange]], bool]) -> None:
    """With its gateway out of order, the user's code arrives through the next one; only one code is usable."""
    started = time.monotonic()
    answer = play.request(user)
    within = extend(play.terms.failover_within)
    left = within - (time.monotonic() - started)
    message = play.first(user, max(left, 1.0), lambda one: one.gateway in play.case.after)
    seconds = time.monotonic() - started
    attempts = [
        call for call in play.live.exchanges(since=since)
        if (fault in BELOW_REQUESTS and call.fault == fault)
        or (call.gateway == play.case.gateway and call.to == user.phone)
    ]
    calls = names(play, attempts)
    if not exercised(attempts):
        raise Undecidable(f"{play.case.gateway} was never asked, so its failure was not exercised")
    assert play.case.variant is not None
    if message is None:
        others = names(play, play.calls(user))
        swallowed = play.case.variant.fault in INSIDE_2XX and answer.verdict == "accepted"
        raise play.stop(
            "failure_swallowed" if swallowed else "no_failover",
            f"{play.case.gateway} failed ({play.case.variant.title}) and no code came through"
            f" {' or '.join(play.case.after)} within {play.terms.failover_within:g} s; {answer}",
            exchanges=others or calls, cause=play.case.variant.cause or "", through=",".join(play.case.after),
        )
    if seconds > within:
        play.fail(
            "failover_late", f"the code came after {seconds:.1f} s, promised in {play.terms.failover_within:g} s",
            exchanges=calls,
        )
    one_usable_code(play, user, message, calls)


def one_usable_code(play: Play, user: User, message: Message, calls: tuple[str, ...]) -> None:
    """Every earlier code is the same or is refused; the latest verifies."""
    settled = play.settle(message, play.terms.delivered_within)
    if settled.meaning in LOST or not settled.code:
        play.notes.append(f"the message through {settled.gateway} ended {settled.status}")
        if settled.meaning in LOST:
            raise play.stop(
                "not_delivered", f"{settled.gateway} took over and then reported {settled.status}"
                + (f" with error {settled.error}" if settled.error else ""), gateway=settled.gateway,
                exchanges=names(play, play.calls(user, settled.gateway)), code=settled.error or "", product=settled.product,
            )
    latest = settled.code or ""
    earlier = [one.code for one in play.live.messages(user.phone) if one.code and one.code != latest]
    spare = play.terms.max_attempts or 3
    for code in list(dict.fromkeys(earlier))[: max(spare - 1, 1)]:
        answer = play.verify(user, code)
        if answer.verdict == "accepted":
            play.fail(
                "two_usable_codes", f"after the failover an earlier code still verifies: {answer}", exchanges=calls,
                api="verify_code",
            )
            return
    answer = play.verify(user, latest)
    if answer.verdict != "accepted":
        play.fail(
            "right_code_refused", f"the code that came through {settled.gateway} does not verify: {answer}",
            exchanges=calls, gateway=settled.gateway, api="verify_code",
        )


@steps("unknown_service")
def unknown_service(play: Play) -> None:
    """The gateway knows no such service: the code comes through the next one, or the caller is told."""
    play.break_gateway(play.user, "unknown_service")
    answer = play.request(play.user)
    through = play.case.after if "error" in play.terms.failover_when else ()
    message = None
    if answer.verdict == "accepted":
        message = play.first(play.user, extend(play.terms.failover_within), lambda one: one.gateway in through)
    attempts = play.calls(play.user, play.case.gateway)
    if not attempts:
        raise Undecidable(f"{play.case.gateway} was never asked, so its refusal was not exercised")
    row = service_row(play.gateway, play.pack)
    setting = service_setting(row, play.gateway, play.pack) if row is not None else None
    told = f"{play.case.gateway} knows no such service ({code_seen(attempts)})"
    evidence = names(play, attempts)
    if answer.verdict == "accepted" and message is None:
        play.fail("failure_swallowed", f"{told}, and nothing was sent; {answer}", exchanges=evidence, setting=setting or "")
    elif answer.error or answer.status == CRASHED or not play.live.lane.alive():
        play.fail("refusal_crashed", f"{told}, and the service fell over: {answer}", exchanges=evidence, setting=setting or "")
    elif message is None and through:
        play.fail(
            "no_failover", f"{told}, and no code came through {' or '.join(through)}; {answer}", exchanges=evidence,
            cause="error", through=",".join(through),
        )


@steps("bad_recipient")
def bad_recipient(play: Play) -> None:
    """Some numbers are refused for good; the gateway is still used for the next, good one."""
    *bad, good = play.case.users
    for user in bad:
        play.break_gateway(user, "bad_recipient")
    asked = 0
    for user in bad:
        play.request(user)
        calls = play.calls(user)
        asked += any(call.gateway == play.case.gateway for call in calls)
        elsewhere = [one for one in play.live.messages(user.phone) if one.gateway in play.case.after]
        if elsewhere and not play.failures:
            play.fail(
                "bad_recipient_resent",
                f"{play.case.gateway} refused the number for good ({code_seen(calls)}), and it was sent again through"
                f" {elsewhere[0].gateway}", exchanges=names(play, calls), code=code_seen(calls),
            )
    if not asked:
        raise Undecidable(f"{play.case.gateway} was never asked for the refused numbers")
    play.request(good)
    message = play.first(good, extend(play.terms.failover_within), lambda one: bool(one.id))
    calls = play.calls(good)
    if message is None:
        play.fail("bad_recipient_blocks", f"after {len(bad)} refused numbers a good one gets no code", exchanges=names(play, calls))
    elif message.gateway != play.case.gateway and not any(call.gateway == play.case.gateway for call in calls):
        play.fail(
            "bad_recipient_flips",
            f"after {len(bad)} refused numbers a good one goes through {message.gateway}, not {play.case.gateway}",
            exchanges=names(play, calls), through=message.gateway or "",
        )


@steps("no_storm")
def no_storm(play: Play) -> None:
    """Transient errors are tried again no more often than allowed."""
    allowed = int(number(play.gateway.settings.get("attempts"), None) or ATTEMPTS)
    attempts = tries(play)
    if len(attempts) > allowed:
        play.fail(
            "retry_storm", f"{len(attempts)} attempts at {play.case.gateway} for one code, {allowed} allowed",
            exchanges=names(play, attempts[:10]), attempts=str(len(attempts)),
        )


@steps("no_retry")
def no_retry(play: Play) -> None:
    """A permanent refusal is tried once."""
    attempts = tries(play)
    if len(attempts) > 1:
        play.fail(
            "permanent_retried",
            f"{len(attempts)} attempts at {play.case.gateway} after a refusal no retry can cure ({code_seen(attempts)})",
            exchanges=names(play, attempts[:10]), attempts=str(len(attempts)), code=code_seen(attempts),
        )


def tries(play: Play) -> list[Exchange]:
    """The calls one request makes at the failing gateway, until it is quiet."""
    play.break_gateway(play.user)
    play.request(play.user)
    play.quiet(play.user, QUIET, None)
    found = [call for call in play.calls(play.user, play.case.gateway) if call.kind == "call"]
    if not found:
        raise Undecidable(f"{play.case.gateway} was never asked, so its failure was not exercised")
    return found


def code_seen(calls: list[Exchange]) -> str:
    return next((call.code for call in calls if call.code), "no code")


def last_sequence(play: Play) -> int:
    known = play.live.exchanges()
    return known[-1].sequence if known else 0
