"""The pack and the fake name the same things, and those of botocore's own models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import boto3
import pytest

import otpgate_fakes.aws_sns
from otpgate_contracts.loading import openapi, pack
from otpgate_fakes.aws_sns import EUM, FAKE, eum

PACK = pack("aws_sns")
DOCUMENT = openapi(PACK)
SOURCES = sorted(Path(otpgate_fakes.aws_sns.__file__).parent.glob("*.py"))
MODELS: dict[str, Any] = {
    product: boto3.session.Session(region_name="us-east-1").client(
        service, aws_access_key_id="x", aws_secret_access_key="y"
    ).meta.service_model
    for product, service in (("sms", "sns"), (EUM, "pinpoint-sms-voice-v2"))
}
OWN = {"ConfirmSubscription", "FetchCertificate"}
"""Operations that no SDK calls: they are fetched by URL."""


def test_operations_are_described() -> None:
    """The fake plays exactly what openapi.yaml describes, and nothing twice."""
    described = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values() if isinstance(operation, dict)]
    ids = [operation.id for operation in FAKE.operations]
    assert len(ids) == len(set(ids)) == 26
    assert set(ids) == set(described)


@pytest.mark.parametrize("operation", [one for one in FAKE.operations if one.id not in OWN], ids=lambda one: one.id)
def test_operations_are_botocores(operation: Any) -> None:
    """Every operation, and every member our document names, is in the model of the official SDK."""
    model = MODELS[operation.product].operation_model(operation.id)
    item = next(value for key, value in DOCUMENT["paths"].items() if key.endswith(f"{'.' if operation.product == EUM else '='}{operation.id}"))
    content = next(iter(item["post"]["requestBody"]["content"].values()))
    schema = content["schema"]
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    members = set(model.input_shape.members) if model.input_shape is not None else set()
    ours = set(schema.get("properties", {})) - {"Action", "Version"}
    assert ours <= members
    required = set(schema.get("required", ())) - {"Action", "Version"}
    assert required <= set(model.input_shape.required_members if model.input_shape is not None else ())


def test_every_member_of_a_send_is_known() -> None:
    """SendTextMessage takes what the model names, of the model's types."""
    kinds = {"string": str, "integer": int, "boolean": bool, "map": dict}
    members = MODELS[EUM].operation_model("SendTextMessage").input_shape.members
    assert {name: kinds[shape.type_name] for name, shape in members.items()} == eum.MEMBERS


def test_codes_and_statuses_are_the_models() -> None:
    """A code that SNS's model knows has the HTTP status the model gives it."""
    known = {shape.metadata["error"]["code"]: shape.metadata["error"]["httpStatusCode"] for shape in (
        MODELS["sms"].shape_for(name) for name in MODELS["sms"].shape_names
    ) if "error" in shape.metadata}
    rows = {row.code: row.http for row in PACK.errors if row.product == "sms" and row.code in known}
    assert len(rows) == 19
    assert rows == {code: known[code] for code in rows}


def test_reasons_are_the_models() -> None:
    """A reason of End User Messaging is one of its exception's."""
    for row in PACK.errors:
        if row.product == EUM and "type" in row.extra:
            assert row.code in MODELS[EUM].shape_for(row.extra["type"]).members["Reason"].enum, row.code


def test_states_are_the_models() -> None:
    """Every state of a message is an event type of the model."""
    types = set(MODELS[EUM].shape_for("EventType").enum)
    assert {f"TEXT_{state.name}" for state in PACK.provider.lifecycles[EUM].states} <= types


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.stem)
def test_codes_are_in_the_catalogue(file: Path) -> None:
    """Every code a module of the fake refuses with is a row of errors.yaml."""
    codes = set(re.findall(r'refuse\(\s*"(\w+)"', file.read_text()))
    assert codes <= {row.code for row in PACK.errors}


def test_every_fact_has_a_source() -> None:
    """Errors, hosts, settings, test values and quirks all say why we believe them."""
    provider = PACK.provider
    facts = [
        *PACK.errors, *PACK.senders.kinds, *PACK.senders.rules, *provider.hosts, *provider.regions, *provider.settings,
        *provider.credentials, *provider.lifecycle.states, *provider.webhooks, *provider.limits.throughput,
        *provider.test_values, *provider.sdks, *provider.account_api, *provider.quirks,
    ]
    assert [fact for fact in facts if not fact.source] == []


def test_questions_are_operations() -> None:
    """Every read-only question of the models is asked, and nothing that writes."""
    asked = {question.operation for question in PACK.provider.account_api}
    writes = {"Publish", "SendTextMessage", "SetSMSAttributes", "OptInPhoneNumber", "CreateSMSSandboxPhoneNumber",
              "VerifySMSSandboxPhoneNumber", "DeleteSMSSandboxPhoneNumber"}
    assert asked == {operation.id for operation in FAKE.operations} - writes - OWN
