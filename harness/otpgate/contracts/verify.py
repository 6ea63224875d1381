"""Hold pact files against a provider: the fakes, with provider states set through the admin API, or any address.

Calls are replayed by pact's own verifier. Receipts are the other direction: the fake is made to send each of them, and
the same verifier compares what arrived with what the pact says the service was told.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from msgspec import Struct
from pact import Verifier
from pact.types import Message

from otpgate.contracts.credentials import Credentials, made_up
from otpgate.contracts.files import ACCOUNT, TROUBLE, PactFile
from otpgate.contracts.playing import Arrived, Played, playing
from otpgate.contracts.shaping import step
from otpgate.errors import EnvironmentUnusable, NothingSelected, OtpgateError
from otpgate_contracts import loading
from otpgate_contracts.admin import Edge, FakeGateway, FakesConfig, Listen
from otpgate_contracts.wire import FORM

os.environ["PACT_DO_NOT_TRACK"] = "true"  # pact's verifier tells usage events to its makers unless it is told not to

TIMEOUT = 10_000


class Difference(Struct, frozen=True, kw_only=True):
    """One interaction that did not hold. `details` name each difference; none quotes a secret, there is none in a pact."""

    pact: str
    gateway: str
    interaction: str
    details: tuple[str, ...]


class Verified(Struct, frozen=True, kw_only=True):
    """One pact file after its verification."""

    pact: PactFile
    interactions: int
    differences: tuple[Difference, ...]


def verify(pacts: Sequence[PactFile]) -> list[Verified]:
    """Verify every pact against the fake of its provider, each in a process of its own."""
    found = []
    for pact in pacts:
        credentials = made_up(loading.pack(pact.pack), pact.product, pact.settings, scheme_used(pact))
        with playing(start_document(pact, credentials)) as played:
            if pact.direction == "calls":
                found.append(replay(pact, played.base(pact.pack), credentials, played))
            else:
                found.append(receive(pact, sibling(pact, pacts), credentials, played))
    return found


def start_document(pact: PactFile, credentials: Credentials) -> FakesConfig:
    """Fakes of the pact's one gateway. They trust a call whose credential could not be written again."""
    return FakesConfig(
        gateways=[FakeGateway(
            name=pact.gateway, provider=pact.pack, product=pact.product, secrets=credentials.secrets,
            settings={name: value for name, value in credentials.values.items() if name not in credentials.secrets},
        )],
        listen=Listen(providers={pact.pack: "127.0.0.1:0"}), clock="manual", seed=1,
        trusting=True,
    )


def replay(pact: PactFile, base: str, credentials: Credentials, played: Played) -> Verified:
    """Play every call of a pact at an address and compare the answers. The states are set in `played`, which stands there."""
    whole = {**pact.whole, "interactions": [
        {**one, "request": credentials.put_into(one["request"])} for one in pact.interactions
    ]}

    broken: list[OtpgateError] = []

    def state(state: str, action: str, parameters: dict[str, Any] | None) -> None:
        # pact repeats a state that fails, with doubling pauses: it is told afterwards instead.
        try:
            if action == "setup" and not broken:
                set_state(played, pact, state, parameters or {})
        except OtpgateError as error:
            broken.append(error)

    with tempfile.TemporaryDirectory(prefix="otpgate-pact-") as folder:
        verifier = Verifier(pact.provider, host=urlsplit(base).hostname or "127.0.0.1").add_transport(url=base)
        verifier.add_source(written(Path(folder), whole)).state_handler(state, teardown=False).set_request_timeout(TIMEOUT)
        return judged(pact, verifier, broken)


def set_state(played: Played, pact: PactFile, name: str, parameters: dict[str, Any]) -> None:
    """A provider state, through the admin API."""
    if name == ACCOUNT:
        played.admin("POST", "reset")
        played.admin("DELETE", "faults")
        played.admin("PUT", f"account/{pact.gateway}", parameters.get("account") or {"provider": pact.pack})
    elif name == TROUBLE:
        played.admin("PUT", "faults", {"faults": [parameters["fault"]]})


def receive(
    pact: PactFile, calls: PactFile, credentials: Credentials, played: Played,
    through: Callable[[Arrived], Arrived] = lambda arrived: arrived,
) -> Verified:
    """Have the fake send every receipt of a pact and compare what arrives, after it went `through` a function."""
    by_name = {one["description"]: one for one in pact.interactions}
    played.admin("PUT", "edges", {"edges": [
        Edge(public=origin, upstream=played.listener.url, forwarded=[]) for origin in callback_origins(calls)
    ]})

    broken: list[OtpgateError] = []

    def produce(*, name: str, metadata: dict[str, Any] | None) -> Message:
        try:
            arrived = through(sent_receipt(by_name[name], pact, calls, credentials, played))
        except OtpgateError as error:
            broken.append(error)
            arrived = Arrived("", "", {}, b"")
        headers = {key.title(): value for key, value in arrived.headers.items()}
        kind = headers.get("Content-Type", "") or (FORM if "?" in arrived.target else "")
        return Message(contents=arrived.body, metadata={**headers, "contentType": kind}, content_type=kind or None)

    whole = {**pact.whole, "consumer": pact.whole["provider"], "provider": pact.whole["consumer"],
             "interactions": [as_message(one) for one in pact.interactions]}
    with tempfile.TemporaryDirectory(prefix="otpgate-pact-") as folder:
        verifier = Verifier(pact.consumer, host="127.0.0.1").message_handler(produce)
        verifier.add_source(written(Path(folder), whole)).set_request_timeout(TIMEOUT)
        return judged(pact, verifier, broken)


def as_message(interaction: dict[str, Any]) -> dict[str, Any]:
    """A receipt as the message its provider produces: the body, or the query it came in, and the headers as metadata."""
    request = interaction["request"]
    headers = {name: values[0] for name, values in request.get("headers", {}).items()}
    rules = request.get("matchingRules", {})
    body, kind = request.get("body", {}), headers.get("Content-Type", "")
    if not body and "query" in request:
        pairs = [(name, values[0]) for name, values in sorted(request["query"].items())]
        body, kind = {"content": urlencode(pairs), "contentType": FORM, "encoded": False}, kind or FORM
        rules = {**rules, "body": {f"{step('$', name)}[0]": rule for name, rule in rules.get("query", {}).items()}}
    return {
        "type": "Asynchronous/Messages", "description": interaction["description"], "pending": False,
        "contents": body,
        "metadata": {**{name: value for name, value in headers.items() if name != "Content-Type"}, "contentType": kind},
        "matchingRules": {
            **({"body": rules["body"]} if "body" in rules else {}),
            **({"metadata": rules["header"]} if "header" in rules else {}),
        },
    }


def sent_receipt(
    interaction: dict[str, Any], pact: PactFile, calls: PactFile, credentials: Credentials, played: Played
) -> Arrived:
    """Send a message that the receipt can be about, let it reach the receipt's state, and take what arrives."""
    wanted = interaction["providerStates"][0]["params"]
    call = accepted_call(interaction, calls)
    for state in call["providerStates"]:
        set_state(played, pact, state["name"], state["params"])
    request = credentials.put_into(call["request"])
    answer = requests.request(
        request["method"], played.base(pact.pack) + request["path"], params=request.get("query"), timeout=TIMEOUT / 1000,
        headers={name: values[0] for name, values in request["headers"].items()}, data=sent_body(request), allow_redirects=False,
    )
    messages = played.admin("GET", "messages?limit=1")["messages"]
    if not messages:
        raise EnvironmentUnusable("the fake took no message", why=f"it answered {answer.status_code}: {answer.text[:200]}")
    played.listener.clear()
    for earlier in states_before(wanted["state"], pact):
        played.admin("POST", f"messages/{messages[0]['id']}/status", {"status": earlier})
        played.listener.wait()
        played.listener.clear()
    order = {"status": wanted["state"], **({"error": wanted["error"]} if wanted.get("error") else {})}
    played.admin("POST", f"messages/{messages[0]['id']}/status", order)
    arrived = played.listener.wait()
    if arrived is None:
        return Arrived("", "", {}, b"")
    if not arrived.body and "?" in arrived.target:
        arrived.body = urlsplit(arrived.target).query.encode()
    return arrived


def states_before(state: str, pact: PactFile) -> tuple[str, ...]:
    """States on the way to one that this pact has receipts of too: some receipts tell when the earlier ones were reached."""
    told = {one["providerStates"][0]["params"]["state"] for one in pact.interactions}
    provider = loading.pack(pact.pack).provider
    paths = provider.lifecycles.get(pact.product, provider.lifecycle).paths.values()
    path = next((one for one in paths if state in one), ())
    return tuple(one for one in path[: path.index(state)] if one in told) if path else ()


def accepted_call(receipt: dict[str, Any], calls: PactFile) -> dict[str, Any]:
    """An accepted call of the same gateway, to the number the receipt is about where there is one."""
    accepted = [one for one in calls.interactions if one["description"].endswith("is accepted")]
    if not accepted:
        raise NothingSelected("no accepted call is in the pact", where=str(calls.path), why="no receipt can follow",
                              do="record it again from a run that delivers a code")
    said = set(values_of(receipt["request"].get("body", {}).get("content")))
    return max(accepted, key=lambda one: len(said & set(values_of(one["request"].get("body", {}).get("content")))))


def values_of(content: Any) -> Iterable[str]:
    """The single values of a body, numbers without their plus."""
    if isinstance(content, dict | list):
        for one in content.values() if isinstance(content, dict) else content:
            yield from values_of(one)
    elif isinstance(content, str):
        pairs = parse_qsl(content)
        for value in [value for _, value in pairs] if pairs else [content]:
            yield value.removeprefix("+")


def sent_body(request: dict[str, Any]) -> bytes:
    body = request.get("body") or {}
    content = body.get("content")
    if content is None:
        return b""
    return content.encode() if isinstance(content, str) else json.dumps(content).encode()


def callback_origins(calls: PactFile) -> list[str]:
    """scheme://host of every URL the service or its account names for receipts."""
    found: dict[str, None] = {}

    def look(value: Any) -> None:
        if isinstance(value, dict | list):
            for one in value.values() if isinstance(value, dict) else value:
                look(one)
        elif isinstance(value, str):
            for text in [value, *(part for _, part in parse_qsl(value))]:
                parts = urlsplit(text) if text.startswith(("https://", "http://")) else None
                if parts is not None and parts.hostname:
                    found[f"{parts.scheme}://{parts.netloc}"] = None

    for one in calls.interactions:
        look(one["request"].get("body", {}).get("content"))
        look(one.get("providerStates"))
    return list(found)


def sibling(pact: PactFile, pacts: Sequence[PactFile]) -> PactFile:
    """The calls that a pact of receipts belongs to."""
    for one in pacts:
        if one.direction == "calls" and (one.service, one.gateway, one.pack) == (pact.service, pact.gateway, pact.pack):
            return one
    raise NothingSelected(
        f"no pact holds the calls of gateway {pact.gateway!r}", where=str(pact.path),
        why="receipts follow a message, and nothing says how one is sent", do="verify the whole folder the recording wrote",
    )


def scheme_used(pact: PactFile) -> str | None:
    """How the recorded calls authenticate, where a header says so."""
    for one in pact.interactions:
        for name, values in (one["request"].get("headers") or {}).items():
            if name.lower() == "authorization":
                word = str(values[0] if isinstance(values, list) else values).partition(" ")[0].lower()
                return word if word in ("basic", "bearer") else None
    return None


def written(folder: Path, whole: dict[str, Any]) -> Path:
    path = folder / "pact.json"
    path.write_text(json.dumps(whole), "utf-8")
    return path


def judged(pact: PactFile, verifier: Verifier, broken: Sequence[OtpgateError] = ()) -> Verified:
    """Run a verifier; what it found, in its own words."""
    failed = ""
    try:
        with unheard():
            verifier.verify()
    except RuntimeError as error:
        failed = str(error)
    if broken:
        raise broken[0]
    results: dict[str, Any] = verifier.results or {}
    ran = results.get("interactionResults") or results.get("interaction_results") or []
    differences = [
        Difference(pact=str(pact.path), gateway=pact.gateway, interaction=name, details=tuple(details))
        for name, details in differing(results)
    ]
    if failed and not differences:
        raise EnvironmentUnusable("the verification broke off", where=str(pact.path), why=failed)
    if not ran and not differences:
        raise NothingSelected("the verification matched no interaction", where=str(pact.path), why="nothing was verified")
    return Verified(pact=pact, interactions=len(pact.interactions), differences=tuple(differences))


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Keep what pact's core and its little servers print away from the streams that reports are written to."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [(stream, os.dup(stream)) for stream in (1, 2)]
    before = sys.stderr
    with open(os.devnull, "w") as nowhere:
        for stream, _ in kept:
            os.dup2(nowhere.fileno(), stream)
        sys.stderr = nowhere
        try:
            yield
        finally:
            sys.stderr = before
            for stream, copy in kept:
                os.dup2(copy, stream)
                os.close(copy)


def differing(results: dict[str, Any]) -> Iterable[tuple[str, list[str]]]:
    for error in results.get("errors") or ():
        name = str(error.get("interaction", "")).partition(" - ")[2] or str(error.get("interaction", ""))
        mismatch = error.get("mismatch") or {}
        details = [worded(one) for one in mismatch.get("mismatches") or ()] or [str(mismatch.get("message") or mismatch)]
        yield name, details


def worded(mismatch: dict[str, Any]) -> str:
    """One difference: where, and what was expected."""
    place = mismatch.get("path") or mismatch.get("key") or mismatch.get("type", "")
    return f"{place}: {mismatch.get('mismatch') or mismatch}".replace("\n", " ")


__all__ = ["Difference", "Verified", "receive", "replay", "verify"]
