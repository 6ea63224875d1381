"""Walker: faults become findings with gateway, countries, impact, severity and a stable fingerprint."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from otpgate import rules
from otpgate.config import manifest as manifests
from otpgate.config.model import Manifest
from otpgate.errors import InternalError
from otpgate.rules.diagnosis import finding_for
from otpgate.rules.pages import Sample
from otpgate.rules.registry import Fault, Missing, Rule
from otpgate.rules.subjects import GatewaySubject, RouteSubject, ServiceSubject
from otpgate.rules.walker import walk
from otpgate_contracts import loading
from otpgate_contracts.model import Pack

from .samples import TODAY, configured, judged, packs_for

Case = tuple[Manifest, dict[str, Pack]]


def loaded(folder: Path, *blocks: Sample) -> Case:
    manifest = manifests.load(configured(list(blocks), folder), {})
    return manifest, packs_for(manifest)


def env(text: str) -> Sample:
    return Sample("env", "", text)


def yaml(text: str) -> Sample:
    return Sample("yaml", "", text)


def account(name: str, text: str) -> Sample:
    return Sample("account", name, text)


def made(function: object, scope: str = "gateway", **more: object) -> dict[str, Rule]:
    """A registry with one rule that only this test knows."""
    return {"ZZ001": Rule(
        id="ZZ001", name="made-up", scope=scope, severity="error", confidence="high",  # type: ignore[arg-type]
        profiles=more.pop("profiles", ("production",)), function=function, doc="Made up.", module=__name__,  # type: ignore[arg-type]
    )}


def test_impact_counts_routes_led_by_the_gateway(tmp_path: Path) -> None:
    """A fault of a gateway strands the users of the routes it leads; failover is not credited."""
    walked = judged(configured([env("FALLBACK_FROM=ACMECORP")], tmp_path))
    [found] = walked.findings
    assert (found.gateway, found.provider, found.countries, found.impact) == ("fallback", "vonage", ("GB", "DE"), 0.15)


def test_countries_narrow_the_impact(tmp_path: Path) -> None:
    """A fault in countries where the gateway only stands by strands nobody."""
    walked = judged(configured([account("primary", "destinations: {enabled: [US, CA]}")], tmp_path), select=("DP",))
    [found] = walked.findings
    assert (found.rule, found.countries, found.impact) == ("DP001", (), 0.0)
    assert "as a fallback" in found.message


def test_impact_is_unknown_without_shares(tmp_path: Path) -> None:
    """No share is given, so no impact is claimed."""
    text = "routes: [{countries: [US, CA], gateways: [primary, fallback]}, {countries: [GB, DE], gateways: [fallback, primary]}]"
    walked = judged(configured([yaml(text), env("FALLBACK_FROM=ACMECORP")], tmp_path))
    assert [found.impact for found in walked.findings] == [None]


def test_service_fault_reaches_every_route(tmp_path: Path) -> None:
    """What is wrong with the policy strands all users."""
    walked = judged(configured([yaml("otp: {lifetime: 8s}\ngateways: {primary: {validity_period: 10s}}")], tmp_path))
    found = next(found for found in walked.findings if found.rule == "OP001")
    assert (found.gateway, found.impact, found.countries) == (None, 1.0, ("US", "CA", "GB", "DE"))


def test_fingerprint_survives_line_moves(tmp_path: Path) -> None:
    """A comment above the line changes the line, not the fingerprint."""
    first = judged(configured([env("FALLBACK_FROM=ACMECORP")], tmp_path / "one")).findings[0]
    moved = configured([env("FALLBACK_FROM=ACMECORP")], tmp_path / "two")
    file = moved.parent / "deploy" / "production.env"
    file.write_text("# a comment\n" + file.read_text("utf-8"), "utf-8")
    second = judged(moved).findings[0]
    assert first.location.line + 1 == second.location.line
    assert first.fingerprint == second.fingerprint


def test_fingerprint_tells_gateways_apart(tmp_path: Path) -> None:
    """Two gateways that read one wrong value are two findings."""
    text = 'gateways: {primary: {status_callback: "${HOOK}"}, fallback: {status_callback: "${HOOK}"}}'
    walked = judged(configured([yaml(text), env("HOOK=/relative")], tmp_path))
    assert len({found.fingerprint for found in walked.findings if found.rule == "WH001"}) == 2


def test_worst_comes_first(tmp_path: Path) -> None:
    """Errors come before warnings, wide ones before narrow ones."""
    blocks = [env("FALLBACK_FROM=ACMECORP\nPRIMARY_FROM=+12025550199"), yaml("gateways: {primary: {validity_period: 4h}}")]
    walked = judged(configured(blocks, tmp_path))
    assert [(found.severity, found.impact) for found in walked.findings] == [("error", 0.85), ("error", 0.15), ("warning", 0.85)]


def test_absent_account_state_is_undecided(tmp_path: Path) -> None:
    """Without account state nothing is claimed, and the report says what would decide."""
    walked = judged(configured([yaml("gateways: {primary: {account: ~}, fallback: {account: ~}}")], tmp_path))
    assert not walked.findings
    assert {(item.rule, item.gateway) for item in walked.undecided} >= {("SN002", "primary"), ("DP001", "fallback")}
    assert all(item.missing for item in walked.undecided)


@pytest.mark.parametrize("names", [("SN002",), ("sender-not-owned",), ("SN",)])
def test_select_takes_ids_names_and_families(names: tuple[str, ...], tmp_path: Path) -> None:
    """Only the selected rules speak."""
    blocks = [env("FALLBACK_FROM=ACMECORP\nPRIMARY_TOKEN=")]
    assert {found.rule for found in judged(configured(blocks, tmp_path), select=names).findings} == {"SN002"}


def test_ignore_silences(tmp_path: Path) -> None:
    """An ignored family says nothing."""
    blocks = [env("FALLBACK_FROM=ACMECORP\nPRIMARY_TOKEN=")]
    found = judged(configured(blocks, tmp_path), ignore=("SN",)).findings
    assert {item.rule for item in found} == {"CR001"}


def test_gateway_and_country_narrow(tmp_path: Path) -> None:
    """Only the wanted gateway and country are judged."""
    path = configured([env("FALLBACK_FROM=ACMECORP\nPRIMARY_FROM=+12025550199")], tmp_path)
    assert {found.gateway for found in judged(path, gateways=("fallback",)).findings} == {"fallback"}
    assert {found.gateway for found in judged(path, countries=("US",)).findings} == {"primary"}


def test_crash_names_the_rule(tmp_path: Path) -> None:
    """A crash is a fault of otpgate and names the rule, never the user's file."""

    def broken(gateway: GatewaySubject) -> Iterator[Fault]:
        raise KeyError("nope")
        yield

    manifest, packs = loaded(tmp_path)
    with pytest.raises(InternalError, match=r"rule ZZ001 \(made-up\) failed: KeyError") as caught:
        walk(manifest, packs, rules=made(broken))
    assert "otpgate.yaml" not in str(caught.value)


def test_profile_decides_which_rules_run(tmp_path: Path) -> None:
    """A rule for production is silent in a test deployment."""

    def always(service: ServiceSubject) -> Iterator[Fault]:
        yield Fault(message="always.", at=service.manifest.span)

    manifest, packs = loaded(tmp_path, yaml("profile: test"))
    assert not walk(manifest, packs, rules=made(always, "service")).findings
    manifest, packs = loaded(tmp_path)
    assert walk(manifest, packs, rules=made(always, "service")).findings


def test_route_findings_at_one_place_are_one(tmp_path: Path) -> None:
    """A rule over routes that says the same of two countries makes one finding with both."""

    def each(route: RouteSubject) -> Iterator[Fault | Missing]:
        if route.gateway.name == "fallback" and route.route.gateways[0] == "fallback":
            yield Fault(message="same.", at=route.gateway.gateway.span, countries=(route.country,))

    manifest, packs = loaded(tmp_path)
    [found] = walk(manifest, packs, rules=made(each, "route")).findings
    assert found.countries == ("GB", "DE")


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    """Whatever is wrong with a secret, its value is in no message, fix or fingerprint."""
    secrets = {"PRIMARY_TOKEN": "6f1d0e3b9a7c45208d1e6f3a9b7c4d", "FALLBACK_SECRET": "'hunter2hunter2 '", "FALLBACK_SIGNATURE": "swordfish"}
    walked = judged(configured([env("\n".join(f"{name}={value}" for name, value in secrets.items()))], tmp_path))
    assert {found.rule for found in walked.findings} >= {"CR005", "CR004"}
    for found in walked.findings:
        shown = repr(found)
        assert not any(value.strip("' ") in shown for value in secrets.values()), found.rule


def test_diagnosis_has_the_static_place_and_fingerprint(tmp_path: Path) -> None:
    """A refused send is told like the static finding: same line, same fix, same fingerprint."""
    path = configured([env("FALLBACK_FROM=ACMECORP")], tmp_path)
    [static] = judged(path).findings
    manifest = manifests.load(path, {})
    seen = finding_for(
        manifest, packs_for(manifest), "SN002", "fallback", ("sender",), "the receipt says rejected.", countries=("GB",),
        exchanges=("x1",), today=TODAY,
    )
    assert (seen.fingerprint, seen.location, seen.fix) == (static.fingerprint, static.location, static.fix)
    assert seen.message.startswith("the receipt says rejected.")
    assert (seen.countries, seen.impact, seen.exchanges) == (("GB",), 0.15, ("x1",))


def test_diagnosis_points_at_the_first_setting_present(tmp_path: Path) -> None:
    """Where no static rule sees the fault, the likeliest setting that is present is named."""
    manifest, packs = loaded(tmp_path)
    seen = finding_for(manifest, packs, "CR010", "primary", ("api_key_secret", "auth_token"), "401.", today=TODAY)
    assert (seen.location.file, seen.location.key) == ("deploy/production.env", "PRIMARY_TOKEN")


def test_diagnosis_knows_account_state(tmp_path: Path) -> None:
    """`account.` names a key of the account file."""
    manifest, packs = loaded(tmp_path)
    seen = finding_for(manifest, packs, "DP001", "primary", ("account.destinations.enabled",), "21408.", today=TODAY)
    assert seen.location.file == "accounts/primary.yaml"


def test_diagnosis_without_any_setting_points_at_the_gateway(tmp_path: Path) -> None:
    """Nothing named is present: the gateway's own place is shown."""
    manifest, packs = loaded(tmp_path)
    seen = finding_for(manifest, packs, "SN004", "primary", (), "refused.", today=TODAY)
    assert seen.location.line == manifest.gateways["primary"].span.line


@pytest.mark.parametrize("id", loading.ids())
def test_error_rows_name_rules_that_exist(id: str) -> None:
    """Every diagnosis in a pack's error catalogue leads to a rule with a page."""
    known = rules.load()
    unknown = {(row.code, row.rule) for row in loading.pack(id).errors if row.rule and row.rule not in known}
    unknown |= {(sdk.package, trap.rule) for sdk in loading.pack(id).provider.sdks for trap in sdk.traps if trap.rule not in known}
    assert not unknown


def test_rules_load_light() -> None:
    """Loading every rule imports nothing the pre-commit hook would wait for."""
    heavy = "phonenumbers", "importlib.metadata", "requests", "rich", "jinja2", "asyncio", "difflib"
    code = f"import sys, otpgate.rules; otpgate.rules.load(); print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("sender", "silent"), [("+447700900123", False), ("+12025550187", True)])
def test_foreign_number_where_numbers_are_registered(sender: str, silent: bool, tmp_path: Path) -> None:
    """A number of another country cannot be registered with carriers that want registered numbers."""
    blocks = [
        yaml(f'gateways: {{fallback: {{sender: {{US: "{sender}"}}}}}}'),
        account("fallback", f'senders: [{{alphanumeric: ACME, countries: [GB, DE]}}, {{number: "{sender}", kind: long_code}}, '
                '{number: "+12025550187", kind: long_code}]'),
    ]
    found = [item for item in judged(configured(blocks, tmp_path)).findings if item.rule == "SN009"]
    assert (not found) is silent


PRESET = "service: {name: auth, preset: appwrite, environment: [deploy/production.env]}\n"
DSN = "_APP_SMS_PROVIDER=sms://AC3d1f0a9c8b7e6d5c4b3a29180716f5e4:%s@twilio\n_APP_SMS_FROM=+12025550143\n"


@pytest.mark.parametrize(("token", "expected"), [("6f1d0e3b9a7c45208d1e6f3a9b7c4d20", set()), ("changeme", {"CR002"})])
def test_product_behind_a_preset_is_not_blamed_on_its_user(token: str, expected: set[str], tmp_path: Path) -> None:
    """What a product cannot do is no finding; what its user deployed is."""
    path = configured([Sample("file", "otpgate.yaml", PRESET), Sample("file", "deploy/production.env", DSN % token)], tmp_path)
    assert {found.rule for found in judged(path).findings} == expected
