"""Every 2xx of the fake, over a real run of all operations, fits Twilio's official OpenAPI documents and our own."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import pytest
import requests
from twilio.rest import Client

from otpgate_contracts.loading import openapi, pack
from otpgate_contracts.wire import Judge
from otpgate_fakes.twilio import FAKE
from tests.providers.conftest import PUBLIC
from tests.providers.twilio.conftest import ACCOUNT, CA, FROM, GB, POOL, SHORT, TOLL_FREE, US, Fakes
from tests.providers.twilio.verifying import SERVICE, TEMPLATE, WRONG, owned

OFFICIAL = Path(__file__).parents[4] / "shared" / "specs" / "twilio"
DOCUMENTS = ("api_v2010", "messaging_v1", "accounts_v1", "verify_v2")
CONTENT = "HX" + "0" * 32
WITHOUT_OFFICIAL = {"listAlerts"}
"""The folder holds no document for monitor.twilio.com."""

Answer = tuple[str, str, int, bytes]


def run(fakes: Fakes) -> list[Answer]:
    """Call every operation through the SDK; method, path, status and body of each answer."""
    taken: list[Answer] = []

    def take(answer: requests.Response, *_: object, **__: object) -> None:
        path = urlsplit(answer.request.url or "").path
        taken.append((answer.request.method or "", path, answer.status_code, answer.content))

    client = fakes.client()
    client.http_client.session.hooks["response"].append(take)
    fakes.account(**owned(), templates=[
        {"id": TEMPLATE, "text": "{{code}} is your code", "status": "approved"}, {"id": CONTENT, "text": "{{1}}", "status": "approved"},
    ])
    write(fakes, client)
    verify(fakes, client)
    ask(client)
    return taken


def write(fakes: Fakes, client: Client) -> None:
    """Sends of every kind, read at every age, then cancelled, redacted and deleted."""
    messages = client.messages
    for sender in (FROM, TOLL_FREE, SHORT):
        messages.create(to=US, from_=sender, body="Your code is 123456")
    messages.create(to=US, from_=FROM, media_url=["https://example.com/a.png"])
    messages.create(
        to=US, from_=FROM, body="Your code is 123456", status_callback=f"{PUBLIC}/hook#rc=2", validity_period=300,
        smart_encoded=True, risk_check="disable", provide_feedback=True, attempt=1, force_delivery=True,
        content_retention="discard", address_retention="obfuscate", shorten_urls=False, send_as_mms=False,
        application_sid="AP" + "0" * 32,
    )
    messages.create(to=US, from_=FROM, content_sid=CONTENT, content_variables='{"1": "123456"}')
    sent = messages.create(to=US, messaging_service_sid=POOL, body="Your code is 123456")
    fakes.finish(sent.sid)
    messages(sent.sid).fetch()
    later = datetime.now(UTC) + timedelta(hours=1)
    held = messages.create(to=US, messaging_service_sid=POOL, body="1", schedule_type="fixed", send_at=later)
    messages(held.sid).update(status="canceled")
    messages(sent.sid).update(body="")
    fakes.fault(fault="accept_then_fail", code="30034")
    failed = messages.create(to=US, from_=FROM, body="Your code is 123456")
    fakes.finish(failed.sid)
    messages(failed.sid).fetch()
    messages.list(page_size=2)
    messages(sent.sid).delete()


def verify(fakes: Fakes, client: Client) -> None:
    """Codes that are sent again, guessed wrong, approved and cancelled, over several channels."""
    service = client.verify.v2.services(SERVICE)
    service.verifications.create(
        to=US, channel="sms", custom_friendly_name="Acme", locale="en", app_hash="FA+9qCX9VSu", device_ip="192.0.2.1",
        rate_limits={"end_user_ip": "192.0.2.1"}, template_sid=TEMPLATE, template_custom_substitutions="{}", risk_check="enable",
        tags='{"flow": "sign-in"}',
    )
    fakes.wait(1)
    service.verifications.create(to=US, channel="auto")
    service.verifications(US).fetch()
    service.verification_checks.create(to=US, code=WRONG)
    right = next(one["code"] for one in fakes.running.messages() if one["to"] == US)
    service.verification_checks.create(to=US, code=right)
    ended = service.verifications.create(to=GB, channel="call", custom_code="246801")
    service.verifications(ended.sid or "").update(status="canceled")
    started = service.verifications.create(to=CA, channel="whatsapp")
    attempt = (started.send_code_attempts or [{}])[0]["attempt_sid"]
    fakes.finish(attempt)
    client.verify.v2.verification_attempts(attempt).fetch()


def ask(client: Client) -> None:
    """Every read-only question, with and without rows in the answer."""
    client.api.account.fetch()
    client.api.account.balance.fetch()
    client.incoming_phone_numbers.list()
    client.incoming_phone_numbers.list(phone_number="+12025550199")
    client.api.account.short_codes.list()
    client.outgoing_caller_ids.list()
    client.messaging.v1.services.list(page_size=1)
    service = client.messaging.v1.services(POOL)
    service.fetch()
    service.phone_numbers.list()
    service.short_codes.list()
    service.alpha_senders.list()
    service.destination_alpha_senders.list()
    service.us_app_to_person.list()
    client.messaging.v1.brand_registrations.list()
    client.messaging.v1.tollfree_verifications.list()
    client.accounts.v1.messaging_geopermissions.fetch(country_code="US,IN")
    client.accounts.v1.safelist.fetch(phone_number=US)
    client.monitor.v1.alerts.list()
    client.verify.v2.services.list()
    client.verify.v2.services(SERVICE).fetch()
    client.verify.v2.templates.list()
    client.verify.v2.verification_attempts.list()
    client.verify.v2.verification_attempts.list(verify_service_sid=SERVICE, status="unconverted", date_created_after=datetime.now(UTC))


def test_every_operation_runs(fakes: Fakes) -> None:
    """The run reaches every operation the fake offers, and every answer is a success."""
    assert {status // 100 for _, _, status, _ in run(fakes)} == {2}
    called = {exchange["operation"] for exchange in fakes.running.exchanges()}
    assert called == {operation.id for operation in FAKE.operations}


def test_the_sdk_makes_no_mismatch(fakes: Fakes) -> None:
    """What the official SDK sends fits our own document: nothing it does is noted as a mismatch."""
    run(fakes)
    noted = [(one["operation"], one["mismatches"]) for one in fakes.running.exchanges() if one["mismatches"]]
    assert noted == []


def test_answers_fit_our_document(fakes: Fakes) -> None:
    """Every answer fits otpgate's own description of it."""
    judge = Judge(openapi(pack("twilio")))
    for method, path, status, body in run(fakes):
        found = judge.match(method, path)
        assert found is not None, f"{method} {path}"
        assert judge.response(found[0], status, body) == [], f"{method} {path}"


@pytest.mark.slow
@pytest.mark.skipif(not OFFICIAL.is_dir(), reason=f"not present: {OFFICIAL.parent.parent.name}/specs/twilio")
def test_answers_fit_the_official_documents(fakes: Fakes) -> None:
    """Every answer has a description at Twilio, fits it, and says nothing that is not in it."""
    official = [Official(OFFICIAL / f"twilio_{name}.json") for name in DOCUMENTS]
    judge = Judge(openapi(pack("twilio")))
    checked, unknown = set(), set()
    for method, path, status, body in run(fakes):
        found = judge.match(method, path)
        operation = found[0] if found is not None else ""
        document = next((one for one in official if one.describes(method, path)), None)
        if document is None:
            unknown.add(operation)
            continue
        assert document.faults(method, path, status, body) == [], f"{method} {path} {status}"
        checked.add(operation)
    assert unknown == WITHOUT_OFFICIAL
    assert checked == {operation.id for operation in FAKE.operations} - WITHOUT_OFFICIAL


@pytest.mark.slow
@pytest.mark.skipif(not OFFICIAL.is_dir(), reason=f"not present: {OFFICIAL.parent.parent.name}/specs/twilio")
def test_the_official_documents_would_object() -> None:
    """A key, a type, a status word or an HTTP status that Twilio does not know is a fault."""
    document = Official(OFFICIAL / "twilio_api_v2010.json")
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    good = {"sid": "SM" + "0" * 32, "status": "queued", "num_segments": "1", "error_code": None}
    assert document.faults("POST", path, 201, json.dumps(good).encode()) == []
    for wrong in ({"smid": "SM"}, {"num_segments": 1}, {"status": "on its way"}, {"sid": "XX" + "0" * 32}):
        assert document.faults("POST", path, 201, json.dumps(good | wrong).encode()) != [], wrong
    assert document.faults("POST", path, 200, b"{}") == ["status 200 is not described"]


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason=f"not present: {OFFICIAL.parent.parent.name}/specs/twilio")
def test_our_document_names_what_twilio_names() -> None:
    """Parameters of a send, a start and a check, and words of the lifecycle are Twilio's, none missing and none made up."""
    official = json.loads((OFFICIAL / "twilio_api_v2010.json").read_text())
    send = official["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]["requestBody"]["content"]
    theirs = send["application/x-www-form-urlencoded"]["schema"]["properties"]
    ours = openapi(pack("twilio"))["components"]["schemas"]
    assert set(ours["SendMessage"]["properties"]) == set(theirs)
    verify = json.loads((OFFICIAL / "twilio_verify_v2.json").read_text())["paths"]
    for path, schema in (("Verifications", "StartVerification"), ("VerificationCheck", "CheckVerification")):
        content = verify[f"/v2/Services/{{ServiceSid}}/{path}"]["post"]["requestBody"]["content"]
        assert set(ours[schema]["properties"]) == set(content["application/x-www-form-urlencoded"]["schema"]["properties"])
    states = set(official["components"]["schemas"]["message_enum_status"]["enum"])
    assert states == set(ours["Status"]["enum"]) == {state.name for state in pack("twilio").provider.lifecycle.states}


class Official:
    """One of Twilio's documents (OpenAPI 3.0): finds an operation by path and judges its answers."""

    def __init__(self, file: Path) -> None:
        document = json.loads(file.read_text())
        self.components = {"schemas": as_json_schema(document["components"]["schemas"])}
        self.paths = [(pattern(path), item) for path, item in document["paths"].items()]

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        items = [item for known, item in self.paths if known.fullmatch(path)]
        return next((item[method.lower()] for item in items if method.lower() in item), None)

    def describes(self, method: str, path: str) -> bool:
        return self.operation(method, path) is not None

    def faults(self, method: str, path: str, status: int, body: bytes) -> list[str]:
        """Everything the document has against an answer; an unknown status or key included."""
        operation = self.operation(method, path) or {}
        described = operation["responses"].get(str(status))
        if described is None:
            return [f"status {status} is not described"]
        content = described.get("content")
        if not content:
            return ["a body where none is described"] if body else []
        schema = {**as_json_schema(content["application/json"]["schema"]), "components": self.components}
        validator = jsonschema_rs.Draft202012Validator(schema)
        return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(json.loads(body))]


def pattern(path: str) -> re.Pattern[str]:
    return re.compile("".join("[^/.]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", path)))


def as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` becomes a type, and objects with properties are closed."""
    if isinstance(node, list):
        return [as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: as_json_schema(value) for key, value in node.items() if key not in ("nullable", "example", "format")}
    if node.get("nullable") and isinstance(node.get("type"), str):
        made["type"] = [node["type"], "null"]
    if node.get("type") == "object" and isinstance(node.get("properties"), dict):
        made.setdefault("additionalProperties", False)
    return made
