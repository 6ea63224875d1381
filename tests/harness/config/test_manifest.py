"""The manifest as values: every section, typing of deployed texts, and the common case's speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from otpgate.config import manifest
from otpgate.config.model import Manifest
from otpgate.errors import ManifestError, UsageError

Load = Callable[..., Manifest]

WHOLE = """service:
  name: otp-service
  start:
    command: [python, -m, otp_service]
    directory: app
    ready: /healthz
    ready_within: 5s
    environment: {PORT: "{port}", DATA_DIR: "{workdir}"}
  environment:
    - deploy/a.env
    - {file: deploy/b.env, loader: docker}
  needs: [{image: "redis:7", alias: redis, port: 6379, environment: {A: b}}]
  allow: [errors.example.com]
  dependencies: [requirements.txt]
  public_url: ${PUBLIC_URL}
  edge: {forwarded: [X-Forwarded-Proto], strip_prefix: /otp}
  api:
    request_code:
      steps:
        - {path: /login, capture: {csrf: {regex: 'name="csrf" value="([^"]+)"'}, sid: {cookie: sid}}}
        - {path: /otp, form: {phone: "{phone}", csrf: "{csrf}"}, headers: {X-Key: "${KEY}"}}
      accepted: [202, 303]
      within: 2s
    verify_code: {method: PUT, path: /otp/verify, json: {phone: "{phone}", code: "{code}", n: [1]}, accepted: 200, refused: [401, 429]}
gateways:
  primary:
    provider: twilio
    account_sid: ${SID}
    auth_token: ${TOKEN}
    sender: ${FROM}
    status_callback: ${PUBLIC_URL}/webhooks/twilio
    validity_period: 5m
    timeout: 250ms
    attempts: 2
    retry_on: [429, timeout]
    verify_tls: ${VERIFY}
    receipts: true
    account: accounts/twilio.yaml
  fallback:
    provider: ${PROVIDER}
    api_key: ${KEY}
    sender: {US: "+12025550187", NO: ACME, "*": ACME}
    template_id: {en: one, pt-BR: two}
    number_form: e164_without_plus
routes:
  - {countries: [US, NO], gateways: [primary, fallback], share: 85%}
  - {countries: [GB], gateways: [fallback], share: 0.15}
failover: {when: [error, timeout], receipt_timeout: 8s}
otp:
  digits: ${DIGITS}
  lifetime: 5m
  template: {en: "{code} is your code", de: "${TEMPLATE}"}
  static_codes: ${CODES}
  mock: {value: "${MOCK}", true_when: [console, "on"]}
  autofill: {domain: example.com, android_hash: FA+9qCX9VSu}
  lifetime_probe: {OTP_LIFETIME: "2"}
objectives: {delivered_within: 10s, success_rate: 0.99, peak: 300/m}
profile: staging
ignore: [{rule: SN002, gateway: primary, reason: due in May, until: 2027-05-01}, "EN the old template"]
test_numbers: {GB: ["+447700900001"]}
options: {fail-on: warning}
"""
FILES = {
    "requirements.txt": "twilio==9.0.0\n",
    "deploy/a.env": "PUBLIC_URL=https://otp.example.com\nSID=AC00\nTOKEN=t\nFROM=+12025550143\nVERIFY=yes\nPROVIDER=Nexmo\nKEY=k\nDIGITS=6\n"
    "TEMPLATE='{code} ist Ihr Code'\nCODES=\nMOCK=twilio\n",
    "deploy/b.env": "RAW='kept'\n",
    "accounts/twilio.yaml": 'provider: twilio\naccount: {id: AC00, kind: full}\ncredentials: [{id: AC00, secret: "${TOKEN}"}]\n'
    'senders:\n  - {number: "+12025550143", kind: long_code, sms: true}\n',
}


@pytest.fixture
def whole(load: Load) -> Manifest:
    return load(WHOLE, FILES)


def test_the_service_is_read_whole(whole: Manifest) -> None:
    """How it starts, what stands around it, what it may reach."""
    assert whole.start is not None
    assert whole.start.command == ("python", "-m", "otp_service")
    assert (whole.start.directory, whole.start.ready, whole.start.ready_within) == ("app", "/healthz", 5.0)
    assert whole.start.environment == {"PORT": "{port}", "DATA_DIR": "{workdir}"}
    assert (whole.needs[0].alias, whole.needs[0].port, whole.needs[0].environment) == ("redis", 6379, {"A": "b"})
    assert (whole.name, whole.allow, whole.dependencies) == ("otp-service", ("errors.example.com",), ("requirements.txt",))
    assert (whole.edge_forwarded, whole.edge_strip_prefix) == (("X-Forwarded-Proto",), "/otp")
    assert whole.public_url is not None
    assert whole.public_url.value == "https://otp.example.com"
    assert whole.environment["RAW"].value == "'kept'"
    assert whole.environment_files == ("deploy/a.env", "deploy/b.env")


def test_the_api_is_read_as_steps(whole: Manifest) -> None:
    """One call is one step; what a call with steps accepts holds for its last step."""
    assert whole.api is not None
    first, second = whole.api.request_code
    assert (first.method, first.path, first.accepted) == ("GET", "/login", ())
    assert first.capture == {"csrf": {"regex": 'name="csrf" value="([^"]+)"'}, "sid": {"cookie": "sid"}}
    assert (second.method, second.form, second.accepted, second.within) == ("POST", {"phone": "{phone}", "csrf": "{csrf}"}, (202, 303), 2.0)
    assert second.headers == {"X-Key": "k"}
    (verify,) = whole.api.verify_code
    assert (verify.method, verify.json, verify.accepted) == ("PUT", {"phone": "{phone}", "code": "{code}", "n": [1]}, (200,))
    assert verify.refused == (401, 429)


def test_gateways_hold_typed_settings(whole: Manifest) -> None:
    """Durations are seconds, words are booleans, composed texts are composed, providers are ids."""
    primary, fallback = whole.gateways["primary"], whole.gateways["fallback"]
    assert primary.value("validity_period") == 300.0
    assert primary.value("timeout") == 0.25
    assert (primary.value("attempts"), primary.value("retry_on"), primary.value("verify_tls")) == (2, ["429", "timeout"], True)
    assert primary.text("status_callback") == "https://otp.example.com/webhooks/twilio"
    assert (fallback.provider, fallback.product) == ("vonage", "sms")
    assert primary.settings["account_sid"].span.line == 2


def test_maps_by_country_or_locale_have_items(whole: Manifest) -> None:
    """`NO` is Norway, also as a key; each item has its own place."""
    fallback = whole.gateways["fallback"]
    assert fallback.value("sender") == {"US": "+12025550187", "NO": "ACME", "*": "ACME"}
    assert fallback.senders("NO")["NO"].path == "gateways.fallback.sender.NO"
    assert fallback.senders("FR")["FR"].text == "ACME"
    assert str(whole.otp["template"].items["de"].span) == "deploy/a.env:9:10"


def test_account_files_are_attached(whole: Manifest) -> None:
    """State, file and places; `${NAME}` in a secret is looked up."""
    primary = whole.gateways["primary"]
    assert primary.account is not None
    assert primary.account_file == "accounts/twilio.yaml"
    assert primary.account.credentials is not None
    assert primary.account.credentials[0].secret == "t"
    assert str(primary.account_spans["senders[0].number"]) == "accounts/twilio.yaml:5:14"


def test_routes_policies_and_objectives_are_read(whole: Manifest) -> None:
    """Shares as numbers or percent, causes, lifetimes, rates."""
    assert [(route.countries, route.gateways, route.share) for route in whole.routes] == [
        (("US", "NO"), ("primary", "fallback"), 0.85), (("GB",), ("fallback",), 0.15),
    ]
    assert whole.failover is not None
    assert (whole.failover.when, whole.failover.receipt_timeout) == (("error", "timeout"), 8.0)
    assert (whole.otp["digits"].value, whole.otp["lifetime"].value, whole.otp["mock"].value) == (6, 300.0, False)
    assert not whole.otp["static_codes"].present
    assert whole.otp["lifetime_probe"].value == {"OTP_LIFETIME": "2"}
    assert (whole.objectives["peak"].value, whole.objectives["success_rate"].value) == (5.0, 0.99)
    assert (whole.profile, whole.test_numbers, whole.options) == ("staging", {"GB": ("+447700900001",)}, {"fail_on": "warning"})
    assert [entry["rule"] for entry in whole.ignore] == ["SN002", "EN"]
    assert whole.problems == ()


TYPING = [
    ("otp", "digits", "6", 6), ("otp", "lifetime", "300", 300.0), ("otp", "lifetime", "5m", 300.0), ("otp", "lifetime", "1.5h", 5400.0),
    ("otp", "lifetime", "250ms", 0.25), ("otp", "lifetime", "1d", 86400.0), ("otp", "mock", "TRUE", True), ("otp", "mock", "0", False), ("otp", "mock", "console", "console"),
    ("otp", "static_codes", "123456, 000000", ["123456", "000000"]), ("otp", "static_codes", '["007", 12]', ["007", "12"]),
    ("otp", "static_codes", '{"codes": ["1234"], "numbers": ["+12025550143"]}', {"codes": ["1234"], "numbers": ["+12025550143"]}),
    ("otp", "static_codes", "12025550143:123456", {"codes": ["123456"], "numbers": ["12025550143"]}), ("otp", "static_codes", "", None),
    ("otp", "template", '{"en": "{code}", "de": "{code}!"}', {"en": "{code}", "de": "{code}!"}), ("otp", "template", "{code} is it", "{code} is it"),
    ("otp", "template", "{{ .Code }} is it", "{{ .Code }} is it"), ("objectives", "peak", "5/s", 5.0), ("objectives", "peak", "7200/h", 2.0), ("objectives", "peak", "3", 3.0),
    ("objectives", "success_rate", "99%", 0.99), ("otp", "issued_by", "Provider", "provider"), ("otp", "template", "cost $5 ${x} {code}", "cost $5 ${x} {code}"),
]


@pytest.mark.parametrize(("section", "key", "text", "value"), TYPING)
def test_a_lone_reference_takes_the_type_its_key_wants(load: Load, section: str, key: str, text: str, value: object) -> None:
    """Boolean words, numbers, durations, rates, comma lists, JSON; text stays text and is not expanded again."""
    found = load(f"{section}:\n  {key}: ${{X}}\n", {}, {"X": text})
    setting = getattr(found, section)[key]
    assert setting.value == value
    assert type(setting.value) is type(value)
    assert setting.problem is None


@pytest.mark.parametrize(
    ("section", "key", "text", "problem"),
    [
        ("otp", "digits", "six", 'not a whole number: "six"'), ("otp", "lifetime", "5 minutes", "not a duration"), ("objectives", "peak", "fast", "not a rate"),
        ("objectives", "success_rate", "99", "not between 0 and 1"), ("otp", "issued_by", "us", "none of service, provider"),
        ("otp", "static_codes", "[1,", "not readable as JSON"), ("failover", "receipt_timeout", "soon", "not a duration"), ("failover", "when", "never", "none of error"),
    ],
)
def test_a_deployed_text_that_does_not_fit_is_a_problem_not_a_usage_error(load: Load, section: str, key: str, text: str, problem: str) -> None:
    """It is judged where it is deployed; the same text written in the manifest is a usage error."""
    found = load(f"service: {{environment: [a.env]}}\n{section}:\n  {key}: ${{X}}\n", {"a.env": f"Y=1\nX={text}\n"})
    (setting,) = found.problems
    assert problem in (setting.problem or "")
    assert (setting.value, setting.text, str(setting.span)) == (None, text, "a.env:2:3")
    with pytest.raises(ManifestError) as caught:
        load(f"{section}:\n  {key}: \"{text}\"\n")
    assert str(caught.value.where).startswith("otpgate.yaml:2:")


def test_an_unknown_deployed_provider_is_a_finding(load: Load) -> None:
    """The gateway is kept, without a provider, and any provider's settings may stand in it."""
    text = "service: {environment: [a.env]}\ngateways:\n  one: {provider: '${P}', account_sid: x, api_key: y}\n"
    found = load(text, {"a.env": "P=carrier-pigeon"})
    assert found.gateways["one"].provider == ""
    assert [(str(one.span), one.problem) for one in found.problems] == [("a.env:1:3", 'no known provider: "carrier-pigeon"')]
    assert load(text, {"a.env": "P=twilio"}).problems == ()


@pytest.mark.parametrize(("text", "value"), [("mock", True), ("Test", True), ("real", False), ("", False)])
def test_a_translation_says_which_words_mean_true(load: Load, text: str, value: bool) -> None:
    """`{value: ${NAME}, true_when: [mock, test]}`, written without quotes as people write it."""
    found = load("service: {environment: [a.env]}\notp:\n  mock: {value: ${X}, true_when: [mock, test]}\n", {"a.env": f"X={text}"})
    assert found.otp["mock"].value is value


def test_loading_the_common_case_is_quick(load: Load, tmp_path: Path) -> None:
    """Manifest, two environment files and an account file: the fastest of ten loads counts."""
    load(WHOLE, FILES)
    times = []
    for _ in range(10):
        started = time.process_time()
        manifest.load(tmp_path / "otpgate.yaml", {})
        times.append(time.process_time() - started)
    assert min(times) < 0.015


@pytest.mark.parametrize("start", ["", "sub", "sub/deeper"])
def test_the_nearest_manifest_is_found(project: Callable[..., Path], start: str) -> None:
    """From any folder below, up to the repository root."""
    folder = project({"otpgate.yaml": "gateways: {}\n", "sub/deeper/x": "", ".git/HEAD": ""})
    assert manifest.find(folder / start) == folder / "otpgate.yaml"


def test_a_nearer_pyproject_wins(project: Callable[..., Path]) -> None:
    """[tool.otpgate] counts; a pyproject.toml without it does not."""
    folder = project({
        "otpgate.yaml": "gateways: {}\n", "a/pyproject.toml": "[tool.otpgate.service]\nname = 'x'\n", "b/pyproject.toml": "[tool.ruff]\n",
    })
    assert manifest.find(folder / "a") == folder / "a" / "pyproject.toml"
    assert manifest.load(folder / "a" / "pyproject.toml", {}).name == "x"
    assert manifest.find(folder / "b") == folder / "otpgate.yaml"


def test_the_search_stops_at_the_repository_root(project: Callable[..., Path]) -> None:
    """A manifest of another repository is not ours."""
    folder = project({"otpgate.yaml": "gateways: {}\n", "repo/.git/HEAD": "", "repo/sub/x": ""})
    with pytest.raises(UsageError) as caught:
        manifest.find(folder / "repo" / "sub")
    assert caught.value.exit_code == 2
    assert "otpgate init" in caught.value.do
    assert manifest.find(folder) == folder / "otpgate.yaml"


def test_a_manifest_may_be_toml_or_json(project: Callable[..., Path]) -> None:
    """The same keys, the same places."""
    folder = project({"m.toml": "[gateways.one]\nprovider = 'twilio'\nsender = 'ACME'\n", "m.json": '{"gateways": {"one": {"provider": "twilio"}}}'})
    assert str(manifest.load(folder / "m.toml", {}).gateways["one"].settings["sender"].span) == "m.toml:3:10"
    assert manifest.load(folder / "m.json", {}).gateways["one"].provider == "twilio"


def test_settings_are_kept_in_the_order_of_the_file(whole: Manifest) -> None:
    """What is printed and judged follows the manifest."""
    paths = [setting.path for setting in whole.settings_in_order if setting.path.startswith("gateways.primary.")]
    assert paths[:4] == [f"gateways.primary.{name}" for name in ("provider", "account_sid", "auth_token", "sender")]
