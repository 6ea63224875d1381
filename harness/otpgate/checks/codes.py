"""Checks of the passcode itself: who is let in, and for how long."""

from __future__ import annotations

from collections.abc import Iterator

from otpgate.checks.observed import Observed
from otpgate.findings import Fix
from otpgate.rules.registry import Fault, check


@check("OP050", "wrong-code-accepted")
def wrong_code_accepted(observed: Observed) -> Iterator[Fault]:
    """The service lets a user in with a wrong or empty code.

    Why: anybody who knows a phone number can sign in as its owner.
    Bad: verify answers 200 to a code that was never sent, or to no code at all.
    Good: verify compares with the stored code, refuses everything else and counts the attempt.
    Fix: compare against the issued code; look for a static, test or bypass code that is active in this deployment.
    Sources: NIST SP 800-63B section 5.1.3; OWASP ASVS 2.8
    """
    seen = observed.together("wrong_accepted", "empty_accepted")
    if seen is not None:
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at_otp("static_codes", "verified_by"), gateway=seen.gateway,
            countries=None, exchanges=seen.exchanges, scenarios=seen.scenarios,
            fix=Fix("Refuse every code but the one that was issued, the empty one included."),
        )


@check("EV050", "test-code-accepted")
def static_code_accepted(observed: Observed) -> Iterator[Fault]:
    """A code that everybody tries verifies for a fresh number.

    Why: a test bypass in production opens every account to whoever reads the source, or guesses 123456.
    Bad: 123456 is accepted for a number it was never sent to.
    Good: only the code that was issued verifies.
    Fix: remove the static code, or the switch that turns it on, from this deployment.
    Sources: incident collection, class test settings in production
    """
    seen = observed.together("common_accepted")
    if seen is not None:
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at_otp("static_codes", "mock"), gateway=seen.gateway,
            exchanges=seen.exchanges, scenarios=seen.scenarios, fix=Fix("Remove the static code from this deployment."),
        )


@check("OP051", "code-usable-twice")
def code_usable_twice(observed: Observed) -> Iterator[Fault]:
    """A code verifies a second time.

    Why: whoever reads the message later, from a notification or a backup, can still use it.
    Bad: verify answers 200 twice to the same code.
    Good: the first successful verification consumes the code.
    Fix: delete or mark the code in the same transaction that accepts it.
    Sources: NIST SP 800-63B section 5.1.3.2; OWASP ASVS 2.8.4
    """
    seen = observed.together("reused_accepted")
    if seen is not None:
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at_api(), gateway=seen.gateway, exchanges=seen.exchanges,
            scenarios=seen.scenarios, fix=Fix("Consume the code when it is accepted."),
        )


@check("OP052", "expired-code-accepted")
def expired_code_accepted(observed: Observed) -> Iterator[Fault]:
    """A code still verifies after its lifetime.

    Why: the text message promises a lifetime; a code that outlives it can be guessed or found for longer.
    Bad: otp.lifetime is 5m and the code works after 5 minutes.
    Good: the service compares the time of issue with its clock at every verification.
    Fix: store the time of issue with the code, and check the setting the manifest names.
    Sources: NIST SP 800-63B section 5.1.3.2
    """
    seen = observed.together("expired_accepted")
    if seen is not None:
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at_otp("lifetime"), gateway=seen.gateway,
            exchanges=seen.exchanges, scenarios=seen.scenarios, fix=Fix("Refuse codes older than otp.lifetime."),
        )


@check("OP055", "guesses-not-limited")
def guesses_not_limited(observed: Observed) -> Iterator[Fault]:
    """The right code still verifies after more wrong ones than allowed.

    Why: six digits are a million guesses; whoever may try as often as they like gets in.
    Bad: otp.max_attempts is 5, the provider that checks the code takes 10 tries, and nobody counts to five.
    Good: after the last allowed guess the code is worth nothing, whoever checks it.
    Fix: count the guesses of each code, or tell the provider how many it may take.
    Sources: NIST SP 800-63B section 5.2.2; OWASP ASVS 2.2.1
    """
    seen = observed.together("guesses_unlimited")
    if seen is not None:
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at_otp("max_attempts"), gateway=seen.gateway,
            exchanges=seen.exchanges, scenarios=seen.scenarios, fix=Fix("Refuse every code after otp.max_attempts wrong ones."),
        )


@check("OP053", "right-code-refused")
def right_code_refused(observed: Observed) -> Iterator[Fault]:
    """The code that arrived does not verify.

    Why: the message was paid for and delivered, and the user still cannot sign in.
    Bad: the code in the text is not the one stored, or a retry replaced it without sending the new one.
    Good: the code in the last message verifies.
    Fix: store the code before it is sent, and send what is stored.
    Sources: incidents where a template or a retry sent another code than the stored one
    """
    for seen in observed.per_gateway("right_code_refused"):
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at_api(), gateway=seen.gateway, countries=seen.countries,
            exchanges=seen.exchanges, scenarios=seen.scenarios, discriminator="refused",
            fix=Fix("Send the code that verify_code compares with."),
        )


@check("OP054", "verify-crashes")
def verify_crashes(observed: Observed) -> Iterator[Fault]:
    """A wrong, empty or old code makes the service fail.

    Why: a user's typing mistake becomes an error page, and attempts may not be counted.
    Bad: verify answers 500, or something the manifest lists neither as accepted nor as refused.
    Good: verify answers with one of `api.verify_code.refused`.
    Fix: handle missing and malformed codes, or list the status the service really answers.
    Sources: OWASP ASVS 7.4
    """
    seen = observed.together("verify_broken")
    if seen is not None:
        yield Fault(
            message=f"{seen.first.message}.", at=observed.at_api(), gateway=seen.gateway, scenarios=seen.scenarios,
            fix=Fix("Answer a status listed under api.verify_code.refused."),
        )
