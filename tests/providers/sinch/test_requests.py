"""What a call may look like, what its answer looks like, and who may make it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import otpgate_fakes.sinch
from otpgate_contracts import loading
from otpgate_contracts.wire import Judge
from otpgate_fakes.sinch import FAKE
from tests.providers.conftest import Start
from tests.providers.sinch.conftest import (
    GB,
    KEY_ID,
    LONG_CODE,
    NL,
    OTHER_TOKEN,
    PLAN,
    PROJECT,
    PUBLIC,
    TEXT,
    TOKEN,
    US,
    Sinch,
    account,
    batch,
    gateway,
)

PACK = loading.pack("sinch")
JUDGE = Judge(loading.openapi(PACK))
OPERATIONS = {id: endpoint for id, endpoint in JUDGE.endpoints.items() if not endpoint.webhook}


def test_operations_are_described() -> None:
    """The fake plays exactly what openapi.yaml describes, on hosts of the provider, and every question is one of them."""
    assert {operation.id for operation in FAKE.operations} == set(OPERATIONS)
    assert {host for one in OPERATIONS.values() for host in one.hosts} <= {host.name for host in PACK.provider.hosts}
    assert {question.operation for question in PACK.provider.account_api} <= set(OPERATIONS)


def test_every_fact_has_a_source() -> None:
    """Errors, hosts, settings and quirks all say why we believe them."""
    provider = PACK.provider
    facts = [
        *PACK.errors, *PACK.senders.kinds, *PACK.senders.rules, *provider.hosts, *provider.regions, *provider.settings,
        *provider.credentials, *provider.lifecycle.states, *provider.webhooks, *provider.sdks, *provider.account_api, *provider.quirks,
    ]
    assert [fact for fact in facts if not fact.source] == []


@pytest.mark.parametrize("file", sorted(Path(otpgate_fakes.sinch.__file__).parent.glob("*.py")), ids=lambda file: file.stem)
def test_codes_are_in_the_catalogue(file: Path) -> None:
    """Every code a module refuses with is a row of errors.yaml."""
    codes = set(re.findall(r'(?:Refused|refuse)\(\s*"(\w+)"', file.read_text()))
    assert codes <= {row.code for row in PACK.errors}


def test_batch_is_answered_as_it_was_sent(sinch: Sinch) -> None:
    """Numbers without plus, an id of 26 letters, three days to live, and nothing that was not given."""
    sent = sinch.send(to=[f"+{GB}", "0031 6 1234-5678"], **{"from": f"+{LONG_CODE}"})
    found = sent.json()
    assert (found["to"], found["from"], found["type"], found["canceled"]) == ([GB, NL], LONG_CODE, "mt_text", False)
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", found["id"])
    assert found["created_at"][:17] == found["send_at"][:17]
    assert "callback_url" not in found
    assert {one["provider_id"] for one in sinch.fakes.messages()} == {found["id"]}
    assert sinch.call("GET", f"batches/{found['id']}").json() == found


def test_answers_fit_our_document(sinch: Sinch) -> None:
    """Every answer, refusals included, fits otpgate's own description of it."""
    sent = sinch.send(callback_url=f"{PUBLIC}/own", truncate_concat=True, flash_message=True).json()
    under = f"/xms/v1/{PLAN}"
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"{under}/batches", {"json": batch(type="mt_binary", body="MTIzNDU2", udh="06050423F423F4")}),
        ("POST", f"{under}/batches", {"json": {}}), ("POST", f"{under}/batches", {"data": "x"}),
        ("POST", f"{under}/batches/dry_run?per_recipient=true", {"json": batch()}), ("POST", f"{under}/batches/dry_run", {"json": {}}),
        ("GET", f"{under}/batches", {}), ("GET", f"{under}/batches?page=2&page_size=1", {}), ("GET", f"{under}/batches?page=x", {}),
        ("GET", f"{under}/batches/{sent['id']}", {}), ("DELETE", f"{under}/batches/{sent['id']}", {}),
        ("POST", f"{under}/batches/{sent['id']}/delivery_feedback", {"json": {"recipients": [GB]}}),
        ("POST", f"{under}/batches/{sent['id']}/delivery_feedback", {"json": {}}),
        ("GET", f"{under}/batches/{sent['id']}/delivery_report?type=full", {}),
        ("GET", f"{under}/batches/{sent['id']}/delivery_report?type=x", {}),
        ("GET", f"{under}/batches/{sent['id']}/delivery_report/{GB}", {}), ("GET", f"{under}/delivery_reports", {}),
        ("GET", f"{under}/inbounds", {}), ("GET", f"{under}/batches/unknown", {}),
    ]
    for method, path, options in calls:
        answer = sinch.call(method, path, **options)
        found = JUDGE.match(method, path.partition("?")[0])
        assert found is not None
        assert JUDGE.response(found[0], answer.status_code, answer.content) == [], f"{method} {path}"


@pytest.mark.parametrize("path", [
    "activeNumbers?regionCode=US&type=LOCAL", "activeNumbers", f"activeNumbers/+{LONG_CODE}", "activeNumbers/+1", "availableRegions",
])
def test_numbers_answers_fit_our_document(sinch: Sinch, path: str) -> None:
    """The Numbers API's answers fit their description too."""
    whole = f"/v1/projects/{PROJECT}/{path}"
    answer = sinch.keys("GET", whole)
    found = JUDGE.match("GET", whole.partition("?")[0])
    assert found is not None
    assert JUDGE.response(found[0], answer.status_code, answer.content) == []


def test_dry_run_sends_nothing(sinch: Sinch) -> None:
    """Recipients, parts and encoding, one by one where asked; nothing is kept, and no URL is needed."""
    sinch.state(callbacks={})
    body = batch(to=[GB, NL], body="ш" * 71)
    answer = sinch.call("POST", "batches/dry_run?per_recipient=true&number_of_recipients=1", json=body)
    assert (answer.status_code, answer.json()["number_of_recipients"], answer.json()["number_of_messages"]) == (200, 2, 4)
    assert answer.json()["per_recipient"] == [{"recipient": GB, "number_of_parts": 2, "body": "ш" * 71, "encoding": "unicode"}]
    assert "per_recipient" not in sinch.call("POST", "batches/dry_run", json=body).json()
    assert sinch.fakes.messages() == []
    assert sinch.call("POST", "batches/dry_run", token=OTHER_TOKEN, json=body).status_code == 401


def test_parameters_are_filled_for_each_recipient(sinch: Sinch) -> None:
    """A recipient's own value, else the default."""
    sinch.send(to=[GB, NL], body="${name}: 123456", parameters={"name": {f"+{GB}": "Ann", "default": "You"}})
    assert {one["to"]: one["text"] for one in sinch.fakes.messages()} == {f"+{GB}": "Ann: 123456", f"+{NL}": "You: 123456"}


@pytest.mark.parametrize(("text", "length"), [("x" * 200, 160), ("ш" * 100, 70), ("€" * 100, 80)])
def test_text_is_shortened_to_one_part(sinch: Sinch, text: str, length: int) -> None:
    """truncate_concat cuts what does not fit a single part."""
    sinch.send(body=text, truncate_concat=True)
    assert len(sinch.last()["text"]) == length


def test_lists_page_and_filter(sinch: Sinch) -> None:
    """Newest first, counted from page 0, by sender, reference and time."""
    ids = [sinch.send(client_reference=str(index)).json()["id"] for index in range(3)]
    page = sinch.call("GET", "batches?page=0&page_size=2").json()
    assert ([one["id"] for one in page["batches"]], page["count"]) == (ids[:0:-1], 3)
    assert [one["id"] for one in sinch.call("GET", "batches?client_reference=1").json()["batches"]] == [ids[1]]
    assert sinch.call("GET", "batches?from=OTHER").json()["count"] == 0
    assert sinch.call("GET", "batches?end_date=2020-01-01").json()["count"] == 0
    assert sinch.call("GET", "batches?start_date=2099-01-01T00:00:00Z").json()["count"] == 0


def test_reports_filter_by_status_and_code(sinch: Sinch, listener: Any) -> None:
    """Statuses without regard to case, codes by their number."""
    made = sinch.send(to=[GB, US]).json()["id"]
    listener.wait(3)
    assert sinch.call("GET", f"batches/{made}/delivery_report?status=delivered").json()["statuses"][0]["count"] == 1
    assert [one["recipient"] for one in sinch.call("GET", "delivery_reports?code=402").json()["delivery_reports"]] == [US]
    assert sinch.call("GET", "delivery_reports?status=Failed").json()["count"] == 0


def through(sinch: Sinch, host: str, path: str, token: str) -> int:
    """The status of a call to a production host."""
    answer = sinch.fakes.session.get(
        f"https://{host}{path}", headers={"Authorization": f"Bearer {token}"}, verify=sinch.fakes.ca,
        proxies={"https": sinch.fakes.proxy}, timeout=30,
    )
    return answer.status_code


@pytest.mark.parametrize(("host", "status"), [
    ("us.sms.api.sinch.com", 200), ("eu.sms.api.sinch.com", 401), ("au.sms.api.sinch.com", 401), ("zt.us.sms.api.sinch.com", 401),
])
def test_token_counts_in_its_region_only(sinch: Sinch, host: str, status: int) -> None:
    """The plan lives in us: another region's host, and that of projects, refuse its token."""
    assert through(sinch, host, f"/xms/v1/{PLAN}/batches", TOKEN) == status


def test_token_of_a_project_counts_on_its_own_host_only(sinch: Sinch) -> None:
    """A project's token opens zt.us and that project; on a plan's host, or for another project, it is refused."""
    token = sinch.oauth()
    assert through(sinch, "zt.us.sms.api.sinch.com", f"/xms/v1/{PROJECT}/batches", token) == 200
    assert through(sinch, "us.sms.api.sinch.com", f"/xms/v1/{PROJECT}/batches", token) == 401
    assert through(sinch, "zt.us.sms.api.sinch.com", f"/xms/v1/{KEY_ID}/batches", token) == 401
    assert sinch.call("GET", f"/v1/projects/{PROJECT}/availableRegions", token=token).status_code == 200
    assert sinch.call("GET", f"/v1/projects/{PROJECT}/availableRegions", token=TOKEN).status_code == 401


def test_forged_token_of_a_project_is_refused(sinch: Sinch) -> None:
    """A token with another signature, or none of its fields, is nobody's."""
    token = sinch.oauth()
    for wrong in (token[:-4] + "AAAA", "e30.e30.e30", token.rpartition(".")[0] + "."):
        assert sinch.call("GET", f"/xms/v1/{PROJECT}/batches", token=wrong).status_code == 401


def test_token_of_a_project_ends_after_an_hour(start_fakes: Start) -> None:
    """Afterwards the 401 says that it is expired, which is what the SDKs look for."""
    fakes = start_fakes(gateways=[gateway()])
    fakes.clock(mode="manual", stepped=True)
    plan = Sinch(fakes=fakes)
    token = plan.oauth()
    path = f"/xms/v1/{PROJECT}/batches"
    assert plan.call("GET", path, token=token).status_code == 200
    fakes.clock(advance=3600)
    late = plan.call("GET", path, token=token)
    assert (late.status_code, "expired" in late.headers["www-authenticate"]) == (401, True)


def test_numbers_say_their_plan_and_campaign(sinch: Sinch) -> None:
    """A number with its capability, plan and campaign; regions with the kinds there are."""
    found = sinch.keys("GET", f"/v1/projects/{PROJECT}/activeNumbers?regionCode=US&type=LOCAL").json()
    (one,) = found["activeNumbers"]
    assert (one["phoneNumber"], one["capability"]) == (f"+{LONG_CODE}", ["SMS", "VOICE"])
    assert one["smsConfiguration"] == {"servicePlanId": PLAN, "campaignId": "CABC123"}
    regions = sinch.keys("GET", f"/v1/projects/{PROJECT}/availableRegions").json()["availableRegions"]
    assert {one["regionCode"] for one in regions} == {"US", "GB"}


def test_batch_of_another_plan_is_not_found(start_fakes: Start) -> None:
    """Two gateways do not see each other's batches."""
    other = "6f0a9c8b7e6d4c3b92a180716f5e4d3c"
    second = gateway(
        name="other", account={"provider": "sinch", "credentials": [{"id": other, "secret": OTHER_TOKEN}]},
        secrets={"api_token": OTHER_TOKEN}, settings={"service_plan_id": other},
    )
    both = Sinch(fakes=start_fakes(gateways=[gateway(), second], clock="immediate"))
    made = both.send().json()["id"]
    assert both.call("GET", f"batches/{made}").status_code == 200
    assert both.call("GET", f"/xms/v1/{other}/batches/{made}", token=OTHER_TOKEN).status_code == 404


def test_without_an_account_every_well_formed_token_passes(start_fakes: Start) -> None:
    """Nobody described an account: the shapes of plan and token decide, and any sender will do."""
    anyone = Sinch(fakes=start_fakes(gateways=[{"name": "sinch", "provider": "sinch"}], clock="immediate"))
    assert anyone.send(**{"from": "Anybody"}).status_code == 201
    assert anyone.send(token="short").status_code == 401


def test_token_of_production_hosts_in_another_region_of_the_account(sinch: Sinch) -> None:
    """A plan of eu is refused at us, and taken at eu."""
    sinch.state(account={**account()["account"], "region": "eu"})
    assert through(sinch, "us.sms.api.sinch.com", f"/xms/v1/{PLAN}/batches", TOKEN) == 401
    assert sinch.fakes.exchanges()[-1]["reason"] == "region_wrong"
    assert through(sinch, "eu.sms.api.sinch.com", f"/xms/v1/{PLAN}/batches", TOKEN) == 200


def test_text_is_captured_with_its_code(sinch: Sinch) -> None:
    """The inbox has the text, the code and the sender."""
    sinch.send()
    assert (sinch.last()["text"], sinch.last()["code"], sinch.last()["from"]) == (TEXT, "123456", "ACME")
