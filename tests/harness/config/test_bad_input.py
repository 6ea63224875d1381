"""Faults of the manifest itself: each refused with exit 2, its place, why, and what to do; each with a healthy twin."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from otpgate.config.model import Manifest
from otpgate.errors import ManifestError

Refuse = Callable[..., ManifestError]
GATEWAY = "gateways:\n  one: {provider: twilio, sender: ACME}\n"

# manifest, place, part of the message, part of the advice
FAULTS = [
    pytest.param("gatewys: {}\n", "1:1", "unknown key `gatewys` at the top", "`gateways`", id="top-level key"),
    pytest.param("service: {nmae: x}\n", "1:11", "unknown key `nmae` in `service`", "`name`", id="service key"),
    pytest.param("service:\n  start: {comand: [x]}\n", "2:11", "unknown key `comand`", "`command`", id="start key"),
    pytest.param("service:\n  dependencies: [requirments.txt]\n", "2:18", "cannot read requirments.txt", "exists", id="file of dependencies"),
    pytest.param("service:\n  edge: {strip-prefix: /x}\n", "2:10", "unknown key", "`strip_prefix`", id="edge key"),
    pytest.param("service:\n  api:\n    request_code: {path: /x, metod: GET}\n    verify_code: {path: /y}\n", "3:30", "unknown key `metod`", "`method`", id="step key"),
    pytest.param("gateways:\n  one: {provider: twilio, acount_sid: x}\n", "2:27", "unknown key `acount_sid`", "`account_sid`", id="provider key"),
    pytest.param("gateways:\n  one: {provider: twilio, TWILIO_ACCOUNT_SID: x}\n", "2:27", "unknown key", "`account_sid`", id="environment name as key"),
    pytest.param("gateways:\n  one: {provider: twilio, signature_secret: x}\n", "2:27", "unknown key", "", id="another provider's key"),
    pytest.param("gateways:\n  one: {provider: twilio, timout: 1s}\n", "2:27", "unknown key", "`timeout`", id="common key"),
    pytest.param("otp: {lenght: 6, lifetim: 5m}\n", "1:7", "unknown key `lenght` in `otp`", "", id="otp key"),
    pytest.param("otp: {lifetim: 5m}\n", "1:7", "unknown key", "`lifetime`", id="otp key near"),
    pytest.param("otp:\n  autofill: {domian: x}\n", "2:14", "unknown key", "`domain`", id="autofill key"),
    pytest.param("otp:\n  mock: {value: x, true_wen: [y]}\n", "2:20", "unknown key", "`true_when`", id="translation key"),
    pytest.param("otp:\n  mock: {value: x}\n", "2:9", "`true_when` is missing", "true_when", id="half a translation"),
    pytest.param("otp:\n  static_codes: {codez: [1]}\n", "2:18", "unknown key", "`codes`", id="codes key"),
    pytest.param("objectives: {delivered_in: 5s}\n", "1:14", "unknown key", "`delivered_within`", id="objectives key"),
    pytest.param(GATEWAY + "routes: [{country: [GB], gateways: [one]}]\n", "3:11", "unknown key `country`", "`countries`", id="route key"),
    pytest.param("failover: {on: [error]}\n", "1:12", "unknown key `on`", "", id="failover key"),
    pytest.param("ignore: [{rules: SN001, reason: x}]\n", "1:11", "unknown key `rules`", "`rule`", id="ignore key"),
    pytest.param("ignore: [{rule: SN001}]\n", "1:10", "no reason", "reason", id="ignore without a reason"),
    pytest.param("ignore: [SN001]\n", "1:10", "no reason", "reason", id="short ignore without a reason"),
    pytest.param("ignore: [{rule: SN001, reason: x, until: May}]\n", "1:10", "no day", "YYYY-MM-DD", id="ignore until"),
    pytest.param("gateways:\n  one: {provider: twilio}\n  one: {provider: vonage}\n", "3:3", "`gateways.one` is written twice", "rename", id="two gateways with one name"),
    pytest.param("gateways:\n  one: {provider: twillio}\n", "2:19", "no provider `twillio`", "`twilio`", id="unknown provider"),
    pytest.param("gateways:\n  one: {provider: Nexmo}\n", "2:19", "no provider `Nexmo`", "`vonage`", id="alias as provider"),
    pytest.param("gateways:\n  one: {sender: x}\n", "2:8", "no provider", "provider:", id="gateway without provider"),
    pytest.param("gateways:\n  one: {provider: }\n", "2:19", "empty", "one of", id="empty provider"),
    pytest.param("gateways: [a]\n", "1:11", "`gateways` is a list", "name", id="gateways as a list"),
    pytest.param("gateways: {one: twilio}\n", "1:17", "`gateways.one` is the text", "provider", id="gateway as a text"),
    pytest.param("gateways:\n  one: {provider: twilio, verify_tls: yes}\n", "2:39", "not a boolean", "true or false", id="YAML 1.1 boolean"),
    pytest.param("gateways:\n  one: {provider: twilio, timeout: soon}\n", "2:36", "not a duration", "250ms", id="duration"),
    pytest.param("gateways:\n  one: {provider: twilio, attempts: two}\n", "2:37", "not a whole number", "number", id="number"),
    pytest.param("gateways:\n  one: {provider: twilio, product: smss}\n", "2:36", "none of sms", "`sms`", id="product"),
    pytest.param("gateways:\n  one: {provider: twilio, number_form: E.164}\n", "2:40", "none of e164", "`e164`", id="number form"),
    pytest.param("gateways:\n  one: {provider: twilio, default_country: UK}\n", "2:44", "no country", "`GB`", id="default country"),
    pytest.param("gateways:\n  one: {provider: twilio, sender: {UK: ACME}}\n", "2:36", "neither a country nor a locale", "`GB`", id="sender map key"),
    pytest.param("gateways:\n  one: {provider: twilio, sender: [ACME]}\n", "2:35", "is a list", "one value", id="sender as a list"),
    pytest.param(GATEWAY + "routes: [{countries: [UK], gateways: [one]}]\n", "3:23", "`UK`, which is no country", "`GB`", id="unknown country"),
    pytest.param(GATEWAY + "routes: [{countries: [Germany], gateways: [one]}]\n", "3:23", "no country", "`DE`", id="country by name"),
    pytest.param(GATEWAY + "routes: [{countries: [GB], gateways: [two, one]}]\n", "3:39", "unknown gateway `two`", "two", id="unknown gateway"),
    pytest.param(GATEWAY + "routes: [{countries: [GB], gateways: [oen]}]\n", "3:39", "unknown gateway `oen`", "`one`", id="near gateway"),
    pytest.param(GATEWAY + "routes: [{countries: [GB], gateways: []}]\n", "3:38", "no gateways", "gateways", id="route without gateways"),
    pytest.param(GATEWAY + "routes: [{gateways: [one]}]\n", "3:10", "no countries", "countries", id="route without countries"),
    pytest.param(GATEWAY + "routes: [{countries: [GB, GB], gateways: [one]}]\n", "3:22", "`GB` twice", "remove", id="country twice"),
    pytest.param(GATEWAY + "routes:\n  - {countries: [GB], gateways: [one], share: 0.9}\n  - {countries: [US], gateways: [one], share: 20%}\n", "4:3", "sum to 1.1", "percent", id="shares over one"),
    pytest.param(GATEWAY + "routes: [{countries: [GB], gateways: [one], share: 85}]\n", "3:52", "not between 0 and 1", "85%", id="share as a bare percentage"),
    pytest.param(GATEWAY + "routes: {countries: [GB]}\n", "3:9", "`routes` is a map", "countries", id="routes as a map"),
    pytest.param("failover: {when: [eror]}\n", "1:19", "none of error", "`error`", id="failover cause"),
    pytest.param("objectives: {peak: 5 per second or so}\n", "1:20", "not a rate", "5/s", id="rate"),
    pytest.param("options: {fail_no: error}\n", "1:11", "unknown key `fail_no`", "`fail_on`", id="options key"),
    pytest.param("options: {fail-on: fatal}\n", "1:20", "none of error", "error", id="option value"),
    pytest.param("options: {jobs: many}\n", "1:17", "not a whole number", "number", id="option number"),
    pytest.param("profile: prod\n", "1:10", "none of production", "production", id="profile"),
    pytest.param("otp: {digits: six}\n", "1:15", "not a whole number", "whole number", id="digits"),
    pytest.param("otp: {issued_by: twilio}\n", "1:18", "none of service", "service", id="issued by"),
    pytest.param("test_numbers: {UK: ['+447700900001']}\n", "1:16", "no country", "`GB`", id="test numbers country"),
    pytest.param("test_numbers: {GB: ['07700900001']}\n", "1:21", "07700900001", "+447700900001", id="test number"),
    pytest.param("service:\n  start: {ready: /x}\n", "2:10", "starts nothing", "command", id="start without a way"),
    pytest.param("service:\n  start: {command: [x], environment: {PORT: {port}}}\n", "2:45", "is a map", '"{port}"', id="unquoted placeholder"),
    pytest.param("service:\n  start: {command: 'a \"b'}\n", "2:20", "no command line", "quote", id="broken command line"),
    pytest.param("service:\n  needs: [{image: redis}]\n", "2:11", "incomplete", "alias", id="need without an alias"),
    pytest.param("service:\n  api: {request_code: {path: /x}}\n", "2:8", "no `verify_code`", "verify_code", id="half an api"),
    pytest.param("service:\n  api: {request_code: {path: otp}, verify_code: {path: /y}}\n", "2:30", "does not start with `/`", "/otp", id="relative path"),
    pytest.param("service:\n  api: {request_code: {path: /x, json: {}, form: {a: b}}, verify_code: {path: /y}}\n", "2:44", "two bodies", "keep one", id="two bodies"),
    pytest.param("service:\n  api: {request_code: {path: /x, accepted: [2xx]}, verify_code: {path: /y}}\n", "2:45", "`2xx`", "[200, 202]", id="status"),
    pytest.param("service:\n  api: {request_code: {path: /x, capture: {t: {jsn: a}}}, verify_code: {path: /y}}\n", "2:48", "unknown key `jsn`", "`json`", id="capture kind"),
    pytest.param("service:\n  api: {request_code: {path: /x, capture: {t: {}}}, verify_code: {path: /y}}\n", "2:47", "0 sources", "json", id="capture without a source"),
    pytest.param("service:\n  api: {request_code: {path: /x, capture: {t: {regex: '(a'}}}, verify_code: {path: /y}}\n", "2:55", "no regular expression", "correct it", id="broken pattern"),
    pytest.param("service:\n  preset: gotru\n", "2:11", "no preset `gotru`", "`gotrue`", id="preset"),
    pytest.param("service:\n  environment: [missing.env]\n", "2:17", "cannot read missing.env", "exists", id="missing environment file"),
    pytest.param("service:\n  environment: [{file: a.env, loader: dotnev}]\n", "2:39", "no loader `dotnev`", "`dotenv`", id="loader"),
    pytest.param("service:\n  environment: [{loader: dotenv}]\n", "2:17", "names no file", "file:", id="environment without a file"),
    pytest.param("service:\n  environment: ['deploy/${STAGE}.env']\n", "2:17", "names no file", "process environment", id="undefined environment file"),
    pytest.param("service:\n  environment: {A: b}\n", "2:16", "is a map", "start.environment", id="environment as a map"),
    pytest.param("service:\n  environment: [binary.env]\n", "2:17", "cannot read binary.env", "text file", id="binary environment file"),
    pytest.param("gateways:\n  one: {provider: twilio, account: missing.yaml}\n", "2:36", "cannot read missing.yaml", "exists", id="missing account file"),
    pytest.param("gateways:\n  one: {provider: twilio, account: '${NOWHERE}'}\n", "2:36", "names no file", "define", id="undefined account file"),
    pytest.param("a: [\n", "2:1", "not readable as YAML", "brackets", id="broken YAML"),
    pytest.param("", "1:1", "is empty", "gateways", id="empty file"),
    pytest.param("just text\n", "1:1", "the text", "service", id="no map"),
]
FILES = {"a.env": "A=1\n", "binary.env": b"\x7fELF\x00\x00"}


@pytest.mark.parametrize(("text", "place", "what", "advice"), FAULTS)
def test_a_fault_of_the_manifest_is_refused_in_its_place(refuse: Refuse, text: str, place: str, what: str, advice: str) -> None:
    """Exit code 2, file:line:column, what is wrong, why, and the nearest right word."""
    error = refuse(text, FILES)
    assert str(error.where) == f"otpgate.yaml:{place}"
    assert what in error.what
    assert advice in error.do


HEALTHY = [
    "service: {name: x}\n", "service:\n  start: {command: 'python -m \"my service\"'}\n", GATEWAY, "otp: {lifetime: 5m, digits: 6}\n",
    "otp:\n  mock: {value: x, true_when: [y]}\n", "otp:\n  static_codes: {codes: [1]}\n", GATEWAY + "routes: [{countries: [GB], gateways: [one]}]\n",
    GATEWAY + "routes:\n  - {countries: [GB], gateways: [one], share: 0.8}\n  - {countries: [US], gateways: [one], share: 20%}\n",
    "ignore: [{rule: SN001, reason: x, until: 2027-05-01}]\n", "gateways:\n  one: {provider: twilio, verify_tls: true, timeout: 3s, attempts: 2}\n",
    "gateways:\n  one: {provider: twilio, sender: {GB: ACME, en: ACME, '*': ACME}}\n", "test_numbers: {GB: ['+447700900001']}\n", "failover: {when: [error]}\n",
    "service:\n  start: {command: [x], environment: {PORT: '{port}'}}\n", "service:\n  needs: [{image: redis, alias: redis}]\n", "profile: test\n",
    "service:\n  api: {request_code: {path: /x, accepted: [200]}, verify_code: {path: /y}}\n", "service:\n  environment: [a.env]\n",
    "service:\n  environment: [{file: a.env, loader: dotenv}]\n", "service: {environment: a.env}\n", "gateways: {}\n",
    "options: {fail-on: warning, jobs: 2, select: [SN, CR], unfenced: true}\n",
]


@pytest.mark.parametrize("text", HEALTHY)
def test_its_healthy_twin_is_read(load: Callable[..., Manifest], text: str) -> None:
    """The same sections, written right, are silent."""
    assert load(text, FILES).problems == ()


ACCOUNT = "gateways:\n  one: {provider: twilio, account: one.yaml}\n"


@pytest.mark.parametrize(
    ("account", "place", "what"),
    [
        ("provider: vonage\n", "one.yaml:1:11", "an account of vonage"), ("provider: twilio\nsendrs: []\n", "one.yaml:2:1", "sendrs"),
        ("provider: twilio\naccount: {kind: trail}\n", "one.yaml:2:17", "trail"), ("provider: [", "one.yaml:", "one.yaml"), ("", "one.yaml:1:1", "empty"),
        (b"\x00", "otpgate.yaml:2:36", "cannot read"), ("account: {id: x}\n", "one.yaml:1:1", "provider"),
    ],
)
def test_an_account_file_that_does_not_fit_is_refused(refuse: Refuse, account: str | bytes, place: str, what: str) -> None:
    """Of another provider, misspelt, malformed, empty, binary: each with its place in the account file."""
    error = refuse(ACCOUNT, {"one.yaml": account})
    assert str(error.where).startswith(place)
    assert what in error.what


def test_an_account_file_that_fits_is_attached(load: Callable[..., Manifest]) -> None:
    """The healthy twin."""
    account = load(ACCOUNT, {"one.yaml": "provider: twilio\naccount: {kind: trial}\n"}).gateways["one"].account
    assert account is not None
    assert account.account.kind == "trial"


def test_a_near_miss_of_a_provider_key_in_a_deployed_choice_is_refused(refuse: Refuse) -> None:
    """Where the deployment chooses the provider, keys of every provider are known, others are not."""
    error = refuse("gateways:\n  one: {provider: '${P}', acount_sid: x}\n", {}, {"P": "vonage"})
    assert "`account_sid`" in error.do


def test_settings_of_providers_not_chosen_are_left_out(load: Callable[..., Manifest]) -> None:
    """One gateway may name the settings of each provider the deployment may choose."""
    text = "gateways:\n  one: {provider: '${P}', account_sid: '${SID}', api_key: '${KEY}'}\n"
    assert set(load(text, {}, {"P": "vonage", "KEY": "k"}).gateways["one"].settings) == {"provider", "api_key"}
    assert load(text, {}, {"P": "vonage", "KEY": "k"}).problems == ()
