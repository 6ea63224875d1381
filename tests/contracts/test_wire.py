"""Requests and responses judged against a small OpenAPI document."""

from __future__ import annotations

import timeit
from typing import Any

import pytest

from otpgate_contracts.paths import Routes
from otpgate_contracts.wire import Judge

FORM = "application/x-www-form-urlencoded"
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/v1/Accounts/{account}/Messages.json": {
            "x-otpgate-host": "api.toy.example",
            "parameters": [{"$ref": "#/components/parameters/account"}],
            "post": {
                "operationId": "send",
                "requestBody": {
                    "required": True,
                    "content": {FORM: {"schema": {"$ref": "#/components/schemas/Send"}}},
                },
                "responses": {
                    "201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Message"}}}},
                    "4XX": {"description": "refused"},
                },
            },
            "get": {
                "operationId": "list",
                "parameters": [
                    {"name": "PageSize", "in": "query", "schema": {"type": "integer", "maximum": 1000}},
                    {"name": "To", "in": "query", "required": True, "schema": {"type": "string"}},
                    {"name": "Old", "in": "query", "deprecated": True, "schema": {"type": "string"}},
                    {"name": "X-Trace", "in": "header", "required": True, "schema": {"type": "string", "format": "uuid"}},
                ],
                "responses": {"default": {"description": "anything"}},
            },
        },
        "/v1/Accounts/{account}/Messages/{message}.json": {
            "get": {"operationId": "fetch", "responses": {"200": {"description": "one"}}}
        },
        "/v1/Accounts/{account}.json": {"get": {"operationId": "account", "responses": {}}},
        "/v1/messages": {
            "post": {
                "operationId": "send_json",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {
                        "type": "object",
                        "required": ["to"],
                        "additionalProperties": False,
                        "properties": {"to": {"type": "string"}, "parts": {"type": "array", "items": {"type": "integer"}}},
                    }}},
                },
                "responses": {"202": {"description": "taken"}},
            }
        },
    },
    "webhooks": {
        "status": {
            "post": {
                "operationId": "status",
                "requestBody": {"content": {FORM: {"schema": {"type": "object", "properties": {"Status": {"enum": ["sent"]}}}}}},
            }
        }
    },
    "components": {
        "parameters": {"account": {"name": "account", "in": "path", "required": True, "schema": {"pattern": "^AC[0-9]+$"}}},
        "schemas": {
            "Send": {
                "type": "object",
                "required": ["To", "Body"],
                "properties": {
                    "To": {"$ref": "#/components/schemas/Number"},
                    "Body": {"type": "string", "maxLength": 20},
                    "Validity": {"type": "integer", "minimum": 1},
                    "Price": {"type": "number"},
                    "Smart": {"type": "boolean"},
                    "Media": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
                    "MaxPrice": {"type": "string", "deprecated": True},
                },
            },
            "Number": {"type": "string", "pattern": "^\\+[1-9][0-9]{6,14}$"},
            "Message": {"type": "object", "required": ["sid"], "properties": {"sid": {"type": "string"}}},
        },
    },
}


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(DOCUMENT)


def send(judge: Judge, body: str, content_type: str = FORM) -> list[tuple[str, str]]:
    found = judge.request("send", [], {}, body.encode(), content_type)
    return [(one.where, one.kind) for one in found]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/Accounts/AC1/Messages.json", ("send", {"account": "AC1"})),
        ("GET", "/v1/Accounts/AC1/Messages/SM%2F2.json", ("fetch", {"account": "AC1", "message": "SM/2"})),
        ("GET", "/v1/Accounts/AC1.json", ("account", {"account": "AC1"})),
        ("GET", "/v1/Accounts/.json", None),
        ("DELETE", "/v1/Accounts/AC1.json", None),
        ("GET", "/v2/anything", None),
        ("GET", "/", None),
    ],
)
def test_a_path_leads_to_its_operation(judge: Judge, method: str, path: str, expected: object) -> None:
    """Method and path name an operation and its decoded parameters, or nothing."""
    assert judge.match(method, path) == expected


def test_a_path_answers_on_its_host_only(judge: Judge) -> None:
    """A path the document gives to one host is not found on another."""
    path = "/v1/Accounts/AC1/Messages.json"
    assert judge.match("POST", path, "api.toy.example")
    assert judge.match("POST", path, "verify.toy.example") is None


def test_one_path_may_serve_many_operations() -> None:
    """A header, query or form parameter named behind `#` tells operations of one path apart."""
    document = {"paths": {
        "/#Action=Publish": {"post": {"operationId": "publish"}},
        "/#X-Target=Sms.Send": {"post": {"operationId": "send"}},
    }}
    judge = Judge(document)
    by_form = judge.select("/", {}, [], [("Action", "Publish")])
    by_header = judge.select("/", {"x-target": "Sms.Send"}, [("Other", "Publish")], None)
    assert [judge.match("POST", key) for key in (by_form, by_header)] == [("publish", {}), ("send", {})]
    unknown = judge.select("/", {}, [("Action", "Unknown")])
    assert [judge.match("POST", key) for key in (unknown, judge.select("/", {}), "/other")] == [None, None, None]


def test_the_methods_of_a_path(judge: Judge) -> None:
    """A known path tells which methods it answers, an unknown one none."""
    assert judge.methods("/v1/Accounts/AC1/Messages.json") == ("GET", "POST")
    assert judge.methods("/nowhere") == ()


def test_a_literal_segment_wins_over_a_template() -> None:
    """`/numbers/search` is not the number called search, unless the rest of the path says so."""
    routes = Routes()
    routes.add("/numbers/{id}", "GET", "number")
    routes.add("/numbers/search", "GET", "search")
    routes.add("/numbers/{id}/owner", "GET", "owner")
    assert routes.find("GET", "/numbers/search") == ("search", {})
    assert routes.find("GET", "/numbers/search/owner") == ("owner", {"id": "search"})


def test_a_fitting_form_has_no_mismatch(judge: Judge) -> None:
    """Text on the wire is read by the type the schema names: integers, numbers, booleans, repeated fields."""
    body = "To=%2B12025550143&Body=hi&Validity=300&Price=0.5&Smart=true&Media=a&Media=b"
    assert send(judge, body) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Body=hi", [("form.To", "missing")]),
        ("To=12025550143&Body=hi", [("form.To", "mistyped")]),
        ("To=%2B12025550143&Body=hi&Validity=5m", [("form.Validity", "mistyped")]),
        ("To=%2B12025550143&Body=hi&Validity=0", [("form.Validity", "mistyped")]),
        ("To=%2B12025550143&Body=hi&Smart=1", [("form.Smart", "mistyped")]),
        ("To=%2B12025550143&Body=hi&Media=a&Media=b&Media=c", [("form.Media", "mistyped")]),
        ("To=%2B12025550143&Body=hi&body=hi", [("form.body", "unknown")]),
        ("To=%2B12025550143&Body=hi&MaxPrice=1", [("form.MaxPrice", "deprecated")]),
        ("", [("form.Body", "missing"), ("form.To", "missing")]),
    ],
)
def test_what_is_wrong_with_a_form(judge: Judge, body: str, expected: list[tuple[str, str]]) -> None:
    """A missing, mistyped, unknown or deprecated field is named where it stands."""
    assert sorted(send(judge, body)) == expected


def test_an_unknown_field_names_the_nearest(judge: Judge) -> None:
    """A field with a typing error comes with the field that was meant."""
    found = judge.request("send", [], {}, b"To=%2B12025550143&Body=hi&Validty=5", FORM)
    assert found[0].message == "unknown parameter `Validty`; did you mean `Validity`?"


def test_a_mismatch_does_not_repeat_the_text(judge: Judge) -> None:
    """A text that is too long is not quoted: it may hold a code."""
    found = judge.request("send", [], {}, b"To=%2B12025550143&Body=Your+code+is+482913+forever", FORM)
    assert [one.where for one in found] == ["form.Body"]
    assert "482913" not in repr(found)


def test_a_form_labelled_as_json_is_still_read(judge: Judge) -> None:
    """A wrong content type is one mismatch; the form in it is judged all the same."""
    found = send(judge, "To=%2B12025550143&Body=hi&Smart=maybe", "application/json")
    assert found == [("header.content-type", "mistyped"), ("form.Smart", "mistyped")]


def test_a_decoded_form_is_judged_alike(judge: Judge) -> None:
    """A caller that has decoded the form already gets the same judgement."""
    pairs = [("To", "+12025550143"), ("Body", "hi"), ("Other", "1")]
    found = judge.request("send", [], {}, b"irrelevant", FORM, form=pairs)
    assert [one.where for one in found] == ["form.Other"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"to": "+12025550143", "parts": [1]}', []),
        (b'{"to": 1}', [("json.to", "mistyped")]),
        (b'{"to": "a", "parts": [1, "x"]}', [("json.parts[1]", "mistyped")]),
        (b'{"to": "a", "form": 1}', [("json", "unknown")]),
        (b'{"to"', [("body", "mistyped")]),
        (b"", [("body", "missing")]),
        (b"\xff", [("body", "mistyped")]),
    ],
)
def test_what_is_wrong_with_a_json_body(judge: Judge, body: bytes, expected: list[tuple[str, str]]) -> None:
    """A JSON body is judged by its schema, down to the item; what is no JSON is one mismatch."""
    found = judge.request("send_json", [], {}, body, "application/json; charset=utf-8")
    assert [(one.where, one.kind) for one in found] == expected


def test_query_and_headers(judge: Judge) -> None:
    """Query parameters are typed and known by name; a required header is missed, a format is checked."""
    found = judge.request("list", [("PageSize", "2000"), ("Limit", "1"), ("Old", "x")], {"x-trace": "1"}, b"")
    assert sorted((one.where, one.kind) for one in found) == [
        ("header.x-trace", "mistyped"),
        ("query.Limit", "unknown"),
        ("query.Old", "deprecated"),
        ("query.PageSize", "mistyped"),
        ("query.To", "missing"),
    ]
    trace = {"x-trace": "0b6f7c1e-5f0e-4c0e-9a51-3f8f3e1a2b4c"}
    assert judge.request("list", [("To", "a")], trace, b"") == []


def test_a_required_query_is_missed_when_nothing_is_given(judge: Judge) -> None:
    """No query at all still misses a required parameter."""
    assert {one.where for one in judge.request("list", [], {}, b"")} == {"query.To", "header.x-trace"}


def test_path_parameters_are_judged_when_given(judge: Judge) -> None:
    """An account id that does not fit its pattern is a mismatch of the path."""
    body = b"To=%2B12025550143&Body=hi"
    assert [one.where for one in judge.request("send", [], {}, body, FORM, path={"account": "XX"})] == ["path.account"]
    assert judge.request("send", [], {}, body, FORM, path={"account": "AC1"}) == []


def test_a_body_where_none_is_expected(judge: Judge) -> None:
    """A GET with a body is a mismatch."""
    assert [one.where for one in judge.request("fetch", [], {}, b"x", FORM)] == ["body"]


def test_responses_by_status_class_and_default(judge: Judge) -> None:
    """An answer is judged by its own status, its class, or the default; any other status is undocumented."""
    assert judge.response("send", 201, b'{"sid": "SM1"}') == []
    assert [one.where for one in judge.response("send", 201, b"{}")] == ["json.sid"]
    assert judge.response("send", 404, b"") == []
    assert judge.response("list", 500, b"") == []
    assert [one.kind for one in judge.response("send", 302, b"")] == ["undocumented"]


def test_webhooks_are_judged_by_their_operation(judge: Judge) -> None:
    """What is sent to a service is judged like a request, under the webhook's operation id."""
    assert judge.request("status", [], {}, b"Status=sent", FORM) == []
    assert [one.where for one in judge.request("status", [], {}, b"Status=gone", FORM)] == ["form.Status"]
    assert judge.endpoints["status"].webhook


def test_body_that_may_be_absent(judge: Judge) -> None:
    """No body and no label are fine where the body is optional; a label alone is judged."""
    assert judge.request("status", [], {}, b"", "") == []
    assert [one.where for one in judge.request("status", [], {}, b"", "text/csv")] == ["header.content-type"]


def test_judging_a_send_is_cheap(judge: Judge) -> None:
    """Matching and judging one send, decoding included, costs far less than the request itself."""
    body = b"To=%2B12025550143&Body=Your+code+is+482913&Validity=300"

    def one() -> None:
        judge.match("POST", "/v1/Accounts/AC1/Messages.json")
        judge.request("send", [], {}, body, FORM)

    assert min(timeit.repeat(one, number=500, repeat=5)) / 500 < 100e-6
