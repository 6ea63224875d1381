"""`egress`, `no-leak` and `contract`: judged on what every lane left behind."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from otpgate.config.model import Manifest
from otpgate.scenarios.lanes import COMMON_SECRETS, SECRET_KINDS
from otpgate.scenarios.model import Case, Failure, Outcome
from otpgate.scenarios.stage import qualified
from otpgate_contracts.admin import Exchange, Message, Receipt
from otpgate_contracts.model import Pack

STRAY = ("unknown_host", "dns")
SHORT_SECRET = 6
# A clock's fraction or part of a longer token is not a leaked code.
LEAK = r"(?<![\w.,+\-])(?<!\d:){code}(?![\w])"


class Traffic(Struct, frozen=True, kw_only=True):
    """What one lane left behind. `bodies`: API answers of the service; `codes`: sent to its users."""

    lane: str
    exchanges: tuple[Exchange, ...]
    receipts: tuple[Receipt, ...]
    messages: tuple[Message, ...]
    logs: str
    bodies: tuple[str, ...]
    codes: frozenset[str]


Judge = Callable[[Case, Manifest, dict[str, Pack], tuple[Traffic, ...]], Outcome]


def outcome(case: Case, failures: list[Failure], seen: bool, nothing: str) -> Outcome:
    involved = dict.fromkeys(exchange for failure in failures for exchange in failure.exchanges)
    return Outcome(
        case=case, verdict="failed" if failures else "passed" if seen else "undecided",
        reason=failures[0].message if failures else "" if seen else nothing, seconds=0.0, failures=tuple(failures),
        exchanges=tuple(involved),
    )


def failure(case: Case, symptom: str, message: str, exchanges: tuple[str, ...] = (), **details: str) -> Failure:
    return Failure(
        symptom=symptom, message=message, case=case.id, scenario=case.scenario.id,
        variant=case.variant.id if case.variant else None, gateway=case.gateway, country=None, exchanges=exchanges,
        details=details,
    )


def egress(case: Case, manifest: Manifest, packs: dict[str, Pack], traffic: tuple[Traffic, ...]) -> Outcome:
    """Each host the service asked for belongs to a gateway or is allowed; one failure per host."""
    strays: dict[str, list[str]] = {}
    for lane in traffic:
        for call in lane.exchanges:
            if call.kind in STRAY and call.host not in manifest.allow:
                strays.setdefault(call.host, []).append(qualified(lane.lane, call.id))
    failures = [
        failure(case, "stray_host", f"the service called {host}, which no gateway owns", tuple(calls[:5]), host=host)
        for host, calls in sorted(strays.items())
    ]
    return outcome(case, failures, any(lane.exchanges for lane in traffic), "no lane called anything")


def no_leak(case: Case, manifest: Manifest, packs: dict[str, Pack], traffic: tuple[Traffic, ...]) -> Outcome:
    """No code and no secret in the service's output or answers."""
    failures: list[Failure] = []
    codes = frozenset().union(*(lane.codes for lane in traffic)) if traffic else frozenset()
    for place, texts in (
        ("log", [(lane, lane.logs) for lane in traffic]),
        ("answer", [(lane, "\n".join(lane.bodies)) for lane in traffic]),
    ):
        leaked = {code for lane, text in texts for code in lane.codes if re.search(LEAK.format(code=re.escape(code)), text)}
        # One six-digit number may be there by chance; a habit shows with the second.
        if len(leaked) >= min(2, len(codes)) and leaked:
            failures.append(failure(
                case, f"code_in_{place}", f"{len(leaked)} of {len(codes)} codes stand in the service's {place}s", place=place,
            ))
        for name, secret in secrets(manifest, packs).items():
            if any(secret in text for _, text in texts):
                failures.append(failure(
                    case, "secret_exposed", f"the value of gateways.{name} stands in the service's {place}s", setting=name,
                    place=place,
                ))
    return outcome(case, failures, bool(codes), "no code was sent in any lane, so none could leak")


def secrets(manifest: Manifest, packs: dict[str, Pack]) -> dict[str, str]:
    """Secret values by `gateway.setting`."""
    found: dict[str, str] = {}
    for gateway in manifest.gateways.values():
        pack = packs.get(gateway.provider)
        hidden = {spec.name for spec in pack.provider.settings if spec.kind in SECRET_KINDS} if pack else set()
        for name in sorted(hidden | set(COMMON_SECRETS)):
            text = gateway.text(name)
            if text and len(text) >= SHORT_SECRET:
                found[f"{gateway.name}.{name}"] = text
    return found


def contract(case: Case, manifest: Manifest, packs: dict[str, Pack], traffic: tuple[Traffic, ...]) -> Outcome:
    """Each recorded call to the gateway fits the provider's document; one failure per operation and place."""
    failures: dict[tuple[str, str], Failure] = {}
    seen = False
    for lane in traffic:
        for call in lane.exchanges:
            if call.gateway != case.gateway or call.kind != "call":
                continue
            seen = True
            for mismatch in call.mismatches:
                where = mismatch.get("where", "")
                key = (call.operation or call.url, where)
                failures.setdefault(key, failure(
                    case, "contract_mismatch",
                    f"{call.operation or call.method}: {where}: {mismatch.get('message') or mismatch.get('got', '')}",
                    (qualified(lane.lane, call.id),), where=where, operation=call.operation or "",
                    kind=mismatch.get("kind", ""), source=mismatch.get("source") or f"{call.provider}/openapi.yaml",
                ))
    return outcome(case, list(failures.values()), seen, f"{case.gateway} was never called")


JUDGES: dict[str, Judge] = {"egress": egress, "no_leak": no_leak, "contract": contract}
