"""The SMS sandbox: is the account in it, and which numbers does it reach. Numbers can be added and verified.

A number's code is shown nowhere by AWS; here it is the text of a message to that number, as a user would get it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

from otpgate_fakes.aws_sns.questions import page, parameters
from otpgate_fakes.aws_sns.render import result

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

NUMBER = re.compile(r"\+[0-9]{8,15}|[0-9]{1,9}")
"""Numbers the model allows (M-SNS)."""

CODE = re.compile(r"[0-9]{5,8}", re.ASCII)
LANGUAGES = frozenset((
    "en-US", "en-GB", "es-419", "es-ES", "de-DE", "fr-CA", "fr-FR", "it-IT", "ja-JP", "pt-BR", "kr-KR", "zh-CN", "zh-TW",
))
MOST_NUMBERS, MOST_CODES, DAY = 10, 5, 86_400.0


class Entry(NamedTuple):
    """A sandbox number: verified when (None: not yet), and when its codes were sent."""

    verified: float | None
    codes: tuple[float, ...] = ()


def status(context: Context, request: Request) -> Reply:
    answer = "true" if in_sandbox(context) else "false"
    return result(context, "GetSMSSandboxAccountStatus", f"<IsInSandbox>{answer}</IsInSandbox>")


def in_sandbox(context: Context) -> bool:
    return context.live.kind in ("sandbox", "trial")


def entries(context: Context) -> dict[str, Entry]:
    """Every number: those of the account state, verified long ago, and those added while the fake runs."""
    found = {number: Entry(0.0) for number in (context.account.verified_recipients if context.account else None) or ()}
    for number, entry in changed(context).items():
        if entry is None:
            found.pop(number, None)
        else:
            found[number] = entry
    return found


def changed(context: Context) -> dict[str, Entry | None]:
    """Numbers added, proved or removed while the fake runs; None: removed."""
    known: dict[str, Entry | None] = context.live.memory.setdefault("sandbox", {})
    return known


def keep(context: Context, number: str, entry: Entry | None) -> None:
    changed(context)[number] = entry
    if entry is None:
        context.live.verified.discard(number)
    elif entry.verified is not None:
        context.live.verified.add(number)


def list_numbers(context: Context, request: Request) -> Reply:
    rows, token = page(context, request, [*entries(context).items()], "NextToken", 100, 100)
    members = "".join(
        f"<member><PhoneNumber>{escape(number)}</PhoneNumber>"
        f"<Status>{'Pending' if entry.verified is None else 'Verified'}</Status></member>"
        for number, entry in rows
    )
    more = f"<NextToken>{token}</NextToken>" if token else ""
    return result(context, "ListSMSSandboxPhoneNumbers", f"<PhoneNumbers>{members}</PhoneNumbers>{more}")


def number_of(context: Context, request: Request) -> str:
    number = parameters(request).get("PhoneNumber", "")
    if NUMBER.fullmatch(number) is None:
        context.refuse("InvalidParameter", reason="recipient_malformed", what="PhoneNumber Reason: not a phone number")
    return number


def create(context: Context, request: Request) -> Reply:
    """CreateSMSSandboxPhoneNumber: adds a number and sends it a code; again for a pending one sends another."""
    number, now = number_of(context, request), context.clock.now()
    if parameters(request).get("LanguageCode", "en-US") not in LANGUAGES:
        context.refuse("InvalidParameter", reason="parameter_malformed", what="LanguageCode Reason: unknown language")
    if number in context.opted_out:
        context.refuse("OptedOut", what=number)
    found = entries(context)
    if number not in found and len(found) >= MOST_NUMBERS:
        context.refuse("UserError", what=f"The sandbox holds {MOST_NUMBERS} numbers already")
    entry = found.get(number, Entry(None))
    recent = tuple(at for at in entry.codes if now - at < DAY)
    if len(recent) >= MOST_CODES:
        context.refuse("UserError", what=f"A code was sent {MOST_CODES} times within 24 hours")
    keep(context, number, Entry(entry.verified, (*recent, now)))
    context.note(f"a code for the sandbox number is {code_of(number, len(recent) + 1)}")
    return result(context, "CreateSMSSandboxPhoneNumber")


def code_of(number: str, count: int) -> str:
    """The code of a sandbox number's n-th request: made from both, for nobody has to guess it here."""
    return f"{int(hashlib.sha256(f'{number}/{count}'.encode()).hexdigest(), 16) % 1_000_000:06d}"


def verify(context: Context, request: Request) -> Reply:
    """VerifySMSSandboxPhoneNumber: the latest code verifies."""
    number, given = number_of(context, request), parameters(request).get("OneTimePassword", "")
    if CODE.fullmatch(given) is None:
        context.refuse("InvalidParameter", reason="parameter_malformed", what="OneTimePassword Reason: 5 to 8 digits")
    entry = entries(context).get(number)
    if entry is None:
        context.refuse("ResourceNotFound", what=number)
    if given != code_of(number, len(entry.codes)):
        context.refuse("VerificationException")
    keep(context, number, Entry(context.clock.now(), entry.codes))
    return result(context, "VerifySMSSandboxPhoneNumber")


def delete(context: Context, request: Request) -> Reply:
    """DeleteSMSSandboxPhoneNumber: not within a day of its verification."""
    number = number_of(context, request)
    entry = entries(context).get(number)
    if entry is None:
        context.refuse("ResourceNotFound", what=number)
    if entry.verified is not None and context.clock.now() - entry.verified < DAY:
        context.refuse("UserError", what="A verified number can be deleted 24 hours after its verification")
    keep(context, number, None)
    return result(context, "DeleteSMSSandboxPhoneNumber")
