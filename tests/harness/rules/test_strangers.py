"""Configurations as strangers deploy them: other formats, presets, orchestrators. Healthy ones are silent, faulty ones are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otpgate.rules.walker import Walked

from .samples import judged

SID, TOKEN, POOL = "AC3d1f0a9c8b7e6d5c4b3a29180716f5e4", "6f1d0e3b9a7c45208d1e6f3a9b7c4d20", "MG9b7c4d20a51e8f3340c2d1e6f3a9b7c4"
VALUES = {
    "PUBLIC_URL": "https://login.acme-shop.com", "TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": "+12025550143",
    "OTP_TEMPLATE": "Your Acme code is {code}.",
}
MANIFEST = """service: {name: login, environment: [%s], public_url: "${PUBLIC_URL}"}
gateways:
  tw:
    provider: twilio
    account_sid: ${TWILIO_ACCOUNT_SID}
    auth_token: ${TWILIO_AUTH_TOKEN}
    sender: ${TWILIO_FROM}
    status_callback: ${PUBLIC_URL}/hooks/twilio
    validity_period: 5m
    timeout: 5s
    account: accounts/tw.yaml
routes: [{countries: [US, CA], gateways: [tw], share: 1}]
otp: {digits: 6, lifetime: 5m, template: "${OTP_TEMPLATE}", max_attempts: 5, resend_after: 30s, resend_limit: 3}
"""
ACCOUNT = f"""provider: twilio
account: {{id: {SID}, kind: full, status: active, region: us1}}
senders: [{{number: "+12025550143", kind: long_code, sms: true, registration: {{scheme: 10dlc, status: approved}}}}]
destinations: {{enabled: [US, CA]}}
"""
GOTRUE = {
    "GOTRUE_EXTERNAL_PHONE_ENABLED": "true", "GOTRUE_SMS_PROVIDER": "twilio", "GOTRUE_SMS_TWILIO_ACCOUNT_SID": SID,
    "GOTRUE_SMS_TWILIO_AUTH_TOKEN": TOKEN, "GOTRUE_SMS_TWILIO_MESSAGE_SERVICE_SID": POOL, "GOTRUE_SMS_OTP_EXP": "300",
    "GOTRUE_SMS_OTP_LENGTH": "6",
}
KRATOS = {
    "COURIER_SMS_ENABLED": "true", "COURIER_SMS_REQUEST_CONFIG_URL": f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json",
    "COURIER_SMS_REQUEST_CONFIG_AUTH_CONFIG_USER": SID, "COURIER_SMS_REQUEST_CONFIG_AUTH_CONFIG_PASSWORD": TOKEN,
    "COURIER_SMS_REQUEST_CONFIG_METHOD": "POST", "COURIER_SMS_FROM": "+12025550143",
}


def dotenv(values: dict[str, str], **changed: str) -> str:
    return "".join(f"{name}='{value}'\n" for name, value in {**values, **changed}.items())


def with_file(named: str, text: str, **more: str) -> dict[str, str]:
    """The deployment whose environment is one file, or `file#part`."""
    return {"otpgate.yaml": MANIFEST % named, "accounts/tw.yaml": ACCOUNT, named.strip('"').partition("#")[0]: text, **more}


def preset(name: str, values: dict[str, str], country: str = "US", gateway: str = "twilio") -> dict[str, str]:
    manifest = f"service: {{preset: {name}, environment: [.env]}}\nroutes: [{{countries: [{country}], gateways: [{gateway}], share: 1}}]\n"
    return {"otpgate.yaml": manifest, ".env": dotenv(values)}


def kubernetes(env: str, *more: str, settings: dict[str, str] = VALUES) -> dict[str, str]:
    """A Deployment that takes a ConfigMap, and `env` on top."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "login"}, "data": settings}
    deployment = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: login}\nspec:\n  template:\n    spec:\n      containers:\n"
        "        - name: app\n          envFrom: [{configMapRef: {name: login}}]\n          env:\n            - " + env + "\n"
    )
    return with_file('"k8s.yaml#Deployment/login"', "---\n".join([deployment, json.dumps(config) + "\n", *more]))


def compose(environment: str) -> dict[str, str]:
    return with_file('"compose.yaml#login"', f"services:\n  login:\n    env_file: [prod.env]\n    environment:\n      {environment}\n",
                     **{"prod.env": dotenv(VALUES)})


def helm(**changed: str) -> dict[str, str]:
    values = {**{name: json.dumps(value) for name, value in VALUES.items()}, **changed}
    return with_file("values.yaml", "replicaCount: 1\nimage: {tag: a}\nenv:\n" + "".join(f"  {name}: {text}\n" for name, text in values.items()))


TOKEN_KEY = "{name: TWILIO_AUTH_TOKEN, valueFrom: {secretKeyRef: {name: twilio, key: token}}}"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: twilio}}\nstringData: {{token: {TOKEN}}}\n"
HEALTHY = {
    "dotenv": with_file("prod.env", dotenv(VALUES)),
    "systemd": with_file("{file: prod.env, loader: systemd}", "") | {"prod.env": dotenv(VALUES)},
    "shell": with_file("{file: prod.env, loader: shell}", "") | {"prod.env": "#!/bin/sh\n" + dotenv(VALUES).replace("\n", "\n\n")},
    "json": with_file("prod.json", json.dumps(VALUES)),
    "toml": with_file("prod.toml", "".join(f"{name} = {json.dumps(value)}\n" for name, value in VALUES.items())),
    "compose": compose("NODE_ENV: production"),
    "helm": helm(),
    "kubernetes": kubernetes(TOKEN_KEY, SECRET),
    "brand in brackets": with_file("prod.env", dotenv(VALUES, OTP_TEMPLATE="[Acme] Your code is {code}.")),
    "gotrue": preset("gotrue", GOTRUE),
    "kratos": preset("kratos", KRATOS),
    "appwrite": preset("appwrite", {"_APP_SMS_PROVIDER": f"sms://{SID}:{TOKEN}@twilio", "_APP_SMS_FROM": "+12025550143"}),
}
FAULTY = [
    ("CR018", "values.yaml", "TWILIO_FROM", helm(TWILIO_FROM="+12025550143")),
    ("CR018", "compose.yaml", "TWILIO_FROM", compose("TWILIO_FROM: +12025550143")),
    ("CR018", "k8s.yaml", "TWILIO_FROM", kubernetes("{name: TWILIO_FROM, value: 12025550143}")),
    ("CR018", "k8s.yaml", "twillio", kubernetes(TOKEN_KEY.replace("name: twilio", "name: twillio"), SECRET)),
    ("CR018", "k8s.yaml", "auth", kubernetes(TOKEN_KEY.replace("key: token", "key: auth"), SECRET)),
    ("CR018", "k8s.yaml", "token", kubernetes(TOKEN_KEY, SECRET.replace("stringData", "data").replace(TOKEN, '"plain text!"'))),
    ("CR002", "compose.yaml", "TWILIO_AUTH_TOKEN", compose("TWILIO_AUTH_TOKEN: ${ABSENT:-changeme}")),
    ("FL003", "compose.yaml", "TWILIO_AUTH_TOKEN", compose('TWILIO_AUTH_TOKEN: ""')),
    ("CR002", "prod.toml", "TOKEN", with_file("prod.toml", f'TWILIO_AUTH_TOKEN = "env(X)"\nTWILIO_ACCOUNT_SID = "{SID}"\n')),
    ("CR004", "prod.env", "TWILIO_FROM", with_file("{file: prod.env, loader: docker}", "") | {"prod.env": 'TWILIO_FROM="+12025550143"\n'}),
    ("CR018", "prod.env", "export", with_file("{file: prod.env, loader: docker}", "") | {
        "prod.env": "".join(f"export {name}={value}\n" for name, value in VALUES.items())}),
    ("TP020", ".env", "CONTENT_TYPE", preset("kratos", {**KRATOS, "COURIER_SMS_REQUEST_CONFIG_HEADERS_CONTENT_TYPE": "application/json"})),
    ("TP020", ".env", "METHOD", preset("kratos", {**KRATOS, "COURIER_SMS_REQUEST_CONFIG_METHOD": "GET"})),
    ("EP011", ".env", "Message.json", preset("kratos", {
        **KRATOS, "COURIER_SMS_REQUEST_CONFIG_URL": KRATOS["COURIER_SMS_REQUEST_CONFIG_URL"].replace("Messages", "Message")})),
    ("VR001", ".env", "GOTRUE_SMS_PROVIDER", preset("gotrue", {**GOTRUE, "GOTRUE_SMS_PROVIDER": "twilio-verify"})),
    ("EV009", ".env", "PHONE_ENABLED", preset("gotrue", {**GOTRUE, "GOTRUE_EXTERNAL_PHONE_ENABLED": "false"})),
    ("TP001", ".env", "TEMPLATE", preset("gotrue", {**GOTRUE, "GOTRUE_SMS_TEMPLATE": "Your code is {{ .Token }}"})),
    ("CR005", ".env", "MESSAGE_SERVICE", preset("gotrue", {**GOTRUE, "GOTRUE_SMS_TWILIO_MESSAGE_SERVICE_SID": POOL[:-2]})),
    ("CR006", ".env", "_APP_SMS_PROVIDER", preset("appwrite", {"_APP_SMS_PROVIDER": "sms://[SID]:[TOKEN]@twilio", "_APP_SMS_FROM": "ACME"})),
    ("EV010", ".env.example", "", with_file(".env.example", dotenv(VALUES))),
    ("VR006", "prod.env", "DIGITS", with_file("prod.env", dotenv(VALUES, DIGITS="")) | {
        "otpgate.yaml": MANIFEST.replace("digits: 6", 'digits: "${DIGITS}"') % "prod.env"}),
    ("OP002", "prod.env", "DIGITS", with_file("prod.env", dotenv(VALUES, DIGITS="1000000000")) | {
        "otpgate.yaml": MANIFEST.replace("digits: 6", 'digits: "${DIGITS}"') % "prod.env"}),
    ("OP001", "prod.env", "LIFE", with_file("prod.env", dotenv(VALUES, LIFE="0")) | {
        "otpgate.yaml": MANIFEST.replace("lifetime: 5m", 'lifetime: "${LIFE}"') % "prod.env"}),
]


def verdict(files: dict[str, str], folder: Path) -> Walked:
    for name, text in files.items():
        if name.startswith("{"):
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return judged(folder / "otpgate.yaml")


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_deployment_is_silent(name: str, tmp_path: Path) -> None:
    """Whatever the format, a healthy deployment has neither errors nor warnings."""
    loud = [(f.rule, str(f.location), f.message) for f in verdict(HEALTHY[name], tmp_path).findings if f.severity != "note"]
    assert not loud


@pytest.mark.parametrize(("rule", "file", "line", "files"), FAULTY, ids=[f"{rule}-{file}" for rule, file, *_ in FAULTY])
def test_faulty_deployment_is_found_where_it_is_deployed(rule: str, file: str, line: str, files: dict[str, str], tmp_path: Path) -> None:
    """A fault of a deployed value is a finding at its line, never a fault of the manifest."""
    found = verdict(files, tmp_path).findings
    places = [(f.rule, f.location.file, (tmp_path / f.location.file).read_text("utf-8").splitlines()[f.location.line - 1]) for f in found]
    assert any(seen == rule and where == file and line in text for seen, where, text in places), places


def depending(name: str, text: str) -> dict[str, str]:
    """The healthy deployment, with one file of dependencies."""
    files = with_file("prod.env", dotenv(VALUES))
    return {**files, "otpgate.yaml": files["otpgate.yaml"].replace("{name: login,", f"{{name: login, dependencies: [{name}],"), name: text}


@pytest.mark.parametrize(("name", "text"), [
    ("pyproject.toml", '[project]\ndependencies=["django", "twilio>=10"]\n'), ("Pipfile", '[packages]\ntwilio = "*"\n'),
    ("pyproject.toml", '[tool.poetry.dependencies]\ntwilio = "^10"\n'), ("requirements.txt", "requests==2.32.3\n"),
])
def test_a_service_with_its_sdk_or_a_plain_client_is_silent(name: str, text: str, tmp_path: Path) -> None:
    """The SDK may be listed in any form; with a plain HTTP client there may be none."""
    assert not [f for f in verdict(depending(name, text), tmp_path).findings if f.rule == "VR003" and f.severity != "note"]


@pytest.mark.parametrize(("name", "text"), [
    ("pyproject.toml", '[project]\ndependencies=["django"]\n[project.optional-dependencies]\ndev=["twilio"]\n'),
    ("Pipfile", '[packages]\ndjango = "*"\n[dev-packages]\ntwilio = "*"\n'),
    ("pyproject.toml", '[tool.poetry.dependencies]\ndjango = "*"\n[tool.poetry.group.dev.dependencies]\ntwilio = "*"\n'),
])
def test_an_sdk_for_development_alone_is_missing(name: str, text: str, tmp_path: Path) -> None:
    """What only developers install is not in the image."""
    assert any(f.rule == "VR003" and f.severity != "note" for f in verdict(depending(name, text), tmp_path).findings)
