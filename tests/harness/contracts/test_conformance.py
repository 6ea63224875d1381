"""Calls judged by a provider's own document, and documents that cannot be used."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from otpgate.cli import run
from otpgate.contracts import conformance
from otpgate.errors import NothingSelected, UsageError
from otpgate_contracts.admin import Exchange
from otpgate_contracts.wire import Judge

DOCUMENT = """
openapi: 3.0.0
info: {title: x, version: "1"}
servers: [{url: "https://rest.nexmo.com/sms"}]
paths:
  /json:
    post:
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [to, from]
              properties:
                to: {$ref: "parts.yml#/Number"}
                from: {type: string, nullable: true}
                text: {type: string, maxLength: 3}
                ttl: {type: integer}
                callback: {type: string, deprecated: true}
      responses: {"200": {description: ok}}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "parts.yml").write_text('Number: {type: string, pattern: "^[0-9]{7,15}$"}')
    path = tmp_path / "spec.yaml"
    path.write_text(DOCUMENT)
    return path


def call(body: str, path: str = "/sms/json") -> Exchange:
    return Exchange(
        id="ex_1", sequence=1, at="2026-01-01T00:00:00Z", kind="call", provider="vonage", gateway="fallback", operation="send_sms",
        method="POST", url=f"https://rest.nexmo.com{path}", host="rest.nexmo.com",
        request_headers={"content-type": "application/x-www-form-urlencoded"}, request_body=body, status=200, response_headers={},
        response_body="", seconds=0.1,
    )


@pytest.mark.parametrize(("body", "where", "kind"), [
    ("to=447400123456&from=ACME&colour=red", "form.colour", "unknown"), ("to=447400123456", "form.from", "missing"),
    ("to=447400123456&from=ACME&ttl=soon", "form.ttl", "mistyped"), ("to=%2B44&from=ACME", "form.to", "mistyped"),
    ("to=447400123456&from=ACME&callback=https://x", "form.callback", "deprecated"),
])
def test_each_kind_of_difference_is_told(spec: Path, body: str, where: str, kind: str) -> None:
    """Field, kind and source; parts of the document in other files are followed."""
    document = conformance.specs([f"vonage={spec}"], ["vonage"])["vonage"]
    found = conformance.rejudged(call(body), document).mismatches
    assert [(one["where"], one["kind"], one["source"]) for one in found] == [(where, kind, str(spec))]


def test_a_fitting_call_has_no_difference(spec: Path) -> None:
    document = conformance.specs([f"vonage={spec}"], ["vonage"])["vonage"]
    assert conformance.rejudged(call("to=447400123456&from=ACME&ttl=300000"), document).mismatches == []


def test_what_was_redacted_is_not_judged(spec: Path) -> None:
    """A blanked code is no fault of the service."""
    document = conformance.specs([f"vonage={spec}"], ["vonage"])["vonage"]
    assert conformance.rejudged(call("to=447400123456&from=ACME&text=code+******"), document).mismatches == []


def test_a_path_the_document_does_not_know_is_told(spec: Path) -> None:
    document = conformance.specs([f"vonage={spec}"], ["vonage"])["vonage"]
    assert conformance.rejudged(call("", "/sms/xml"), document).mismatches[0]["kind"] == "unknown"


@pytest.mark.parametrize(("name", "text", "said"), [
    ("a.yaml", "openapi: [", "does not parse"), ("a.json", "{", "does not parse"), ("a.yaml", "swagger: '1.2'\npaths: {/a: {}}", "no OpenAPI 3"),
    ("a.yaml", "openapi: 3.1.0\npaths: {}", "describes no path"), ("a.yaml", "- 1", "no object"),
])
def test_a_document_that_cannot_be_used_is_said(tmp_path: Path, name: str, text: str, said: str) -> None:
    """What, where, why; never a run that judges nothing."""
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        conformance.load(path)


SWAGGER = """
swagger: "2.0"
basePath: /v1
produces: [application/json]
parameters: {page: {name: page, in: query, type: integer}}
definitions: {Sent: {type: object, required: [id], properties: {id: {type: string}}}}
paths:
  /sms:
    post:
      operationId: send
      parameters:
        - {name: to, in: formData, type: string, required: true}
        - {$ref: "#/parameters/page"}
      responses: {"200": {description: taken, schema: {$ref: "#/definitions/Sent"}}}
  /mms:
    post:
      operationId: picture
      parameters: [{name: order, in: body, required: true, schema: {$ref: "#/definitions/Sent"}}]
      responses: {"204": {description: taken}}
"""


def test_a_document_of_the_older_format_judges_too(tmp_path: Path) -> None:
    """Swagger 2.0: form and body parameters, shared ones, and schemas of answers are where the newer format has them."""
    path = tmp_path / "swagger.yaml"
    path.write_text(SWAGGER)
    judge = Judge(conformance.load(path))
    form, body = "application/x-www-form-urlencoded", "application/json"
    assert [one.where for one in judge.request("send", (("page", "x"),), {}, b"", form)] != []
    assert judge.request("send", (("page", "2"),), {}, b"to=1", form) == []
    assert judge.request("picture", (), {}, b'{"id": "1"}', body) == []
    assert judge.request("picture", (), {}, b'{"id": 1}', body) != []
    assert judge.match("POST", "/v1/sms") == ("send", {})
    assert (judge.response("send", 200, b'{"id": "1"}'), bool(judge.response("send", 200, b"{}"))) == ([], True)


def test_options_that_name_nothing_are_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not PROVIDER=FILE"):
        conformance.specs(["vonage"], ["vonage"])
    with pytest.raises(NothingSelected, match="no gateway is of provider"):
        conformance.specs(["acme=x.yaml"], ["vonage"])
    with pytest.raises(UsageError, match="cannot be read"):
        conformance.specs([f"vonage={tmp_path}/none.yaml"], ["vonage"])


@pytest.mark.slow
@pytest.mark.fence
def test_a_gate_run_is_judged_by_the_document_given(
    project: Path, spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finding names the field, the exchange and the document; our own document had nothing against the call."""
    report = tmp_path / "report.json"
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    run(["verify", str(project / "otpgate.yaml"), "--spec", f"vonage={spec}", "--scenario", "contract", "--scenario", "delivers", "--seed", "1",
         "--gateway", "fallback", "--format", f"json:{report}", "-q"])
    told = [one for one in json.loads(report.read_text())["findings"] if one["rule"] == "VR050"]
    assert any("form.callback" in one["message"] and str(spec) in one["message"] and one["exchanges"] for one in told)
    assert any(one["location"]["file"].endswith("otpgate.yaml") or "env" in one["location"]["file"] for one in told)
