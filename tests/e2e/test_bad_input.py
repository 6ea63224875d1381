"""Bad input: one clear message (what, where, why, what to do), the right exit code, never a traceback."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable

import pytest
from e2e.project import Project

Break = Callable[[Project], object]


def drop_manifest(project: Project) -> None:
    project.path("otpgate.yaml").unlink()


def binary_environment(project: Project) -> None:
    project.path("deploy/production.env").write_bytes(b"\x7fELF\x00\x01\xff\xfe" * 40)


def missing_environment(project: Project) -> None:
    project.path("deploy/production.env").unlink()


def cycle(project: Project) -> None:
    with project.path("deploy/production.env").open("a") as file:
        file.write("LEFT=${RIGHT}\nRIGHT=${LEFT}\n")
    project.replace("otpgate.yaml", "${TWILIO_FROM}", "${LEFT}")


def in_manifest(old: str, new: str) -> Break:
    return lambda project: project.replace("otpgate.yaml", old, new)


def in_account(old: str, new: str) -> Break:
    return lambda project: project.replace("accounts/twilio.yaml", old, new)


USAGE: dict[str, tuple[Break, str]] = {
    "missing manifest": (drop_manifest, r"otpgate\.yaml"),
    "unknown key": (in_manifest("status_callback:", "status_calback:"), r"status_callback"),
    "unknown top-level key": (in_manifest("gateways:", "gatways:"), r"gateways"),
    "binary environment file": (binary_environment, r"production\.env"),
    "missing environment file": (missing_environment, r"production\.env"),
    "two gateways with one name": (in_manifest("  fallback:\n    provider", "  primary:\n    provider"), r"primary"),
    "route to an unknown gateway": (in_manifest("gateways: [primary, fallback]", "gateways: [primery, fallback]"), r"primary"),
    "unknown country": (in_manifest("[GB, DE]", "[UK, DE]"), r"UK"),
    "account file of another provider": (in_account("provider: twilio", "provider: vonage"), r"accounts/twilio\.yaml"),
    "account file that is not there": (in_manifest("accounts/twilio.yaml", "accounts/twillio.yaml"), r"twillio\.yaml"),
    "unknown key in an account file": (in_account("opted_out:", "opted_outs:"), r"opted_out\b"),
    "wrong word in an account file": (in_account("kind: full", "kind: fulll"), r"full"),
    "unknown provider": (in_manifest("provider: twilio", "provider: twillio"), r"twilio"),
    "malformed duration": (in_manifest("validity_period: 5m", "validity_period: 5 fortnights"), r"fortnights"),
    "malformed YAML": (in_manifest("profile: production", "profile: [production"), r"otpgate\.yaml:\d+"),
    "share over one": (in_manifest("share: 0.85", "share: 85"), r"share|0\.85"),
    "wrong type": (in_manifest("routes:\n", "routes: none\nroutes_:\n"), r"routes"),
}


@pytest.mark.parametrize("name", USAGE)
def test_a_usage_error_is_one_clear_message(project: Project, name: str) -> None:
    """The message names the place and the way out; the exit code is 2; nothing is on standard output."""
    breaks, expected = USAGE[name]
    assert project.otpgate("check", "otpgate.yaml").returncode == 0, "the twin is not healthy"
    breaks(project)
    result = project.otpgate("check", "otpgate.yaml")
    assert result.returncode == 2, result.stderr
    assert re.search(expected, result.stderr), result.stderr
    assert "Traceback" not in result.stderr
    assert "internal error" not in result.stderr
    assert result.stdout == ""


def test_a_reference_cycle_names_its_chain(project: Project) -> None:
    """A value that refers to itself is told with the names it goes through."""
    cycle(project)
    result = project.otpgate("check", "otpgate.yaml")
    assert result.returncode in (1, 2), result.stderr
    assert re.search(r"LEFT.*RIGHT|RIGHT.*LEFT", result.stdout + result.stderr, re.DOTALL)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("arguments", "code", "expected"), [
    (("chekc",), 2, "check"),
    (("check", "--no-such-option"), 2, "no-such-option"),
    (("check", "otpgate.yaml", "--select", "SN999"), 2, "SN"),
    (("check", "otpgate.yaml", "--format", "sarff"), 2, "sarif"),
    (("check", "otpgate.yaml", "--gateway", "primery"), 5, "primary"),
    (("check", "otpgate.yaml", "--country", "FR"), 5, "GB"),
    (("explain", "SN00"), 2, "SN00"),
    (("verify", "otpgate.yaml", "--scenario", "delivres"), 2, "delivers"),
    (("verify", "otpgate.yaml", "--shard", "3/2"), 2, "shard"),
    (("serve", "twillio"), 2, "twilio"),
    (("run", "--", "no-such-program-anywhere"), 2, "no-such-program-anywhere"),
])
def test_a_wrong_call_names_the_right_one(project: Project, arguments: tuple[str, ...], code: int, expected: str) -> None:
    """A mistyped command, option, rule, format, gateway or scenario is answered with the nearest right one."""
    result = project.otpgate(*arguments)
    assert result.returncode == code, result.stderr
    assert expected in result.stderr
    assert "Traceback" not in result.stderr


def test_a_deployed_fault_is_a_finding_not_a_usage_error(project: Project) -> None:
    """What is wrong in the deployed values exits with 1 and points at the deployed line."""
    line = project.replace("deploy/production.env", "OTP_DIGITS=6", "OTP_DIGITS=six")
    result = project.otpgate("check", "otpgate.yaml", "--format", "json")
    assert result.returncode == 1, result.stderr
    places = {(found["location"]["file"], found["location"]["line"]) for found in json.loads(result.stdout)["findings"]}
    assert ("deploy/production.env", line) in places


def test_a_taken_port_is_named(project: Project) -> None:
    """`serve` on a port in use ends with 4 and names the port."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = project.otpgate("serve", "--port-base", str(port))
    assert result.returncode == 4, result.stderr
    assert str(port) in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.fence
@pytest.mark.parametrize(("command", "expected"), [
    ("[python, -c, 'import sys; print(\"no database: OTP_DIGITS\"); sys.exit(3)']", "see: `OTP_DIGITS` is deployed at deploy/production.env:15"),
    ("[python, -c, 'import signal; print(\"still loading\", flush=True); signal.pause()']", "still loading"),
    ("[no-such-interpreter, serve]", "no-such-interpreter"),
])
def test_a_service_that_does_not_start_is_told_with_its_last_words(project: Project, command: str, expected: str) -> None:
    """Exit 4, with what was waited for and the service's last log lines."""
    project.replace("otpgate.yaml", "command: [python, -m, otp_service]", f"command: {command}\n    ready_within: 3s")
    result = project.otpgate("verify", "otpgate.yaml", "--scenario", "delivers")
    assert result.returncode == 4, result.stderr
    assert expected in result.stderr
    assert "Traceback" not in result.stderr.replace("Traceback (most recent call last)", "") or "otpgate" not in result.stderr


def test_reports_do_not_hold_secrets(project: Project) -> None:
    """No format shows a deployed secret, also when a secret is what is wrong."""
    project.replace("deploy/production.secrets.env", "5c1e7a90d24b83f6e0a917c5b2d8f346", "5c1e7a90d24b83f6e0a917c5b2d8f347")
    result = project.otpgate("check", "otpgate.yaml", "--format", "json", "-v")
    assert result.returncode == 1
    for secret in ("5c1e7a90d24b83f6e0a917c5b2d8f347", "kT4wPz9QmX2vLc7B", "Zr8uYh3KdN6sJf1GqW5eTb0MxC2vAo9L"):
        assert secret not in result.stdout + result.stderr


def test_the_environment_of_the_test_is_not_the_service_s(project: Project) -> None:
    """A name nothing deploys is undefined, even if only commented out, and found where it is referenced."""
    assert "VONAGE_SIGNATURE_SECRET" not in os.environ
    project.replace("deploy/production.secrets.env", "VONAGE_SIGNATURE_SECRET=", "#VONAGE_SIGNATURE_SECRET=")
    result = project.otpgate("check", "otpgate.yaml", "--format", "json")
    assert result.returncode == 1
    assert any("VONAGE_SIGNATURE_SECRET" in found["message"] for found in json.loads(result.stdout)["findings"])
