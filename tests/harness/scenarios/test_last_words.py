"""A service that dies names variables: the message tells where they are deployed."""

from __future__ import annotations

import pytest

from otpgate.config.model import Entry
from otpgate.findings import Span
from otpgate.scenarios.last_words import deployed_names

DEPLOYED = {
    name: Entry(name=name, value="x", span=Span(file="deploy/production.env", line=line), loader="dotenv")
    for line, name in enumerate(("TWILIO_AUTH_TOKEN", "DATABASE_URL", "PORTS"), start=3)
}
SAID = [
    ("RuntimeError: TWILIO_AUTH_TOKEN is not a hex string", "`TWILIO_AUTH_TOKEN` is deployed at deploy/production.env:3"),
    ("KeyError: 'TWILIO_AUTHTOKEN'", "`TWILIO_AUTHTOKEN` is not deployed; `TWILIO_AUTH_TOKEN` is, at deploy/production.env:3"),
    ("KeyError: 'SESSION_SIGNING_PEPPER'", "`SESSION_SIGNING_PEPPER` is not deployed"),
    ("Error: SESSION_SIGNING_PEPPER must be set", "`SESSION_SIGNING_PEPPER` is not deployed"),
    ("Missing variable: SESSION_SIGNING_PEPPER is required", "`SESSION_SIGNING_PEPPER` is not deployed"),
    ("could not bind PORTS", "`PORTS` is deployed at deploy/production.env:5"),
    ("could not bind SUPPORTS: ECONNREFUSED", ""),
]


@pytest.mark.parametrize(("words", "told"), SAID)
def test_a_variable_in_the_last_words_is_told_with_its_place(words: str, told: str) -> None:
    """File and line of a deployed one; the near one, or that there is none, of one that is not."""
    found = deployed_names(words, DEPLOYED)
    assert found == (f"  see: {told}" if told else "")
