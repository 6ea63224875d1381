"""The gate on services that send through AWS: SNS, which tells nothing, and End User Messaging, which reports by signed events."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from e2e.small import SERVICES, Small

pytestmark = [pytest.mark.slow, pytest.mark.fence, pytest.mark.gate]

HERE = Path(__file__).parent


def deployed(folder: Path, product: str, *defects: str, **variables: str) -> Small:
    """The service with AWS before Twilio, in a folder of its own."""
    for shared in (SERVICES / "otp.py", HERE / "service" / "sigv4.py"):
        shutil.copy(shared, folder / shared.name)
    found = Small(folder, *defects, source=HERE / ("service" if product == "sms" else "reported"), **variables)
    found.replace("manifest.yaml", "[python, service.py]", f'["{sys.executable}", service.py]')
    return found


def unfit(report: list[dict[str, str]]) -> set[tuple[str, str | None]]:
    """What does not apply to the gateway."""
    return {
        (one["scenario"], one["variant"]) for one in report if one["verdict"] == "not_applicable" and one["gateway"] == "primary"
    }


def test_a_healthy_service_on_sns_passes_everything(tmp_path: Path) -> None:
    """Every scenario of the gateway that applies is green; SNS reports nothing, so no receipt and no late failure is played."""
    found = deployed(tmp_path, "sms").verify("--gateway", "primary")
    assert (found.code, found.failing(), found.names) == (0, [], set())
    assert {one for one in unfit(found.report["scenarios"]) if one[0] != "receipts"} == {
        ("failover", "failing_2xx"), ("failover", "nobody_in_2xx"), ("failover", "accepted_then_failed"), ("failover", "no_receipt"),
        ("unknown-service", None),
    }


def test_a_healthy_service_on_end_user_messaging_passes_everything(tmp_path: Path) -> None:
    """Every scenario that applies is green: events are signed without a shared secret, and an unknown configuration set is told."""
    found = deployed(tmp_path, "end_user_messaging").verify("--gateway", "primary")
    assert (found.code, found.failing(), found.names) == (0, [], set())
    assert unfit(found.report["scenarios"]) == {
        ("failover", "failing_2xx"), ("failover", "nobody_in_2xx"), ("receipts", "replayed"), ("receipts", "unsigned_failure"),
    }


SMS, EUM = "sms", "end_user_messaging"
SANDBOX = ("kind: full", "kind: sandbox")
BROKE = ('spend_limit: "5000.00"', 'spend_limit: "0.00"')
PENDING = ("opted_out: []", "opted_out: []\nsettings: {subscription: pending}")
Case = tuple[str, str, str, dict[str, str], tuple[str, str] | None, str, str, tuple[str, str]]
DEFECTS: list[Case] = [
    ("the sandbox swallows", SMS, "", {}, SANDBOX, "EV002", "delivers", ("EV002", "account:")),
    ("the spend limit is reached", SMS, "", {}, BROKE, "RQ003", "delivers", ("RQ003", "balance:")),
    ("dearer than allowed", SMS, "", {"SNS_MAX_PRICE": "0.003"}, None, "", "delivers", ("VR005", "SNS_MAX_PRICE=")),
    ("advertising", SMS, "", {"SNS_SMS_TYPE": "Promotional"}, None, "", "delivers", ("VR005", "SNS_SMS_TYPE=")),
    ("another region", SMS, "", {"AWS_REGION": "us-east-1"}, None, "", "delivers", ("EP001", "AWS_REGION=")),
    ("a sender nobody registered", SMS, "", {"SNS_SENDER_ID": "ACMECORP"}, None, "SN002", "delivers", ("SN002", "SNS_SENDER_ID=")),
    ("a number without its plus", SMS, "drops_plus", {}, None, "", "delivers", ("EN001", "provider: aws_sns")),
    ("no such configuration set", EUM, "", {"SMS_CONFIGURATION_SET": "otp-event"}, None, "CR017", "delivers", ("CR017", "SMS_CONFIGURATION_SET=")),
    ("another region, told at once", EUM, "", {"AWS_REGION": "us-east-1"}, None, "", "delivers", ("EP001", "AWS_REGION=")),
    ("the set is not named", EUM, "names_no_set", {}, None, "", "receipts/signed", ("WH054", "SMS_CONFIGURATION_SET=")),
    ("the label of events is not JSON", EUM, "wants_json_label", {}, None, "", "receipts/signed", ("WH050", "status_callback:")),
    ("the subscription is never confirmed", EUM, "confirms_nothing", {}, PENDING, "", "receipts/signed", ("WH054", "status_callback:")),
    ("anybody may sign", EUM, "trusts_receipts", {}, None, "", "receipts/wrong_secret", ("WH051", "status_callback:")),
]


@pytest.mark.parametrize("case", DEFECTS, ids=[one[0] for one in DEFECTS])
def test_a_defect_is_named(tmp_path: Path, case: Case) -> None:
    """Rule and deployed line are those that cause it, and nothing else is blamed."""
    _, product, defects, variables, change, ignored, scenario, (rule, text) = case
    service = deployed(tmp_path, product, *defects.split(","), **variables)
    service.promise_little()
    if change is not None:
        service.replace("beta.yaml", *change)
    found = service.verify("--gateway", "primary", *(("--ignore", ignored) if ignored else ()), scenarios=(scenario,))
    assert found.code == 1
    assert [one["rule"] for one in found.findings] == [rule], found.failing()
    place = found.findings[0]["location"]
    assert (tmp_path / place["file"]).read_text().splitlines()[place["line"] - 1].strip().startswith(text)


def test_a_subscription_that_is_confirmed_reports(tmp_path: Path) -> None:
    """The first event asks for its confirmation; whoever fetches SubscribeURL gets the rest."""
    service = deployed(tmp_path, EUM)
    service.replace("beta.yaml", *PENDING)
    found = service.verify("--gateway", "primary", scenarios=("delivers", "receipts/signed"))
    assert (found.code, found.failing(), found.names) == (0, [], set())


def test_a_type_left_empty_leaves_the_default(tmp_path: Path) -> None:
    """An empty variable makes codes advertising; the warning stands at its line."""
    found = deployed(tmp_path, SMS, SNS_SMS_TYPE="").verify("--gateway", "primary", scenarios=("delivers",))
    (told,) = [one for one in found.report["findings"] if one["rule"] == "VR005"]
    assert (tmp_path / "service.env").read_text().splitlines()[told["location"]["line"] - 1] == "SNS_SMS_TYPE="


def test_a_misspelt_attribute_is_told_at_the_setting_it_was_meant_for(tmp_path: Path) -> None:
    """SNS takes it and goes on with its default; the warning stands where the type is deployed."""
    found = deployed(tmp_path, SMS, "misspells_type").verify("--gateway", "primary", "--fail-on", "warning", scenarios=("delivers", "contract"))
    (told,) = found.report["findings"]
    assert (found.code, told["rule"], told["location"]["key"]) == (1, "VR050", "SNS_SMS_TYPE")
    assert "AWS.SNS.SMS.SmsType is no attribute SNS knows for SMS" in told["message"]
