"""Webhooks signed with a provider's private key: the service that is tried out is handed the public half of the test key."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from otpgate.config import manifest as manifests
from otpgate.config.model import Manifest
from otpgate.options import Selection
from otpgate.scenarios.lanes import lane_plan
from otpgate.scenarios.plan import PlannedLane, plan
from otpgate.scenarios.terms import terms
from otpgate_contracts import loading
from otpgate_contracts.signing_pair import TEST_KEY, public_half

PROVIDER = "telnyx"
PACKS = {PROVIDER: loading.pack(PROVIDER)}
DEPLOYED = "tPHFbTBT9IdXfyXCPmkKxQ5nDyKLZbHnCLFrgBWZM4g="
LANE = PlannedLane(name="only", cases=())


def manifest(folder: Path, start: dict[str, Any], callbacks: dict[str, str], key: str = DEPLOYED) -> Manifest:
    """A deployment with one gateway whose webhooks are signed by a pair."""
    document = {
        "service": {"name": "acme", "start": start, "environment": ["deploy.env"], "public_url": "https://otp.example.com",
                    "api": {"request_code": {"method": "POST", "path": "/otp", "json": {"phone": "{phone}"}, "accepted": [202]},
                            "verify_code": {"method": "POST", "path": "/otp/verify", "json": {"phone": "{phone}", "code": "{code}"},
                                            "accepted": [200], "refused": [401]}}},
        "gateways": {"only": {"provider": PROVIDER, "api_key": "${KEY}", "public_key": "${PUBLIC}", "sender": "+12025550187",
                              "status_callback": "https://otp.example.com/hooks", "account": "account.yaml"}},
        "routes": [{"countries": ["GB"], "gateways": ["only"], "share": 1.0}],
        "otp": {"digits": 6, "lifetime": "5m", "template": "{code} is your code."}, "profile": "production",
    }
    (folder / "deploy.env").write_text(f"KEY=KEY0123456789ABCDEF0123456789ABCDEF_aB3dE5fG7hJ9kL1mN3pQ5r\nPUBLIC={key}\n")
    (folder / "account.yaml").write_text(yaml.safe_dump({"provider": PROVIDER, "callbacks": callbacks}))
    (folder / "otpgate.yaml").write_text(yaml.safe_dump(document))
    return manifests.load(folder / "otpgate.yaml", {})


def handed(found: Manifest) -> tuple[str, tuple[str, ...]]:
    """The public key the service is started with, and what is said of it."""
    planned = lane_plan(found, PACKS, LANE, 1, environ={})
    return planned.environment["PUBLIC"], planned.notes


def receipts(found: Manifest) -> set[str]:
    """Why cases of the receipts scenario are not played."""
    laid = plan(found, PACKS, terms(found), Selection(scenarios=("receipts",)), 1)
    return {one.reason for one in laid.not_applicable if one.scenario == "receipts" and one.variant == "signed"}


def test_deployed_key_makes_room_for_the_test_key(tmp_path: Path) -> None:
    """A well-formed key is replaced in the service's environment, and a note says so."""
    found = manifest(tmp_path, {"command": ["acme"]}, {})
    key, notes = handed(found)
    assert key == public_half(TEST_KEY)
    assert any("PUBLIC" in note and "test key" in note for note in notes)
    assert receipts(found) == set()


KEPT = {
    "known to be another account's": ({"secret_sha256": "0" * 64}, DEPLOYED),
    "the account brings its private key": ({"secret": TEST_KEY}, DEPLOYED),
    "malformed": ({}, "KEY0123456789"),
}


@pytest.mark.parametrize(("callbacks", "key"), KEPT.values(), ids=KEPT)
def test_key_that_is_wrong_stays_wrong(tmp_path: Path, callbacks: dict[str, str], key: str) -> None:
    """What the deployment has wrong is not mended: true webhooks are then refused, and the gate says so."""
    assert handed(manifest(tmp_path, {"command": ["acme"]}, callbacks, key)) == (key, ())


def test_key_known_to_be_right_is_replaced(tmp_path: Path) -> None:
    """A key whose hash the account state confirms is right, and nobody can sign for it either."""
    state = {"secret_sha256": hashlib.sha256(DEPLOYED.encode()).hexdigest()}
    assert handed(manifest(tmp_path, {"command": ["acme"]}, state))[0] == public_half(TEST_KEY)


def test_service_that_already_runs_cannot_be_handed_a_key(tmp_path: Path) -> None:
    """Its receipts are not tried, with the reason; with the account's own private key they are."""
    running = {"url": "http://127.0.0.1:8080"}
    found = manifest(tmp_path, running, {})
    assert handed(found) == (DEPLOYED, ())
    assert any("already runs" in reason for reason in receipts(found))
    assert receipts(manifest(tmp_path, running, {"secret": TEST_KEY})) == set()
