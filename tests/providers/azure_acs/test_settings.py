"""What the rules say of an Azure gateway as it is deployed: nothing of a sound one, and each fault at its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otpgate.config import manifest as manifests
from otpgate.engines.names import account_hosts
from otpgate.engines.unfenced import with_twins
from otpgate.scenarios.lanes import fakes
from otpgate_contracts import loading
from otpgate_contracts.model import Pack
from tests.providers.azure_acs.conftest import CONNECTION, FROM, KEY, OTHER_KEY, REPORTS, RESOURCE, UNVERIFIED, account
from tests.providers.configured import found, manifest

GATEWAY: dict[str, Any] = {
    "provider": "azure_acs", "connection_string": "${ACS}", "sender": "${FROM}", "receipts": "${REPORTS}", "status_callback": REPORTS,
    "timeout": "5s",
}
SPLIT = {**{name: value for name, value in GATEWAY.items() if name != "connection_string"}, "endpoint": "${URL}", "access_key": "${KEY}"}
DEPLOYED = {"ACS": CONNECTION, "FROM": FROM, "REPORTS": "true", "URL": f"https://{RESOURCE}.communication.azure.com", "KEY": KEY}


def said(
    folder: Path, deployed: dict[str, str], state: dict[str, Any], gateway: dict[str, Any], countries: list[str]
) -> dict[str, str]:
    healthy = account(senders=[account()["senders"][0], {"alphanumeric": "ACME"}], destinations={"enabled": countries})
    used = {name: value for name, value in {**DEPLOYED, **deployed}.items() if f"${{{name}}}" in gateway.values()}
    return found(folder, manifest(gateway, countries), used, {**healthy, **state}, {"objectives": {"peak": "3/s"}})


@pytest.mark.parametrize("gateway", [GATEWAY, SPLIT], ids=["connection string", "endpoint and key"])
def test_healthy_configuration_is_not_spoken_against(tmp_path: Path, gateway: dict[str, Any]) -> None:
    """The pack's facts object to nothing in a sound deployment, in either form."""
    assert said(tmp_path, {}, {}, gateway, ["US"]) == {}


def connection(endpoint: str = f"https://{RESOURCE}.communication.azure.com/", key: str = KEY) -> dict[str, str]:
    return {"ACS": f"endpoint={endpoint};accesskey={key}"}


CASES: dict[str, tuple[set[str], str, dict[str, str], dict[str, Any], dict[str, Any], list[str]]] = {
    "the key of another resource": ({"CR010"}, "ACS", connection(key=OTHER_KEY), {}, GATEWAY, ["US"]),
    "another resource": ({"CR011"}, "ACS", connection("https://fabrikam.communication.azure.com/"), {}, GATEWAY, ["US"]),
    "plain http": ({"CR003"}, "ACS", connection("http://127.0.0.1:8080"), {}, GATEWAY, ["US"]),
    "a host of somebody else": ({"EP002"}, "ACS", connection("https://contoso.example.com"), {}, GATEWAY, ["US"]),
    "no key in the connection string": ({"CR003"}, "ACS", {"ACS": CONNECTION.partition(";")[0]}, {}, GATEWAY, ["US"]),
    "only the key": ({"CR003"}, "ACS", {"ACS": KEY}, {}, GATEWAY, ["US"]),
    "only the endpoint": ({"CR003"}, "ACS", {"ACS": "https://contoso.communication.azure.com"}, {}, GATEWAY, ["US"]),
    "a storage account's": ({"CR003"}, "ACS", {"ACS": "DefaultEndpointsProtocol=https;AccountName=otp;AccountKey=AAAA"}, {}, GATEWAY, ["US"]),
    "empty": ({"CR001"}, "ACS", {"ACS": ""}, {}, GATEWAY, ["US"]),
    "a key that is still URL-encoded": ({"CR003"}, "KEY", {"KEY": f"{KEY[:-4]}%3D%3D"}, {}, SPLIT, ["US"]),
    "a key that lost its end": ({"CR005"}, "KEY", {"KEY": KEY[:-2]}, {}, SPLIT, ["US"]),
    "the connection string for the key": ({"CR003"}, "KEY", {"KEY": CONNECTION}, {}, SPLIT, ["US"]),
    "an endpoint with a slash": ({"EP002"}, "URL", {"URL": DEPLOYED["URL"] + "/"}, {}, SPLIT, ["US"]),
    "sender of another resource": ({"SN002"}, "FROM", {"FROM": "+18335550199"}, {}, GATEWAY, ["US"]),
    "sender without its plus": ({"SN001"}, "FROM", {"FROM": FROM[1:]}, {}, GATEWAY, ["US"]),
    "a name for the United States": ({"SN003"}, "FROM", {"FROM": "ACME"}, {}, GATEWAY, ["US"]),
    "toll-free number abroad": ({"SN003"}, "FROM", {}, {}, GATEWAY, ["GB"]),
    "toll-free number not verified": ({"RC002"}, "FROM", {"FROM": UNVERIFIED}, {"senders": [account()["senders"][1]]}, GATEWAY, ["US"]),
    "country not served": ({"DP001"}, "", {}, {"destinations": {"enabled": ["GB"]}}, GATEWAY, ["US"]),
    "reports not asked for": ({"WH003"}, "REPORTS", {"REPORTS": "false"}, {}, GATEWAY, ["US"]),
    "subscription to another host": ({"WH005", "WH006"}, "", {}, {"callbacks": {"status": "https://old.example.net/acs"}}, GATEWAY, ["US"]),
    "more than a toll-free number carries": ({"RQ001"}, "", {}, {"limits": {"per_second": 1}}, GATEWAY, ["US"]),
    "trial": ({"EV002"}, "", {}, {"account": {"id": RESOURCE, "kind": "trial"}}, GATEWAY, ["US"]),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_misconfiguration_is_found_at_its_line(tmp_path: Path, case: Any) -> None:
    """Each is found by its rule, on the deployed line that causes it, also within a connection string."""
    wanted, name, deployed, state, gateway, countries = case
    seen = said(tmp_path, deployed, state, gateway, countries)
    assert {rule: place for rule, place in seen.items() if rule in wanted and place == name}, seen


def loaded(folder: Path) -> tuple[Any, dict[str, Pack]]:
    said(folder, {}, {}, GATEWAY, ["US"])
    return manifests.load(folder / "otpgate.yaml", {}), {"azure_acs": loading.pack("azure_acs")}


def test_connection_string_is_taken_apart(tmp_path: Path) -> None:
    """Endpoint, resource and key stand at the line of the string; what is written out itself stays."""
    whole, _ = loaded(tmp_path)
    settings = whole.gateways["only"].settings
    assert {name: settings[name].text for name in ("endpoint", "base_url", "resource", "access_key")} == {
        "endpoint": DEPLOYED["URL"], "base_url": DEPLOYED["URL"], "resource": RESOURCE, "access_key": KEY,
    }
    assert {settings[name].span.line for name in ("access_key", "resource")} == {settings["connection_string"].span.line}


def test_twin_of_a_connection_string_keeps_its_endpoint(tmp_path: Path) -> None:
    """Without a fence the key alone is replaced, so that the service still calls the resource."""
    whole, packs = loaded(tmp_path)
    document = fakes(whole, packs, 1)
    _, environment, _ = with_twins(document, {"ACS": CONNECTION}, "1", [])
    assert environment["ACS"].startswith(CONNECTION.partition("accesskey=")[0])
    assert KEY not in environment["ACS"]
    assert len(environment["ACS"]) == len(CONNECTION)


def test_host_of_the_resource_is_among_those_a_lane_answers_for(tmp_path: Path) -> None:
    """No list holds a resource's own host, so the deployed one is told to the engine; another company's is not."""
    whole, packs = loaded(tmp_path)
    settings = [gateway.settings for gateway in fakes(whole, packs, 1).gateways]
    assert account_hosts(settings, packs["azure_acs"]) == (f"{RESOURCE}.communication.azure.com",)
    assert account_hosts([{"base_url": "https://contoso.example.com"}, {}], packs["azure_acs"]) == ()
