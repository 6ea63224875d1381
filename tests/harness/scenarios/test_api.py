"""The service's own API: steps, captures, cookies, verdicts."""

from __future__ import annotations

import json

import pytest
from harness.scenarios.csrf_service import CODE, CsrfService

from otpgate.config.model import Api, Step
from otpgate.engines.model import Response
from otpgate.findings import Span
from otpgate.scenarios.api import Client, at_path, captured, fill, judge
from otpgate.scenarios.model import User

TOKEN = {"token": {"regex": 'name="csrf" value="([0-9a-f]+)"'}}
USER = User(phone="+12025550143", client_ip="203.0.113.7", name="ada", country="US")
FORMS = Api(
    request_code=(
        Step(method="GET", path="/login", capture=TOKEN),
        Step(method="POST", path="/login", form={"csrf": "{token}", "phone": "{phone}"}, accepted=(302,),
             headers={"X-Forwarded-For": "{client_ip}"}),
    ),
    verify_code=(
        Step(method="GET", path="/login/code", capture=TOKEN),
        Step(method="POST", path="/login/code", form={"csrf": "{token}", "code": "{code}"}, accepted=(302,), refused=(200,)),
    ),
    span=Span("otpgate.yaml"),
)


def client(api: Api = FORMS, door: object = None, user: User = USER) -> Client:
    return Client(user=user, api=api, call=door or CsrfService())  # type: ignore[arg-type]


def one(step: Step) -> Api:
    return Api(request_code=(step,), verify_code=(step,), span=Span("otpgate.yaml"))


def answering(status: int = 200, body: str = "", **more: object) -> object:
    def door(method: str, path: str, **ignored: object) -> Response:
        return Response(status=status, body=body.encode(), **{"headers": {}, "seconds": 0.0, **more})  # type: ignore[arg-type]

    return door


def test_a_form_with_csrf_tokens_and_cookies_is_walked_through() -> None:
    """A session cookie and a token captured from each page lead through both forms."""
    session = client()
    assert session.request_code().verdict == "accepted"
    assert session.verify_code(CODE).verdict == "accepted"


def test_a_wrong_code_is_refused_by_the_form() -> None:
    """A page that shows the form again with status 200 is a refusal when `refused` lists 200."""
    session = client()
    session.request_code()
    assert session.verify_code("000000").verdict == "refused"


def test_cookies_belong_to_one_user() -> None:
    """Two users of one service have two sessions."""
    service = CsrfService()
    other = User(phone="+12025550144", client_ip="203.0.113.8", name="bob", country="US")
    client(door=service).request_code()
    client(door=service, user=other).request_code()
    assert sorted(found["phone"] for found in service.sessions.values()) == ["+12025550143", "+12025550144"]


def test_the_clients_address_is_told() -> None:
    """{client_ip} stands where the step puts it."""
    service = CsrfService()
    client(door=service).request_code()
    assert "203.0.113.7" in service.addresses


def test_a_missing_capture_names_what_was_not_there() -> None:
    """A step whose answer lacks the captured value is broken and says which one."""
    answer = client(one(Step(method="GET", path="/", capture={"id": {"json": "a.b"}})), answering(body="{}")).request_code()
    assert (answer.verdict, answer.missing) == ("broken", "id (json a.b)")


def test_captured_values_reach_json_path_query_and_headers() -> None:
    """A captured value fills every place of a later step."""
    seen: list[tuple[str, dict[str, str], bytes]] = []

    def door(method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None,
             timeout: float = 30.0) -> Response:
        seen.append((path, headers or {}, body or b""))
        return Response(status=200, headers={}, body=b'{"ids": [{"id": "v-7"}]}', seconds=0.0)

    api = Api(
        request_code=(Step(method="POST", path="/start", json={"to": ["{phone}"]}, capture={"id": {"json": "ids[0].id"}}),),
        verify_code=(Step(method="POST", path="/check/{id}", query={"q": "{id}"}, headers={"X-Id": "{id}"}, json={"c": "{code}"}),),
        span=Span("otpgate.yaml"),
    )
    session = client(api, door)
    session.request_code()
    session.verify_code("1")
    path, headers, body = seen[1]
    assert (path, headers["X-Id"], json.loads(body)) == ("/check/v-7?q=v-7", "v-7", {"c": "1"})


@pytest.mark.parametrize(("source", "value"), [
    ({"header": "X-Request"}, "r-1"), ({"cookie": "s"}, "c-1"), ({"regex": r"id=(\d+)"}, "42"), ({"regex": r"id=\d+"}, "id=42"),
    ({"json": "a"}, None),
])
def test_captures_come_from_header_cookie_and_expression(source: dict[str, str], value: str | None) -> None:
    """Each kind of capture finds its value, and None where it is not there."""
    response = Response(status=200, headers={"x-request": "r-1"}, body=b"id=42", seconds=0.0)
    assert captured(source, response, "id=42", {"s": "c-1"}) == value


@pytest.mark.parametrize(("status", "accepted", "refused", "verdict"), [
    (202, (202,), (), "accepted"), (200, (202,), (), "broken"), (200, (), (), "accepted"), (422, (), (), "refused"),
    (500, (), (), "broken"), (422, (), (401,), "broken"), (302, (), (), "broken"), (0, (), (), "broken"),
])
def test_an_answer_is_judged_by_the_lists(
    status: int, accepted: tuple[int, ...], refused: tuple[int, ...], verdict: str
) -> None:
    """Listed statuses decide; without lists 2xx is accepted and 4xx refused."""
    step = Step(method="GET", path="/", accepted=accepted, refused=refused)
    assert judge(step, Response(status=status, headers={}, body=b"", seconds=0.0), last=True) == verdict


def test_an_answer_later_than_within_is_late() -> None:
    """`within` of a step is compared with the time the service took."""
    assert client(one(Step(method="GET", path="/", within=1.0)), answering(seconds=2.0)).request_code().late


def test_braces_that_are_no_placeholder_stay() -> None:
    """A JSON text in a template keeps its braces."""
    assert fill('{"to": "{phone}", "n": {1}}', {"phone": "+1"}) == '{"to": "+1", "n": {1}}'


def test_a_json_path_walks_keys_and_indexes() -> None:
    """`$.a[1].b` leads through objects and lists; a wrong turn leads nowhere."""
    assert (at_path({"a": [1, {"b": 2}]}, "$.a[1].b"), at_path({"a": []}, "a[0].b")) == (2, None)


def test_a_service_that_does_not_answer_is_told() -> None:
    """A transport failure is broken and carries its reason."""
    answer = client(one(Step(method="GET", path="/x")), answering(0, error="connection refused")).request_code()
    assert (answer.verdict, str(answer)) == ("broken", "GET /x failed: connection refused")


def test_what_an_answer_says_in_its_headers_is_kept_too() -> None:
    """A code in a redirect or a header is read as easily as one in the body; dates are none."""
    door = answering(302, "see there", headers={"location": "/verify?code=123456", "date": "Mon, 23 Nov 2026 12:34:56 GMT"}, set_cookies=("otp=654321",))
    session = client(one(Step(method="POST", path="/otp", json={"phone": "{phone}"}, accepted=(302,))), door)
    session.request_code()
    assert session.bodies == ["see there\n/verify?code=123456\notp=654321"]
