"""Hand pact files to a Pact Broker through the pact command line, tell it what was verified, ask whether to deploy.

Credentials go by environment, never on a command line. A broker that fails or hangs is an unusable environment.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from msgspec import Struct, field

from otpgate import __version__
from otpgate.contracts.files import PactFile
from otpgate.errors import EnvironmentUnusable, UsageError

PASSED_ON = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy")
SECRETS = ("PACT_BROKER_TOKEN", "PACT_BROKER_USERNAME", "PACT_BROKER_PASSWORD")
ANSWERS = ("computer says no", "there is no verified pact", "no pacts or verifications", "not been verified", "failed verification")


class Broker(Struct, frozen=True, kw_only=True):
    """Where pacts go and under which version of the service. `timeout` in seconds bounds each step."""

    url: str
    version: str
    branch: str | None = None
    timeout: float = 60.0
    environment: Mapping[str, str] = field(default_factory=dict)


class Said(Struct, frozen=True, kw_only=True):
    """What was done, line by line; `refused` where the broker advises against the deployment."""

    said: tuple[str, ...]
    refused: bool = False


def publish(pacts: Sequence[PactFile], broker: Broker) -> Said:
    """Hand every pact to the broker, under the version of its consumer."""
    reachable(broker)
    lines = []
    for pact in pacts:
        version = broker.version if pact.direction == "calls" else content_version(pact)
        arguments = ["broker", "publish", str(pact.path), "--consumer-app-version", version, "--retries", "1"]
        arguments += ["--branch", broker.branch] if broker.branch and pact.direction == "calls" else []
        run(arguments, broker, f"the broker did not take {pact.path.name}")
        lines.append(f"published: {pact.path.name} ({pact.consumer} {version} -> {pact.provider})")
    return Said(said=tuple(lines))


def may_deploy(pacts: Sequence[PactFile], broker: Broker, environment: str) -> Said:
    """Ask whether this version of the service may go to an environment."""
    lines: list[str] = []
    for consumer in sorted({pact.consumer for pact in pacts if pact.direction == "calls"}):
        arguments = ["broker", "can-i-deploy", "--pacticipant", consumer, "--version", broker.version, "--to-environment", environment]
        done = call(arguments, broker)
        if done.returncode:
            reachable(broker)
            if not any(word in done.stdout.lower() for word in ANSWERS):
                raise EnvironmentUnusable("the broker did not say whether to deploy", where=broker.url, why=last_lines(done.stdout))
            return Said(said=(*lines, f"{consumer} {broker.version} may not go to {environment}:", done.stdout.strip()), refused=True)
        lines.append(f"{consumer} {broker.version} may go to {environment}")
    return Said(said=tuple(lines))


def content_version(pact: PactFile) -> str:
    """The version of a provider as a consumer: it names none, so what it sends names itself."""
    return hashlib.sha256(json.dumps(pact.whole, sort_keys=True).encode()).hexdigest()[:12]


def tell_results(pact: PactFile, broker: Broker, success: bool) -> str:
    """Tell the broker that the provider's fake of this otpgate was held against a published pact; the provider's version."""
    provider_version = f"otpgate-{__version__}"
    version = broker.version if pact.direction == "calls" else content_version(pact)
    place = f"pacts/provider/{quote(pact.provider)}/consumer/{quote(pact.consumer)}/version/{quote(version)}"
    published = ask(broker, "GET", f"{broker.url.rstrip('/')}/{place}")
    link = (published.get("_links") or {}).get("pb:publish-verification-results") or {}
    if not link.get("href"):
        raise EnvironmentUnusable("the broker takes no verification results", where=broker.url, why="its pact has no such link")
    ask(broker, "POST", str(link["href"]), {
        "success": success, "providerApplicationVersion": provider_version, "verifiedBy": {"implementation": "otpgate", "version": __version__},
    })
    return provider_version


def reachable(broker: Broker) -> None:
    """EnvironmentUnusable unless the broker answers like one."""
    ask(broker, "GET", broker.url)


def ask(broker: Broker, method: str, url: str, body: object = None) -> dict[str, Any]:
    """One call of the broker's own API."""
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"{url!r} is no URL", where="--broker", do="write for example https://broker.example.com")
    headers = {"Accept": "application/hal+json"}
    environment = broker.environment
    user, token = environment.get("PACT_BROKER_USERNAME"), environment.get("PACT_BROKER_TOKEN")
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        answer = requests.request(
            method, url, headers=headers, json=body, timeout=broker.timeout,
            auth=(user, environment.get("PACT_BROKER_PASSWORD", "")) if user and not token else None,
        )
    except requests.Timeout:
        raise EnvironmentUnusable(
            f"the broker did not answer within {broker.timeout:g} s", where=url, why=f"waited for {method} {url}",
            do="see whether it is up, or allow more with --timeout",
        ) from None
    except requests.RequestException as error:
        raise EnvironmentUnusable("the broker cannot be reached", where=url, why=type(error).__name__, do="check --broker and the network") from None
    if answer.status_code >= 400:
        do = "set PACT_BROKER_TOKEN, or PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD" if answer.status_code in (401, 403) else "see its log"
        raise EnvironmentUnusable(f"the broker answered {answer.status_code}", where=url, why=hidden(answer.text[:300], broker), do=do)
    try:
        found = answer.json() if answer.content else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise EnvironmentUnusable("this is no Pact Broker", where=url, why="it answers something other than a JSON object", do="check --broker")
    return found


def run(arguments: list[str], broker: Broker, what: str) -> str:
    done = call(arguments, broker)
    if done.returncode:
        raise EnvironmentUnusable(what, where=broker.url, why=last_lines(done.stdout), do="see the broker's log")
    return done.stdout


def call(arguments: list[str], broker: Broker) -> subprocess.CompletedProcess[str]:
    """One call of the pact command line; output with secrets hidden."""
    environment = {name: broker.environment[name] for name in (*PASSED_ON, *SECRETS) if broker.environment.get(name)}
    environment |= {"PACT_DO_NOT_TRACK": "true", "PACT_BROKER_BASE_URL": broker.url}
    try:
        done = subprocess.run(
            [program(), *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=broker.timeout, check=False,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentUnusable(
            f"the broker did not answer within {broker.timeout:g} s", where=broker.url, why=f"waited for pact {' '.join(arguments[:2])}",
            do="see whether it is up, or allow more with --timeout",
        ) from None
    done.stdout = hidden(done.stdout, broker)
    return done


def program() -> str:
    """The pact command line of the extra: beside this Python, else on the path."""
    beside = Path(sys.executable).parent / "pact"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("pact")
    if found is None:
        raise EnvironmentUnusable("the pact command line is not installed", why="pacts are published through it", do="pip install 'otpgate[pact]'")
    return found


def hidden(text: str, broker: Broker) -> str:
    for name in SECRETS:
        secret = broker.environment.get(name)
        if secret:
            text = text.replace(secret, "[redacted]")
    return text


def last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-6:]) or "it said nothing"
