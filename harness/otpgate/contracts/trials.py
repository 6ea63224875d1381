"""`verify --fuzz N`: the service's own API under schemathesis where it publishes OpenAPI, and its receipt endpoints under
odd receipts made from the providers' webhook schemas. On a lane of its own, after the scenarios."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from otpgate.config.model import Gateway, Manifest
from otpgate.contracts.fuzz import fuzz, program
from otpgate.contracts.receipt_fuzz import Odd, odd_receipts
from otpgate.engines.model import Engine, Lane
from otpgate.errors import OtpgateError
from otpgate.scenarios.lanes import lane_plan
from otpgate.scenarios.model import Case, Failure, Outcome, Scenario
from otpgate.scenarios.plan import PlannedLane
from otpgate.scenarios.steps_observed import LEAK, secrets
from otpgate_contracts import loading
from otpgate_contracts.model import Pack, Webhook
from otpgate_contracts.wire import Judge

PLACES = ("/openapi.json", "/swagger.json", "/v3/api-docs", "/api/openapi.json", "/openapi.yaml", "/docs/openapi.json")
CHECKS = ("not_a_server_error",)
PATIENCE = 10.0
HOP = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding")

API = Scenario(
    id="fuzz-api", title="Odd input never breaks the service's API", steps="fuzz", spread="service", rules=("FL050", "EX050", "EX051"),
    why="An input nobody thought of must not answer 5xx, and no answer may hold a code or a secret.",
    docs="Schemathesis tries every operation of the OpenAPI document that the service publishes.",
)
RECEIPTS = Scenario(
    id="fuzz-receipts", title="Odd receipts never break the service", steps="fuzz", rules=("WH050",),
    why="Anybody can post to a receipt endpoint.",
    docs="Receipts made from the provider's webhook schemas: malformed, huge, mislabelled, unsigned. The service stays up.",
)


def ready() -> None:
    """Refuse before anything is started where schemathesis is not installed."""
    program()


def play(manifest: Manifest, packs: dict[str, Pack], engine: Engine, examples: int, seed: int) -> list[Outcome]:
    """Both trials on one fresh lane."""
    lane = engine.start(lane_plan(manifest, packs, PlannedLane(name="fuzz", cases=()), seed))
    try:
        first = next(iter(manifest.routes)).countries[0]
        found = [of_api(manifest, packs, lane, examples, seed)]
        for gateway in manifest.gateways.values():
            case = Case(scenario=RECEIPTS, variant=None, route=0, gateways=(gateway.name,), position=0, country=first)
            if gateway.provider in packs:
                found.append(of_receipts(manifest, gateway, packs[gateway.provider], case, lane, examples, seed))
        return found
    finally:
        lane.stop()


def of_api(manifest: Manifest, packs: dict[str, Pack], lane: Lane, examples: int, seed: int) -> Outcome:
    case = Case(scenario=API, variant=None, route=0, gateways=(), position=0, country="")
    started = time.monotonic()
    document = published(lane)
    if document is None:
        return Outcome(case=case, verdict="not_applicable", seconds=0.0, lane=lane.name,
                       reason=f"the service publishes no OpenAPI document ({', '.join(PLACES[:3])} ...)")
    door = Door(lane)
    try:
        with TemporaryDirectory(prefix="otpgate-api-") as folder:
            path = Path(folder) / "openapi.json"
            path.write_text(document, "utf-8")
            told = fuzz(str(path), base=door.url, examples=examples, seed=seed, checks=CHECKS)
    except OtpgateError as error:
        return Outcome(case=case, verdict="undecided", reason=str(error), seconds=time.monotonic() - started, lane=lane.name)
    finally:
        door.close()
    failures = [failed(case, "api_crashed", f"{one.operation} answers {status_in(one.text)} to odd input", operation=one.operation) for one in told.broken]
    answers = "\n".join(door.answers)
    codes = {one["code"] for one in lane.admin("GET", "/_otpgate/messages?limit=1000")["messages"] if one.get("code")}
    if any(re.search(LEAK.format(code=re.escape(code)), answers) for code in codes):
        failures.append(failed(case, "code_in_answer", "a code stands in an answer to odd input", place="answer"))
    failures += [failed(case, "secret_exposed", f"the value of gateways.{name} stands in an answer to odd input", setting=name, place="answer")
                 for name, secret in secrets(manifest, packs).items() if secret in answers]
    return concluded(case, lane, failures, started, f"{told.operations} operations, {told.cases} cases")


def status_in(text: str) -> str:
    found = re.search(r"^\[(5\d\d)\]", text, re.MULTILINE)
    return found[1] if found else "5xx"


def published(lane: Lane) -> str | None:
    """The OpenAPI document the service publishes, as JSON; None where there is none at the usual places."""
    for place in PLACES:
        answer = lane.call("GET", place, timeout=PATIENCE)
        if answer.status == 200 and place.endswith(("json", "api-docs")):
            try:
                document = json.loads(answer.body)
            except ValueError:
                continue
            if isinstance(document, dict) and "paths" in document:
                return json.dumps(document)
    return None


def of_receipts(manifest: Manifest, gateway: Gateway, pack: Pack, case: Case, lane: Lane, examples: int, seed: int) -> Outcome:
    started = time.monotonic()
    webhook = next((one for one in pack.provider.webhooks if gateway.product in one.products), None)
    url = gateway.text("status_callback") or (gateway.account.callbacks.status if gateway.account is not None else None)
    if webhook is None or not url:
        return Outcome(case=case, verdict="not_applicable", reason="the gateway sends no receipts", seconds=0.0, lane=lane.name)
    judge = Judge(loading.openapi(pack))
    failures: list[Failure] = []
    count = 0
    for odd in odd_receipts(judge, webhook.message_id_field, examples, seed):
        count += 1
        symptom = struck(lane, urlsplit(url).path or "/", odd, must_be_signed(gateway, webhook))
        if symptom is not None and symptom[0] not in {one.symptom for one in failures}:
            failures.append(failed(case, *symptom, url=url, forgery="unsigned"))
    if not failures and manifest.start is not None and manifest.start.ready:
        answer = lane.call("GET", manifest.start.ready, timeout=PATIENCE)
        if not lane.alive() or answer.status >= 500 or answer.error:
            failures.append(failed(case, "service_died", "the service was gone after odd receipts", url=url))
    if not count:
        return Outcome(case=case, verdict="undecided", reason="the pack describes no body of a receipt", seconds=0.0, lane=lane.name)
    return concluded(case, lane, failures, started, f"{count} odd receipts")


def struck(lane: Lane, path: str, odd: Odd, signed: bool) -> tuple[str, str] | None:
    """What an odd receipt did to the service; None where it stood it."""
    headers = {"Content-Type": odd.content_type} if odd.content_type else {}
    target = f"{path}?{odd.query}" if odd.query else path
    answer = lane.call(odd.method, target, headers=headers, body=odd.body, timeout=PATIENCE)
    if answer.error and "no answer" in answer.error:
        return "receipt_slow", f"a receipt with {odd.name} got no answer within {PATIENCE:g} s"
    if answer.status >= 500 or (answer.error and not lane.alive()):
        return "receipt_crashed", f"a receipt with {odd.name} made the service answer {answer.status or answer.error}"
    if signed and odd.fits and 200 <= answer.status < 300:
        return "forged_accepted", f"the service answered {answer.status} to a receipt that was not signed"
    return None


def must_be_signed(gateway: Gateway, webhook: Webhook) -> bool:
    """Whether this provider signs, and the service was given what it takes to check."""
    told = gateway.account.callbacks.signed if gateway.account is not None else None
    return webhook.signature is not None and (webhook.signature_always or told is True) and any(
        gateway.text(name) for name in webhook.signature_settings
    )


def concluded(case: Case, lane: Lane, failures: Sequence[Failure], started: float, done: str) -> Outcome:
    return Outcome(
        case=case, verdict="failed" if failures else "passed", reason=failures[0].message if failures else done,
        seconds=round(time.monotonic() - started, 3), lane=lane.name, failures=tuple(failures),
    )


def failed(case: Case, symptom: str, message: str, **details: str) -> Failure:
    return Failure(symptom=symptom, message=message, case=case.id, scenario=case.scenario.id, variant=None, gateway=case.gateway,
                   country=case.country or None, details=details)


class Door:
    """A local address for a service behind a fence; keeps what it answered."""

    def __init__(self, lane: Lane) -> None:
        self.answers: list[str] = []
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
                answer = lane.call(self.command, self.path, headers=headers, body=body or None, timeout=PATIENCE)
                door.answers.append(answer.body.decode(errors="replace"))
                self.send_response(answer.status or 502)
                for name, value in kept(answer.headers):
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            def __getattr__(self, name: str) -> Any:
                """Every method is the service's to refuse."""
                if name.startswith("do_"):
                    return self.take
                raise AttributeError(name)

            def log_message(self, format: str, *args: Any) -> None:
                """Calls are told in the report."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def kept(headers: dict[str, str]) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in headers.items() if name not in HOP)
