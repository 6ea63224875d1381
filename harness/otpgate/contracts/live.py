"""The safe subset against a real provider: read-only questions, and sends that a test account never delivers.

What will be asked is known before anything is. Each question is put to the fake as well, in the state the account file
describes, and where the two answers differ in shape, type or verdict, that is drift: of the fake, or of the account file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import requests
from msgspec import Struct

from otpgate.config.model import Gateway, Manifest
from otpgate.contracts import files
from otpgate.contracts.credentials import REBUILT, Credentials
from otpgate.contracts.playing import playing
from otpgate.errors import EnvironmentUnusable, NothingSelected, UsageError
from otpgate.scenarios.lanes import fake_gateway
from otpgate_contracts import loading
from otpgate_contracts.admin import FakesConfig, Listen
from otpgate_contracts.model import Pack
from otpgate_contracts.wire import Judge

TIMEOUT = 15.0
TEXT = "otpgate contract check, nobody should ever read this"
NUMBER = re.compile(r"\^\\\+(\d{7,15})\$")


class Call(Struct, frozen=True, kw_only=True):
    """One call of the plan. `expects` is the provider's error code a magic value calls forth."""

    operation: str
    method: str
    host: str
    path: str
    query: dict[str, str]
    why: str
    body: bytes = b""
    content_type: str = ""
    expects: str | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """What will be asked, in order, and what will not, with the reason."""

    gateway: Gateway
    pack: Pack
    credentials: Credentials
    calls: tuple[Call, ...]
    left_out: tuple[str, ...]
    base: str | None


class Drift(Struct, frozen=True, kw_only=True):
    operation: str
    where: str
    message: str


class Told(Struct, frozen=True, kw_only=True):
    asked: int
    drift: tuple[Drift, ...]


def plan(manifest: Manifest, packs: Mapping[str, Pack], name: str, environ: Mapping[str, str], base: str | None = None) -> Plan:
    """The safe calls of a gateway; NothingSelected where there is none, UsageError where credentials are missing."""
    gateway = manifest.gateways.get(name)
    if gateway is None:
        raise NothingSelected(f"no gateway is named {name!r}", where="--live", why="nothing would be asked",
                              do=f"choose from {', '.join(manifest.gateways)}")
    pack = packs[gateway.provider]
    credentials = deployed(gateway, pack)
    judge = Judge(loading.openapi(pack))
    calls: list[Call] = []
    left_out: list[str] = []
    for question in pack.provider.account_api:
        endpoint = judge.endpoints.get(question.operation)
        if endpoint is None or endpoint.method != "GET":
            left_out.append(f"{question.operation}: not a plain read")
            continue
        filled, missing = parameters(judge, question.operation, credentials)
        if missing:
            left_out.append(f"{question.operation}: needs {', '.join(missing)}, which the gateway has no value for")
            continue
        path = endpoint.path
        for parameter, (place, value) in filled.items():
            path = path.replace(f"{{{parameter}}}", value) if place == "path" else path
        host = endpoint.hosts[0] if endpoint.hosts else pack.provider.hosts[0].name
        query = {parameter: value for parameter, (place, value) in filled.items() if place == "query"}
        calls.append(Call(operation=question.operation, method="GET", host=host, path=path, query=query, why=question.question))
    calls += magic_sends(gateway, pack, judge, credentials, left_out)
    if not calls:
        raise NothingSelected(f"nothing can safely be asked of {name}", where="--live", why="; ".join(left_out) or "the pack names no question")
    return Plan(gateway=gateway, pack=pack, credentials=credentials, calls=tuple(calls), left_out=tuple(left_out), base=base)


def deployed(gateway: Gateway, pack: Pack) -> Credentials:
    """The gateway's own credentials, as deployed or from the environment."""
    told = fake_gateway(gateway, pack)
    values = {**{name: str(value) for name, value in told.settings.items() if isinstance(value, str | int | float)}, **told.secrets}
    for scheme in pack.provider.credentials:
        if gateway.product in scheme.products and scheme.how in REBUILT and all(values.get(name) for name in scheme.settings):
            return Credentials(pack=pack, scheme=scheme, values=values)
    needed = sorted({name for scheme in pack.provider.credentials for name in scheme.settings if not values.get(name)})
    raise UsageError(f"gateway {gateway.name} has no whole credential", where="--live", why=f"missing: {', '.join(needed)}",
                     do="put the variables that the manifest names into the environment")


def parameters(judge: Judge, operation: str, credentials: Credentials) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Values of an operation's required parameters, found among the gateway's plain settings by name or by shape."""
    filled: dict[str, tuple[str, str]] = {}
    missing: list[str] = []
    plain = {name: value for name, value in credentials.values.items() if name not in credentials.secrets}
    by_name = {key(name): value for name, value in plain.items()} | {"accountid": credentials.principal}
    for parameter in judge.parameters(operation):
        if not parameter.get("required") or parameter["in"] not in ("path", "query"):
            continue
        schema = judge.resolve(parameter.get("schema", {}))
        pattern = schema.get("pattern")
        value = by_name.get(key(parameter["name"])) or next(
            (one for one in plain.values() if pattern and re.search(pattern, one)), None
        ) or next(iter(schema.get("enum", ())), None)
        if value is None:
            missing.append(parameter["name"])
        else:
            filled[parameter["name"]] = (parameter["in"], str(value))
    return filled, missing


def key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def magic_sends(gateway: Gateway, pack: Pack, judge: Judge, credentials: Credentials, left_out: list[str]) -> Iterator[Call]:
    """Sends to the provider's magic numbers, for an account that its file calls a test account; nothing is delivered."""
    kind = gateway.account.account.kind if gateway.account is not None else None
    magic = [value for value in pack.provider.test_values if value.where == "recipient" and NUMBER.fullmatch(value.pattern)]
    if not magic:
        return
    if kind != "test":
        left_out.append(f"sends to magic numbers: the account is {kind or 'of unknown kind'}, not a test account")
        return
    sender = next((NUMBER.fullmatch(one.pattern) for one in pack.provider.test_values if one.where == "sender" and one.effect == "passes"), None)
    call = example(pack)
    if call is None or sender is None:
        left_out.append("sends to magic numbers: no recorded call of this provider says how one looks")
        return
    request = credentials.put_into(call["request"])
    match = judge.match(request["method"], call["request"]["path"])
    if match is None:
        return
    endpoint = judge.endpoints[match[0]]
    filled, _ = parameters(judge, endpoint.id, credentials)
    path = endpoint.path
    for parameter, (_, value) in filled.items():
        path = path.replace(f"{{{parameter}}}", value)
    for special in magic:
        number = NUMBER.fullmatch(special.pattern)
        assert number is not None
        body, media = addressed(call, f"+{number[1]}", f"+{sender[1]}")
        yield Call(
            operation=endpoint.id, method=endpoint.method, host=endpoint.hosts[0] if endpoint.hosts else pack.provider.hosts[0].name,
            path=path, query={}, why=f"magic number +{number[1]}: {special.meaning}", body=body,
            content_type=media, expects=special.effect,
        )


def example(pack: Pack) -> dict[str, Any] | None:
    """An accepted call of this provider, from the pacts that come with its pack."""
    for path in sorted(Path(pack.folder).glob("pacts/*.json")):
        pact = files.read(path)
        if pact.direction == "calls":
            for one in pact.interactions:
                if one["description"].endswith("is accepted"):
                    return one
    return None


def addressed(call: dict[str, Any], recipient: str, sender: str) -> tuple[bytes, str]:
    """The body of an accepted call, to another number, from another sender, with a text that holds no code."""
    request, account = call["request"], json.dumps(call["providerStates"])
    content, media = request["body"]["content"], request["body"]["contentType"]
    rules = request.get("matchingRules", {}).get("body", {})
    phones = {path for path, rule in rules.items() if "[1-9][0-9]{6,14}" in str(rule)}

    def changed(path: str, value: str) -> str | None:
        if path in phones:
            return recipient if value.startswith("+") else recipient[1:]
        if value.startswith(("https://", "http://")):
            return None
        if f'"{value}"' in account or f'"+{value}"' in account:
            return sender if value.startswith("+") or not value.isdigit() else sender[1:]
        return TEXT if len(value.split()) > 1 else value

    if isinstance(content, str):
        pairs = [(name, changed(f"$.{name}[0]", value)) for name, value in parse_qsl(content)]
        return urlencode([(name, value) for name, value in pairs if value is not None]).encode(), media
    made = {name: changed(f"$.{name}", value) if isinstance(value, str) else value for name, value in content.items()}
    return json.dumps({name: value for name, value in made.items() if value is not None}).encode(), media


def announcement(plan: Plan) -> Iterator[str]:
    """What will be asked, line by line, before anything is."""
    yield f"{plan.gateway.name} ({plan.pack.provider.title}): {len(plan.calls)} calls, none of which delivers a message"
    for call in plan.calls:
        query = f"?{urlencode(call.query)}" if call.query else ""
        yield f"  {call.method} {plan.base or f'https://{call.host}'}{call.path}{query}  {call.why}"
    for text in plan.left_out:
        yield f"  not asked: {text}"


def ask(plan: Plan) -> Told:
    """Put every call to the provider and to the fake, and compare."""
    judge = Judge(loading.openapi(plan.pack))
    drift: list[Drift] = []
    config = FakesConfig(
        gateways=[fake_gateway(plan.gateway, plan.pack)], listen=Listen(providers={plan.pack.id: "127.0.0.1:0"}), clock="manual", seed=1,
    )
    with playing(config) as played, requests.Session() as session:
        for call in plan.calls:
            theirs = put(session, plan, call, plan.base or f"https://{call.host}")
            ours = put(session, plan, call, played.base(plan.pack.id))
            drift += differences(judge, call, theirs, ours)
    return Told(asked=len(plan.calls), drift=tuple(drift))


def put(session: requests.Session, plan: Plan, call: Call, base: str) -> requests.Response:
    headers = {**plan.credentials.headers(), "Accept": "application/json"}
    if call.content_type:
        headers["Content-Type"] = call.content_type
    query = {**call.query, **(plan.credentials.fields() if call.method == "GET" else {})}
    try:
        return session.request(
            call.method, base.rstrip("/") + call.path, params=query, data=call.body or None, headers=headers, timeout=TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise EnvironmentUnusable(
            f"{plan.pack.provider.title} did not answer {call.operation}", where=base, why=type(error).__name__,
            do="check the network, or the address given with --base",
        ) from None


def differences(judge: Judge, call: Call, theirs: requests.Response, ours: requests.Response) -> Iterator[Drift]:
    """Where the real answer differs from the document, from the fake's, or from what a magic value stands for."""

    def drift(where: str, message: str) -> Drift:
        return Drift(operation=call.operation, where=where, message=message)

    if theirs.status_code != ours.status_code:
        yield drift("status", f"the provider answers {theirs.status_code}, the fake {ours.status_code}")
        return
    kind = theirs.headers.get("content-type", "")
    for mismatch in judge.response(call.operation, theirs.status_code, theirs.content, kind):
        yield drift(mismatch.where, f"the provider's answer does not fit our document: {mismatch.message}")
    real, fake = value(theirs), value(ours)
    if call.expects is not None and call.expects not in theirs.text:
        yield drift("code", f"the magic value should call forth {call.expects}")
    for where, message in shapes(real, fake, "json"):
        yield drift(where, message)


def value(answer: requests.Response) -> Any:
    try:
        return answer.json() if answer.content else None
    except ValueError:
        return answer.text[:0]


def shapes(real: Any, fake: Any, path: str) -> Iterator[tuple[str, str]]:
    """Where two values differ in keys or types. Values themselves are the account's own; null fits anything."""
    if real is None or fake is None:
        return
    if type(real) is not type(fake) and not (isinstance(real, int | float) and isinstance(fake, int | float) and not isinstance(real, bool)):
        yield path, f"the provider sends {type(real).__name__}, the fake {type(fake).__name__}"
    elif isinstance(real, dict):
        for name in sorted(real.keys() - fake.keys()):
            yield f"{path}.{name}", "the provider sends it, the fake does not"
        for name in sorted(fake.keys() - real.keys()):
            yield f"{path}.{name}", "the fake sends it, the provider does not"
        for name in sorted(real.keys() & fake.keys()):
            yield from shapes(real[name], fake[name], f"{path}.{name}")
    elif isinstance(real, list) and real and fake:
        yield from shapes(real[0], fake[0], f"{path}[0]")
