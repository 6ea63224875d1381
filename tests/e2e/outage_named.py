"""Say whether the gate names the outage: one root finding, at the setting that differs, with users and fix.

Run as `python tests/e2e/outage_named.py examples/otp_service/outage.yaml`; exits 0 if and only if the gate is red there and
names that setting, also with the static rules ignored.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def differing_line(folder: Path) -> tuple[str, int]:
    """The only line in which deploy/outage.env departs from deploy/production.env, comments aside."""
    outage = (folder / "deploy/outage.env").read_text().splitlines()
    production = (folder / "deploy/production.env").read_text().splitlines()
    (line,) = [
        number for number, (bad, good) in enumerate(zip(outage, production, strict=True), 1)
        if bad != good and not bad.startswith("#")
    ]
    return "deploy/outage.env", line


def gate(manifest: str, *options: str) -> tuple[int, dict]:
    result = subprocess.run(
        ["otpgate", "verify", manifest, "--format", "json", *options], capture_output=True, text=True, check=False
    )
    if result.returncode not in (0, 1):
        sys.exit(f"the gate ended with {result.returncode}:\n{result.stderr}")
    return result.returncode, json.loads(result.stdout)


def faults(code: int, report: dict, expected: tuple[str, int]) -> list[str]:
    """What is wrong with the gate's answer; empty when the outage is named."""
    errors = [finding for finding in report["findings"] if finding["severity"] == "error"]
    wrong = [] if code == 1 else [f"exit code {code}, not 1"]
    if len(errors) != 1:
        return [*wrong, f"{len(errors)} error findings, not one: {[finding['rule'] for finding in errors]}"]
    (finding,) = errors
    place = (finding["location"]["file"], finding["location"]["line"])
    checks = {
        f"points at {place}, not {expected}": place == expected,
        f"countries {finding['countries']}": set(finding["countries"]) == {"GB", "DE"},
        f"impact {finding['impact']}": finding["impact"] == 0.15,
        "no fix": bool(finding["fix"]),
    }
    return wrong + [text for text, fine in checks.items() if not fine]


def main(manifest: str) -> int:
    expected = differing_line(Path(manifest).parent)
    wrong = faults(*gate(manifest), expected)
    wrong += [f"static rules ignored: {text}" for text in faults(*gate(manifest, "--ignore", "SN,RC,DP,CR"), expected)]
    for text in wrong:
        print(f"the outage is not named: {text}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
