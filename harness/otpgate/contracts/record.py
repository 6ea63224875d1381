"""From the exchanges and receipts of a real run to pact files (V4): two per service and gateway.

`<service>-<gateway>.json` holds what the service asks of the provider, `<gateway>-<service>.json` what the provider asks
of the service: its receipts. The text depends on what was said, never on when, in which order, or to whom.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Struct

from otpgate.config.model import Gateway, Manifest
from otpgate.contracts.following import alone
from otpgate.contracts.shaping import Rules, Shaped, Shaper, combined, content_schema, step
from otpgate.contracts.volatile import MARK, canonical
from otpgate.errors import NothingSelected, UsageError
from otpgate.scenarios.lanes import fake_gateway
from otpgate_contracts import loading, numbering
from otpgate_contracts.account import AccountState
from otpgate_contracts.admin import Exchange, Receipt
from otpgate_contracts.model import Pack
from otpgate_contracts.wire import Judge

FAULTS = {"error", "status", "rate_limit"}
HARMLESS = {"accept_then_fail", "accept_never_deliver", "receipt_lost", "receipt_late", "receipt_duplicate", "receipt_out_of_order"}
IDENTIFYING = ("id", "enum", "bool")
TRANSPORT = {
    "user-agent", "accept", "connection", "content-length", "host", "accept-encoding", "x-forwarded-proto",
    "x-forwarded-host", "x-forwarded-for", "date",
}
SIGNED = "c2lnbmF0dXJl"
SIGNED_AT = "1767323045"
Interaction = dict[str, Any]


class Recorded(Struct, frozen=True, kw_only=True):
    """One pact file: its name and its text."""

    name: str
    text: str
    interactions: int


class Side(Struct, frozen=True, kw_only=True):
    """One gateway while its pacts are written."""

    service: str
    gateway: Gateway
    pack: Pack
    judge: Judge
    provider: str
    numbers: dict[str, str]
    account: dict[str, Any] | None
    settings: dict[str, Any]
    digits: int


def record(
    manifest: Manifest, packs: Mapping[str, Pack], exchanges: Sequence[Exchange], receipts: Sequence[Receipt],
) -> list[Recorded]:
    """The pact files of a run; NothingSelected where no gateway was called.

    Left out are gateways known from their description alone: a pact names a provider, and cannot say what this one is.
    """
    made = []
    for gateway in manifest.gateways.values():
        if gateway.provider not in packs or not nameable(gateway, packs[gateway.provider]):
            continue
        calls = alone([one for one in exchanges if one.gateway == gateway.name and one.kind == "call"], gateway)
        told = [one for one in receipts if one.gateway == gateway.name]
        side = side_of(manifest, gateway, packs[gateway.provider], [*calls, *told])
        interactions = unlike(filter(None, (of_call(side, call) for call in calls)))
        if interactions:
            made.append(pact(side, side.service, side.provider, f"{side.service}-{gateway.name}.json", interactions))
        back = unlike(filter(None, (of_receipt(side, one) for one in told)))
        if back:
            made.append(pact(side, side.provider, side.service, f"{gateway.name}-{side.service}.json", back))
    if not made:
        raise NothingSelected(
            "there is nothing to record", where=manifest.file,
            why="no gateway of the manifest was called in this run, those left out that only describe themselves",
            do="run every scenario; `otpgate verify -v` shows which calls were made",
        )
    return made


def nameable(gateway: Gateway, pack: Pack) -> bool:
    """Whether the provider's name says what its pack is: not where a gateway describes itself, unless as the example does."""
    return pack.description is None or gateway.kind is None or pack.document == loading.openapi(loading.pack(gateway.kind))


def write(made: Iterable[Recorded], folder: Path) -> list[tuple[Path, str]]:
    """Put the files into a folder; each path with what happened: new, changed, unchanged."""
    told = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in made:
            path = folder / one.name
            before = path.read_text("utf-8") if path.is_file() else None
            if before != one.text:
                path.write_text(one.text, "utf-8")
            told.append((path, "new" if before is None else "unchanged" if before == one.text else "changed"))
    except OSError as error:
        raise UsageError("the pacts cannot be written", where=str(folder), why=str(error.strerror or error)) from None
    return told


def side_of(manifest: Manifest, gateway: Gateway, pack: Pack, said: Sequence[Exchange | Receipt]) -> Side:
    """What of the manifest stands in a gateway's pacts: the account's state and plain settings, never a secret."""
    shared = [one for one in manifest.gateways.values() if one.provider == gateway.provider]
    account, kept = account_of(gateway.account)
    settings = fake_gateway(gateway, pack).settings
    known = {spec.name: settings[spec.name] for spec in pack.provider.settings
             if spec.kind in IDENTIFYING and isinstance(settings.get(spec.name), str | bool | int | float)}
    return Side(
        service=manifest.name, gateway=gateway, pack=pack, judge=Judge(loading.openapi(pack)),
        provider=pack.id if len(shared) == 1 else f"{pack.id}-{gateway.name}", numbers=stand_ins(said, kept),
        account=account, settings=steady(known), digits=length_of_codes(manifest),
    )


def length_of_codes(manifest: Manifest) -> int:
    digits = manifest.otp.get("digits")
    return digits.value if digits is not None and isinstance(digits.value, int) else 6


def account_of(state: AccountState | None) -> tuple[dict[str, Any] | None, frozenset[str]]:
    """The account's state without anything secret, and the numbers that mean something in it."""
    if state is None:
        return None, frozenset()
    plain: dict[str, Any] = {name: value for name, value in msgspec.to_builtins(state).items() if value not in (None, {})}
    plain.pop("credentials", None)
    if isinstance(plain.get("callbacks"), dict):
        plain["callbacks"] = {
            name: value for name, value in plain["callbacks"].items() if "secret" not in name and "sha256" not in name and value is not None
        }
    numbers = [*(state.opted_out or ()), *(state.verified_recipients or ()), *(one.value for one in state.senders or ())]
    made: dict[str, Any] = steady(plain)
    return made, frozenset(text.removeprefix("+") for text in numbers)


def steady(value: Any) -> Any:
    """A value with the ids in it replaced by fixed ones, and without empty parts."""
    if isinstance(value, dict):
        return {name: steady(one) for name, one in sorted(value.items()) if one is not None}
    if isinstance(value, list | tuple):
        return [steady(one) for one in value]
    return canonical(value, {}).example if isinstance(value, str) else value


def stand_ins(said: Iterable[Exchange | Receipt], kept: frozenset[str]) -> dict[str, str]:
    """For every recipient a fixed number of the same country; numbers the account knows stay."""
    found: dict[str, str] = {}
    for number in sorted({one.to for one in said if one.to}):
        digits = number.removeprefix("+")
        country = numbering.country_of(number)
        examples = [one.removeprefix("+") for one in numbering.example_numbers(country)] if country else []
        free = next((one for one in examples if one not in kept), None)
        if digits not in kept and free is not None:
            found[digits] = free
    return found


NEGOTIATED = {"application/json", "application/xml"}
"""An answer that comes as both is chosen by what the caller accepts, which is then part of the contract."""


def of_call(side: Side, call: Exchange) -> Interaction | None:
    """One call with its answer; None where a fault left nothing that the provider would say."""
    if call.operation is None or call.status is None or (call.fault or "error") not in FAULTS | HARMLESS:
        return None
    raw = side.judge.operation(call.operation)
    asked = Shaper(judge=side.judge, numbers=side.numbers, request=True, digits=side.digits)
    sent_as = call.request_headers.get("content-type", "")
    taken = side.judge.resolve(raw.get("requestBody", {})).get("content", {})
    request = message(asked.body(call.request_body, sent_as, content_schema(side.judge, taken, sent_as)))
    if call.request_body and "body" not in request:
        return None
    parts = urlsplit(call.url)
    path = canonical(parts.path, side.numbers)
    request |= {"method": call.method, "path": path.example}
    if path.pattern is not None:
        request["matchingRules"]["path"] = combined({"match": "regex", "regex": path.pattern})
    if parts.query:
        shaped = asked.form(parts.query, "", {})
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(str(shaped.content), keep_blank_values=True):
            query.setdefault(name, []).append(value)
        request["query"] = query
    headers, rules = credentials(call.request_headers)
    content = side.judge.response_content(call.operation, call.status)
    wanted = call.request_headers.get("accept", "") if content.keys() >= NEGOTIATED else ""
    request["headers"] = {**({"Accept": [wanted]} if wanted else {}), **({"Content-Type": [sent_as]} if sent_as else {}), **headers}
    if rules:
        request["matchingRules"]["header"] = rules
    answer = Shaper(
        judge=side.judge, numbers=side.numbers, digits=side.digits, fixed=frozenset(filter(None, (call.code, str(call.status)))),
        origin=f"{parts.scheme}://{parts.netloc}" if parts.netloc else "",
    )
    came_as = call.response_headers.get("content-type", "")
    response = message(answer.body(call.response_body, came_as, content_schema(side.judge, content, came_as)))
    response |= {"status": call.status}
    if came_as:
        response["headers"] = {"Content-Type": [came_as]}
    return {
        "type": "Synchronous/HTTP", "description": outcome(call), "providerStates": states(side, call), "pending": False,
        "request": tidy(request), "response": tidy(response),
    }


def outcome(call: Exchange) -> str:
    country = numbering.country_of(call.to) if call.to and call.accepted else None
    if call.accepted:
        return f"{call.operation}{f' to {country}' if country else ''} is accepted"
    if call.code is not None:
        return f"{call.operation} is refused with {call.code}{f' ({call.reason})' if call.reason else ''}"
    return f"{call.operation} answers {call.status}"


def states(side: Side, call: Exchange) -> list[dict[str, Any]]:
    """What must be true of the provider: the account as it is, and the trouble it is in."""
    found: list[dict[str, Any]] = [{
        "name": "the account is as deployed", "params": {"gateway": side.gateway.name, "account": side.account},
    }]
    if call.fault in FAULTS:
        fault: dict[str, Any] = {"fault": call.fault, "provider": side.pack.id}
        if call.fault == "error":
            fault["code"] = call.code
        if call.fault == "status":
            fault["status"] = call.status
        found.append({"name": "the provider is in trouble", "params": {"fault": fault}})
    return found


def of_receipt(side: Side, receipt: Receipt) -> Interaction | None:
    """One true receipt that the service took, with the service's answer."""
    if receipt.forged is not None or receipt.outcome != "delivered" or receipt.status is None:
        return None
    headers = {name.lower(): value for name, value in receipt.request_headers.items()}
    sent_as = headers.get("content-type", "")
    schema = receipt_schema(side.judge, receipt, sent_as)
    shaper = Shaper(judge=side.judge, numbers=side.numbers, digits=side.digits)
    parts = urlsplit(receipt.url)
    request = message(shaper.body(receipt.request_body, sent_as, schema))
    request |= {"method": receipt.method, "path": parts.path or "/"}
    if parts.query:
        shaped = shaper.form(parts.query, "", schema)
        request["query"] = {name: [value] for name, value in parse_qsl(str(shaped.content), keep_blank_values=True)}
        rules_of = {name: shaped.rules.get(f"{step('$', name)}[0]") for name in request["query"]}
        request["matchingRules"]["query"] = {name: rule for name, rule in rules_of.items() if rule is not None}
    kept: dict[str, list[str]] = {}
    rules: Rules = {}
    times = {hook.signature_time.lower() for hook in side.pack.provider.webhooks if hook.signature_time}
    for name in sorted(headers):
        if name in TRANSPORT:
            continue
        if name == "content-type":
            kept["Content-Type"] = [headers[name]]
            continue
        if name in times and headers[name].isdigit():
            kept[titled(name)], rules[titled(name)] = [SIGNED_AT], combined({"match": "regex", "regex": "^[0-9]+$"})
            continue
        made = canonical(headers[name], side.numbers)
        chance = any(word in name for word in ("signature", "authorization", "hmac")) or ("token" in name and made.pattern is None)
        kept[titled(name)] = [SIGNED if chance else made.example]
        if chance or made.pattern is not None:
            rules[titled(name)] = combined({"match": "regex", "regex": "^.+$" if chance else made.pattern})
    request["headers"] = kept
    if rules:
        request["matchingRules"]["header"] = rules
    error = failing(side, receipt)
    return {
        "type": "Synchronous/HTTP",
        "description": f"a receipt says {receipt.state}{f' ({error})' if error else ''}",
        "providerStates": [{
            "name": "a message was accepted",
            "params": {"gateway": side.gateway.name, "state": receipt.state, "error": error, "signed": receipt.signed},
        }],
        "pending": False, "request": tidy(request), "response": {"status": receipt.status},
    }


def receipt_schema(judge: Judge, receipt: Receipt, sent_as: str) -> Mapping[str, Any]:
    """The schema of the webhook whose body fits; empty where the document describes none."""
    body = receipt.request_body.encode()
    headers = {name.lower(): value for name, value in receipt.request_headers.items()}
    for endpoint in judge.endpoints.values():
        if endpoint.webhook and endpoint.method == receipt.method:
            content = judge.resolve(judge.operation(endpoint.id).get("requestBody", {})).get("content", {})
            if content and not judge.request(endpoint.id, (), headers, body, sent_as):
                return content_schema(judge, content, sent_as)
    return {}


def failing(side: Side, receipt: Receipt) -> str | None:
    """The provider's error code in a receipt, where its state is a failure."""
    final = {state.name for cycle in (side.pack.provider.lifecycle, *side.pack.provider.lifecycles.values())
             for state in cycle.states if state.meaning in ("undelivered", "failed", "expired", "rejected", "unknown")}
    if receipt.state not in final:
        return None
    text = receipt.request_body or urlsplit(receipt.url).query
    for webhook in side.pack.provider.webhooks:
        value = field(text, webhook.error_field)
        if value:
            return value
    return None


def field(text: str, name: str | None) -> str | None:
    """A field of a form or JSON text, its name dotted where it is nested; a number counts in a list."""
    if not name or not text:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return dict(parse_qsl(text)).get(name)
    for part in [name] if isinstance(value, dict) and name in value else name.split("."):
        if isinstance(value, list) and part.isdigit():
            value = dict(enumerate(value)).get(int(part))
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return None if value is None else str(value)


def credentials(headers: Mapping[str, str]) -> tuple[dict[str, list[str]], Rules]:
    """Header fields that carry credentials: their scheme stays, their value was never recorded."""
    found = {titled(name): [value] for name, value in sorted(headers.items()) if MARK in value}
    rules = {
        name: combined({"match": "regex", "regex": f"^{value[0].replace(MARK, '').strip()}.*$"}) for name, value in found.items()
    }
    return found, rules


def titled(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def message(shaped: Shaped | None) -> dict[str, Any]:
    """A request or response with its body and the rules for it."""
    if shaped is None:
        return {"matchingRules": {}}
    return {
        "body": {"content": shaped.content, "contentType": shaped.media, "encoded": False},
        "matchingRules": {"body": shaped.rules},
    }


def tidy(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if value not in ({}, None)}


def unlike(interactions: Iterable[Interaction]) -> list[Interaction]:
    """One interaction for each thing that can be said; what differs beyond its name is numbered."""
    by_name: dict[str, dict[str, list[str]]] = {}
    for one in interactions:
        shape = json.dumps([sorted(one["request"].get("matchingRules", {}).get("body", {})), one["response"]["status"]])
        by_name.setdefault(one["description"], {}).setdefault(shape, []).append(json.dumps(one, sort_keys=True))
    found = []
    for name in sorted(by_name):
        for number, shape in enumerate(sorted(by_name[name]), 1):
            chosen: Interaction = json.loads(min(by_name[name][shape]))
            chosen["description"] = name if number == 1 else f"{name}, form {number}"
            found.append(chosen)
    return found


def pact(side: Side, consumer: str, provider: str, name: str, interactions: list[Interaction]) -> Recorded:
    """A pact file, as text."""
    whole = {
        "consumer": {"name": consumer}, "provider": {"name": provider}, "interactions": interactions,
        "metadata": {
            "pactSpecification": {"version": "4.0"},
            "otpgate": {
                "service": side.service, "gateway": side.gateway.name, "provider": side.pack.id,
                "product": side.gateway.product, "settings": side.settings,
                "direction": "calls" if consumer == side.service else "receipts",
            },
        },
    }
    text = json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return Recorded(name=name, text=text, interactions=len(interactions))


__all__ = ["Recorded", "record", "write"]
