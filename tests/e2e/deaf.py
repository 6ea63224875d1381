"""Small services over SDKs that ignore proxy variables, each in a folder of its own: what both fenced engines are tried with."""

from __future__ import annotations

import shutil
from pathlib import Path

from e2e.small import SERVICES, Small

NODE = {
    "messagebird": (
        "{provider: messagebird, access_key: '${MESSAGEBIRD_KEY}', sender: '${SMS_FROM}', receipts: false, account: account.yaml}",
        {"MESSAGEBIRD_KEY": "live_aB3dE5fG7hJ9kL1mN3pQ5rS7t"},
        "provider: messagebird\nsenders: [{alphanumeric: ACME}]\ndestinations: {enabled: [GB]}\n",
    ),
    "vonage": (
        "{provider: vonage, api_key: '${VONAGE_API_KEY}', api_secret: '${VONAGE_API_SECRET}', sender: '${SMS_FROM}', receipts: false,"
        " number_form: e164_without_plus, account: account.yaml}",
        {"VONAGE_API_KEY": "b7e4c21d", "VONAGE_API_SECRET": "kT4wPz9QmX2vLc7B"},
        "provider: vonage\naccount: {id: b7e4c21d}\nsenders: [{alphanumeric: ACME, countries: [GB]}]\ndestinations: {enabled: [GB]}\n",
    ),
}
"""What a service over each Node SDK sends through: its gateway, its variables, its account."""


def over_plivo(folder: Path) -> Small:
    """The service over Plivo's Python SDK."""
    shutil.copy(SERVICES / "otp.py", folder / "otp.py")
    return Small(folder, source=SERVICES / "deaf")


def over_node(folder: Path, sdk: str, packages: Path) -> Small:
    """The service over a Node SDK, which lies in node_modules of `packages`."""
    gateway, variables, account = NODE[sdk]
    made = over_plivo(folder)
    shutil.copy(SERVICES / "deaf/node/service.cjs", folder / "service.cjs")
    (folder / "account.yaml").write_text(account)
    manifest = folder / "manifest.yaml"
    head, _, rest = manifest.read_text().partition("gateways:\n")
    tail = rest.partition("routes:\n")[2].replace("US", "GB")
    head = head.replace("[python, deaf.py]", "[node, service.cjs]")
    manifest.write_text(f"{head}gateways:\n  primary: {gateway}\nroutes:\n{tail}")
    made.set(SDK=sdk, SMS_FROM="ACME", NODE_PATH=str(packages / "node_modules"), **variables)
    return made
