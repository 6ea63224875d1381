"""The fakes' answers against the providers' own OpenAPI documents, where those lie beside the project.

`DEVIATIONS` lists every difference there is, with the reason; one that is new, or gone, fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from msgspec import Struct

from otpgate.contracts import conformance, files, verify
from otpgate.contracts.credentials import made_up
from otpgate.contracts.live import parameters
from otpgate.contracts.playing import playing
from otpgate.errors import UsageError
from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from tests.contract_suite.conftest import PACTS, PROVIDERS, SPECS, count

RELATIVE = "the 2010 API answers paths below its host; its document calls them uri, which a relative reference is not"
DEVIATIONS: dict[tuple[str, str, str], str] = {
    **{("twilio", operation, f"json.{field}"): RELATIVE
       for operation in ("ListIncomingPhoneNumber", "ListMessage", "ListOutgoingCallerId", "ListShortCode")
       for field in ("uri", "first_page_uri")},
    ("vonage", "send-an-sms", "json"): "the document says one of success and error, and requires no field of either: both fit every answer",
}
DOCUMENTED = [name for name in PROVIDERS if (SPECS / name).is_dir()]


class Given(Struct, frozen=True):
    """One answer of a fake."""

    method: str
    path: str
    status: int
    kind: str
    body: bytes


def answers(provider: str) -> Iterator[Given]:
    """What the fake says to every recorded call, and to every question that can be put together from the pack."""
    pack = loading.pack(provider)
    judge = Judge(loading.openapi(pack))
    pacts = [one for one in files.read_all([PACTS[provider]]) if one.direction == "calls"] if any(PACTS[provider].glob("*.json")) else []
    for pact in pacts:
        credentials = made_up(pack, pact.product, pact.settings, verify.scheme_used(pact))
        with playing(verify.start_document(pact, credentials)) as played:
            for one in pact.interactions:
                for state in one["providerStates"]:
                    verify.set_state(played, pact, state["name"], state["params"])
                request = credentials.put_into(one["request"])
                yield told(requests.request(
                    request["method"], played.base(provider) + request["path"], data=verify.sent_body(request), timeout=5,
                    headers={name: values[0] for name, values in request["headers"].items()}, allow_redirects=False,
                ))
            played.admin("DELETE", "faults")
            played.admin("POST", "reset")
            for question in pack.provider.account_api:
                filled, missing = parameters(judge, question.operation, credentials)
                endpoint = judge.endpoints[question.operation]
                if endpoint.method == "GET" and not missing:
                    path = endpoint.path
                    for name, (_, value) in filled.items():
                        path = path.replace(f"{{{name}}}", value)
                    query = {name: value for name, (place, value) in filled.items() if place == "query"}
                    yield told(requests.get(played.base(provider) + path, params=query, headers=credentials.headers(), timeout=5))


def told(answer: requests.Response) -> Given:
    path = (answer.request.path_url or "").partition("?")[0]
    return Given(answer.request.method or "", path, answer.status_code, answer.headers.get("content-type", ""), answer.content)


def documents(provider: str) -> dict[str, Judge]:
    """The official documents that are OpenAPI 3, by file name."""
    found = {}
    for path in sorted(Path(SPECS / provider).glob("*.[jy]*")):
        try:
            found[path.name] = Judge(conformance.load(path))
        except UsageError as older:
            assert "no OpenAPI 3" in str(older)  # noqa: PT017 - an older format is no fault of the fake
    return found


@pytest.mark.skipif(not DOCUMENTED, reason="no provider's own document lies beside the project")
@pytest.mark.parametrize("provider", DOCUMENTED or [None])
def test_a_fake_answers_as_the_official_document_says(provider: str) -> None:
    """Every answer that an official document describes fits it; what does not is listed with its reason."""
    official = documents(provider)
    refusals, covered = 0, set()
    found: set[tuple[str, str, str]] = set()
    for given in answers(provider):
        for name, judge in official.items():
            match = judge.match(given.method, given.path)
            if match is None:
                continue
            covered.add(f"{name} {match[0]}")
            differences = judge.response(match[0], given.status, given.body, given.kind)
            if given.status >= 400 and [one.where for one in differences] == ["status"]:
                refusals += 1  # official documents describe few refusals; error pages do, and errors.yaml follows them
                continue
            found |= {(provider, match[0], one.where) for one in differences}
    assert covered, f"no answer of {provider} is described by {', '.join(official)}"
    assert found == {key for key in DEVIATIONS if key[0] == provider}
    count(refusals_no_official_document_describes=refusals, operations_of_official_documents=len(covered), listed_deviations=len(found))
