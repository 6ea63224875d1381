"""The folder that the how-to page shows, written out, and a manifest that uses it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs/how-to/http.md"
MANIFEST = """service:
  name: acme-otp
  start: {command: [acme]}
  environment: [production.env]
  public_url: https://otp.example.com
gateways:
  bulk:
    provider: ./gateways/acme
    client: ${ACME_CLIENT}
    secret: ${ACME_SECRET}
    sender: "+12025550143"
    status_callback: https://otp.example.com/receipts/acme
routes: [{countries: [US], gateways: [bulk], share: 1.0}]
otp: {digits: 6, lifetime: 5m, template: "{code} is your Acme code.", max_attempts: 5, resend_after: 30s, resend_limit: 3}
"""
DEPLOYED = "ACME_CLIENT=4711\nACME_SECRET=kT4wPz9QmX2vLc7B\n"


def shown() -> dict[str, str]:
    """The files on the page, by name."""
    return dict(re.findall(r"```\w+ file=(\S+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))


def project(folder: Path, **changed: str) -> Path:
    """The manifest of a folder in which the gateway's files stand; `changed` replaces one, an empty text removes it."""
    files = {name.rpartition("/")[2]: (name, text) for name, text in shown().items()}
    for name, (path, text) in files.items():
        text = changed.get(name.replace(".", "_"), text)
        if text:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, "utf-8")
    (folder / "production.env").write_text(DEPLOYED)
    manifest = folder / "otpgate.yaml"
    manifest.write_text(changed.get("manifest", MANIFEST))
    return manifest
