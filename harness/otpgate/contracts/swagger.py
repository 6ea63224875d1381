"""Swagger 2.0 as OpenAPI 3.0: what the older format says of calls and answers, in the places where the newer one has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IN_PARAMETER = ("name", "in", "required", "description")
PLACES = {"#/definitions/": "#/components/schemas/", "#/responses/": "#/components/responses/", "#/parameters/": "#/components/parameters/"}
JSON = ("application/json",)
FORM = ("application/x-www-form-urlencoded",)


def as_openapi(document: dict[str, Any]) -> dict[str, Any]:
    """The document in the newer format; what no call or answer needs (security) is left out."""
    kinds = tuple(document.get("produces") or JSON), tuple(document.get("consumes") or JSON)
    made: dict[str, Any] = {
        "openapi": "3.0.3", "info": document.get("info", {}), "servers": [{"url": document.get("basePath", "/")}],
        "paths": {
            path: {name: operation(document, one, kinds) if isinstance(one, dict) else one for name, one in item.items()}
            for path, item in (document.get("paths") or {}).items() if isinstance(item, dict)
        },
        "components": {
            "schemas": document.get("definitions", {}),
            "responses": {name: answer(one, kinds[0]) for name, one in document.get("responses", {}).items()},
        },
    }
    moved: dict[str, Any] = repointed(made)
    return moved


def operation(document: Mapping[str, Any], one: dict[str, Any], kinds: tuple[tuple[str, ...], tuple[str, ...]]) -> dict[str, Any]:
    """One operation: body and form parameters become its request body, schemas of answers their content."""
    produces, consumes = tuple(one.get("produces") or kinds[0]), tuple(one.get("consumes") or kinds[1])
    given = [resolved(document, parameter) for parameter in one.get("parameters", ())]
    made = {name: value for name, value in one.items() if name not in ("parameters", "responses", "produces", "consumes", "x-ms-examples")}
    made["parameters"] = [
        {**{name: parameter[name] for name in IN_PARAMETER if name in parameter},
         "schema": {name: value for name, value in parameter.items() if name not in IN_PARAMETER}}
        for parameter in given if parameter.get("in") not in ("body", "formData")
    ]
    body = next((parameter for parameter in given if parameter.get("in") == "body"), None)
    form = [parameter for parameter in given if parameter.get("in") == "formData"]
    if body is not None:
        made["requestBody"] = {"required": body.get("required", False), "content": {kind: {"schema": body.get("schema", {})} for kind in consumes}}
    elif form:
        schema = {
            "type": "object", "required": [parameter["name"] for parameter in form if parameter.get("required")],
            "properties": {parameter["name"]: {name: value for name, value in parameter.items() if name not in IN_PARAMETER} for parameter in form},
        }
        made["requestBody"] = {"content": {kind: {"schema": schema} for kind in (consumes if consumes != JSON else FORM)}}
    made["responses"] = {status: answer(found, produces) for status, found in one.get("responses", {}).items()}
    return made


def resolved(document: Mapping[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter, or the shared one it names."""
    reference = str(parameter.get("$ref", ""))
    if not reference.startswith("#/parameters/"):
        return parameter
    found: dict[str, Any] = document["parameters"][reference.removeprefix("#/parameters/")]
    return found


def answer(found: dict[str, Any], produces: tuple[str, ...]) -> dict[str, Any]:
    if "$ref" in found:
        return found
    made: dict[str, Any] = {"description": found.get("description", "")}
    if "schema" in found:
        made["content"] = {kind: {"schema": found["schema"]} for kind in produces}
    return made


def repointed(node: Any) -> Any:
    """References to where the newer format keeps what they name."""
    if isinstance(node, list):
        return [repointed(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: repointed(one) for name, one in node.items()}
    reference = node.get("$ref")
    if isinstance(reference, str):
        for older, newer in PLACES.items():
            if reference.startswith(older):
                made["$ref"] = newer + reference.removeprefix(older)
    return made
