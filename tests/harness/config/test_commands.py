"""`otpgate config` and `otpgate init`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from otpgate.commands import config, init
from otpgate.config import manifest
from otpgate.errors import UsageError

Write = Callable[..., Path]
TEXT = """service:
  environment: [a.env, b.env]
gateways:
  one: {provider: twilio, account_sid: "${SID}", auth_token: "${TOKEN}", sender: {GB: ACME, "*": "${FROM}"}, timeout: 3s, proxy: "${PROXY}"}
otp: {static_codes: "${CODES}", digits: "${DIGITS}"}
options: {fail_on: note}
"""
FILES = {
    "otpgate.yaml": TEXT, "a.env": "SID=AC0\nTOKEN=hidden-token\nFROM=+12025550143\nCODES=123456\nDIGITS=six\n",
    "b.env": "TOKEN=deployed-token\nOTHER_SECRET=another\nLOG=info\nPROXY=http://user:pa55word@proxy:8080\nRANDOM=a8f5f167f44f4964e6c998dee827110c\n",
}


def run(*arguments: str) -> str:
    found = CliRunner().invoke(config.command, list(arguments), standalone_mode=False, catch_exceptions=False)
    return found.output


def test_each_value_is_printed_with_its_origin(project: Write) -> None:
    """Deployed values with file, line and name; literals with the manifest's line; problems and undefined names."""
    shown = run(str(project(FILES)))
    lines = {line.split()[0]: line for line in shown.splitlines() if line}
    assert "AC0" in lines["gateways.one.account_sid"]
    assert lines["gateways.one.account_sid"].endswith("a.env:1 SID (dotenv)")
    assert lines["gateways.one.timeout"].endswith("otpgate.yaml:4")
    assert "not a whole number" in lines["otp.digits"]
    assert "hides a.env:2:7" in lines["TOKEN"]
    assert "note" in lines["fail_on"]
    assert lines["engine"].endswith("default")


@pytest.mark.parametrize("format", ["terminal", "json"])
@pytest.mark.parametrize("secret", ["hidden-token", "deployed-token", "another", "123456", "pa55word", "a8f5f167f44f4964e6c998dee827110c"])
def test_secrets_and_codes_are_hidden(project: Write, format: str, secret: str) -> None:
    """By the provider's pack, by name, by look, in URLs."""
    assert secret not in run(str(project(FILES)), "--format", format)


def test_what_is_no_secret_stays_visible(project: Write) -> None:
    """The healthy twin: hiding everything would help nobody."""
    shown = run(str(project(FILES)))
    assert "+12025550143" in shown
    assert "info" in shown


def test_json_carries_the_same(project: Write) -> None:
    """Key, value, origin with file, line and column, undefined names, problem."""
    document = msgspec.json.decode(run(str(project(FILES)), "--format", "json"))
    rows = {row["key"]: row for row in document["values"]}
    assert rows["gateways.one.sender.*"]["origin"] == {"kind": "dotenv", "name": "FROM", "file": "a.env", "line": 3, "column": 6}
    assert rows["gateways.one.timeout"]["value"] == 3.0
    assert rows["otp.digits"]["problem"] == 'not a whole number: "six"'
    assert {"manifest", "values", "environment", "options"} == set(document)


def test_undefined_names_are_shown(project: Write) -> None:
    """And the exit is clean: judging is `check`'s."""
    folder = project({"otpgate.yaml": "gateways:\n  one: {provider: twilio, sender: '${NOWHERE_AT_ALL}'}\n"})
    assert "(undefined: NOWHERE_AT_ALL)" in run(str(folder))


def test_options_of_the_environment_win(project: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """OTPGATE_* over the manifest over the default."""
    monkeypatch.setenv("OTPGATE_FAIL_ON", "warning")
    line = next(line for line in run(str(project(FILES))).splitlines() if line.startswith("fail_on"))
    assert line.endswith("process environment OTPGATE_FAIL_ON")


def initialise(folder: Path, *arguments: str) -> str:
    return CliRunner().invoke(init.command, [str(folder), *arguments], standalone_mode=False, catch_exceptions=False).output


def test_init_writes_a_manifest_that_loads(project: Write) -> None:
    """Gateways are recognised by the names packs list; the result is a valid manifest without problems."""
    folder = project({
        "deploy/production.env": "TWILIO_ACCOUNT_SID=AC0\nTWILIO_AUTH_TOKEN=t\nTWILIO_FROM=+12025550143\nVONAGE_API_KEY=k\nVONAGE_API_SECRET=s\nOTP_DIGITS=6\n",
        "deploy/staging.env": "TWILIO_ACCOUNT_SID=AC1\nTWILIO_AUTH_TOKEN=u\n", ".env.example": "TWILIO_ACCOUNT_SID=AC2\nTWILIO_AUTH_TOKEN=v\n",
    })
    said = initialise(folder)
    found = manifest.load(folder / "otpgate.yaml", {})
    assert set(found.gateways) == {"twilio", "vonage"}
    assert found.environment_files == ("deploy/production.env",)
    assert found.gateways["twilio"].text("sender") == "+12025550143"
    assert found.gateways["twilio"].account is not None
    assert found.otp["digits"].value == 6
    assert found.problems == ()
    assert "written otpgate.yaml" in said
    assert "written accounts/twilio.yaml" in said


def test_init_guesses_the_preset(project: Write) -> None:
    """The tell-tale names of a known service are enough."""
    folder = project({".env": "GOTRUE_SMS_PROVIDER=vonage\nGOTRUE_SMS_VONAGE_API_KEY=k\nGOTRUE_SMS_VONAGE_API_SECRET=s\nGOTRUE_SMS_VONAGE_FROM=ACME\n"})
    initialise(folder)
    found = manifest.load(folder, {})
    assert (found.preset, list(found.gateways), found.problems) == ("gotrue", ["vonage"], ())


def test_init_finds_a_compose_service(project: Write) -> None:
    """The service that carries the names is the one under test."""
    folder = project({"compose.yaml": "services:\n  db: {image: x, environment: {A: b}}\n  web: {environment: {TWILIO_ACCOUNT_SID: AC0, TWILIO_AUTH_TOKEN: t}}\n"})
    initialise(folder)
    assert manifest.load(folder, {}).gateways["twilio"].text("account_sid") == "AC0"


def test_init_takes_a_named_preset(project: Write) -> None:
    """Also where nothing is found to guess from."""
    folder = project({"x": ""})
    initialise(folder, "--preset", "django-two-factor")
    assert manifest.load(folder, {}).preset == "django-two-factor"


def test_init_never_overwrites(project: Write) -> None:
    """A manifest that is there stays as it is; so does an account file."""
    folder = project({"otpgate.yaml": "mine"})
    with pytest.raises(UsageError, match="already there"):
        initialise(folder)
    assert (folder / "otpgate.yaml").read_text() == "mine"
    other = project({"other/.env": "TWILIO_ACCOUNT_SID=AC0\nTWILIO_AUTH_TOKEN=t\n", "other/accounts/twilio.yaml": "provider: twilio\n"}) / "other"
    assert "kept    accounts/twilio.yaml" in initialise(other)
    assert (other / "accounts" / "twilio.yaml").read_text() == "provider: twilio\n"


def test_init_in_an_empty_folder_says_what_to_fill_in(project: Write) -> None:
    """The draft is still a manifest that loads."""
    folder = project({"x": ""})
    assert "recognised no gateway" in initialise(folder)
    assert manifest.load(folder, {}).gateways == {}


def test_init_refuses_an_unknown_preset(project: Write) -> None:
    """The nearest one is named, and nothing is written."""
    folder = project({"x": ""})
    with pytest.raises(UsageError) as caught:
        initialise(folder, "--preset", "gotru")
    assert "gotrue" in caught.value.do
    assert not (folder / "otpgate.yaml").exists()
