"""Requests in every form the SMS API takes, who may send, and what is read from the fields."""

from __future__ import annotations

from typing import Any

import pytest

from otpgate_contracts import loading, signing
from otpgate_contracts.wire import Judge
from otpgate_fakes.vonage.claims import METHODS
from tests.providers.vonage.conftest import APPLICATION, GB, KEY, PUBLIC, SECRET, SIGNATURE_SECRET, Vonage, account

JUDGE = Judge(loading.openapi(loading.pack("vonage")))
TEXT = {"to": GB, "from": "ACME", "text": "123456 is your code"}
KEYS = {"api_key": KEY, "api_secret": SECRET}


def post(vonage: Vonage, **options: Any) -> dict[str, Any]:
    answer = vonage.fakes.call("vonage", "POST", "/sms/json", **options)
    assert answer.status_code == 200
    assert JUDGE.response("send_sms", 200, answer.content) == []
    found: dict[str, Any] = answer.json()["messages"][0]
    return found


@pytest.mark.parametrize(
    "options",
    [
        {"data": TEXT, "auth": (KEY, SECRET)}, {"json": TEXT, "auth": (KEY, SECRET)},
        {"data": TEXT | KEYS}, {"json": TEXT | KEYS}, {"data": TEXT, "params": KEYS}, {"params": TEXT | KEYS},
    ],
    ids=["form-basic", "json-basic", "form-body", "json-body", "form-query", "all-query"],
)
def test_every_form_of_a_send_is_taken(vonage: Vonage, options: dict[str, Any]) -> None:
    """Form or JSON, key and secret in the header, the body or the query."""
    assert post(vonage, **options)["status"] == "0"


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        ({"data": TEXT}, "2", "Missing api_key"),
        ({"data": TEXT | {"api_key": KEY}}, "2", "Missing api_secret"),
        ({"data": TEXT | KEYS | {"api_key": "ffffffff"}}, "4", "Bad Credentials"),
        ({"data": TEXT | KEYS | {"api_secret": SECRET + " "}}, "4", "Bad Credentials"),
        ({"data": TEXT, "params": KEYS | {"api_secret": "no"}}, "4", "Bad Credentials"),
    ],
)
def test_wrong_credentials_are_told_in_the_body(vonage: Vonage, options: dict[str, Any], status: str, text: str) -> None:
    """Nothing on the wire is status 2, anything wrong is 4; the HTTP status stays 200."""
    part = post(vonage, **options)
    assert (part["status"], part["error-text"]) == (status, text)


def signed_fields(method: str, secret: str = SIGNATURE_SECRET, **more: str) -> dict[str, str]:
    fields = {**TEXT, "api_key": KEY, "timestamp": "1768480205", **more}
    return fields | {"sig": signing.sign(METHODS[method], secret, signing.Material(params=tuple(fields.items())))}


@pytest.mark.parametrize("method", [*METHODS])
@pytest.mark.parametrize("form", ["data", "json"])
def test_signed_request_of_every_method(vonage: Vonage, method: str, form: str) -> None:
    """The documented signature passes in all five methods, values with & and = included."""
    vonage.state("sms", settings={"signature_method": method})
    assert post(vonage, **{form: signed_fields(method, text="a&b=c 123456")})["status"] == "0"


@pytest.mark.parametrize(
    "fields",
    [
        signed_fields("md5"), signed_fields("sha256", SECRET), signed_fields("sha256") | {"text": "654321 is your code"},
        {name: value for name, value in signed_fields("sha256").items() if name != "timestamp"},
    ],
    ids=["other-method", "api-secret-signs", "tampered", "no-timestamp"],
)
def test_signature_that_does_not_fit_is_status_14(vonage: Vonage, fields: dict[str, str]) -> None:
    """Another method than the account's, the API secret as key, a changed field: all are 14."""
    assert post(vonage, data=fields)["status"] == "14"


def test_unknown_method_takes_any_of_the_five(vonage: Vonage) -> None:
    """Where neither account state nor gateway names the method, each of them passes."""
    vonage.state("sms", settings={})
    for method in METHODS:
        assert post(vonage, data=signed_fields(method))["status"] == "0"


def test_signature_secret_known_only_by_its_hash(vonage: Vonage) -> None:
    """With a hash in the account state the deployed secret must be the account's."""
    callbacks = {**account()["callbacks"], "secret_sha256": "0" * 64}
    callbacks.pop("secret")
    vonage.state("sms", callbacks=callbacks)
    assert post(vonage, data=signed_fields("sha256"))["status"] == "14"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"ttl": "300"}, "ttl"), ({"ttl": "604800001"}, "ttl"), ({"ttl": "5m"}, "ttl"), ({"message-class": "4"}, "message-class"),
        ({"client-ref": "x" * 101}, "client-ref"), ({"status-report-req": "maybe"}, "status-report-req"), ({"to": "44"}, "to"),
    ],
)
def test_invalid_parameter_is_named(vonage: Vonage, fields: dict[str, str], name: str) -> None:
    """Status 3 names the parameter; seconds given as `ttl` are below its 20000 milliseconds."""
    part = post(vonage, data=TEXT | fields, auth=(KEY, SECRET))
    assert (part["status"], part["error-text"]) == ("3", f"Invalid {name}")


@pytest.mark.parametrize("name", ["to", "from", "text"])
def test_missing_parameter_is_named(vonage: Vonage, name: str) -> None:
    """An empty value is missing: status 2."""
    part = post(vonage, data=TEXT | {name: ""}, auth=(KEY, SECRET))
    assert (part["status"], part["error-text"]) == ("2", f"Missing {name} param")


@pytest.mark.parametrize("given", ["False", "false", "0"])
def test_booleans_in_the_spelling_of_python(vonage: Vonage, given: str) -> None:
    """`status-report-req=False`, as the official SDK writes it, is read as false."""
    assert post(vonage, data=TEXT | {"status-report-req": given}, auth=(KEY, SECRET))["status"] == "0"


def test_ttl_is_milliseconds_here_and_seconds_there(vonage: Vonage) -> None:
    """The SMS API takes 300000, which the Messages API refuses with the parameter's name; 300 is the other way round."""
    assert post(vonage, data=TEXT | {"ttl": "300000"}, auth=(KEY, SECRET))["status"] == "0"
    assert vonage.message(ttl=300).status_code == 202
    refused = vonage.message(ttl=3_000_000)
    assert refused.status_code == 422
    assert [one["name"] for one in refused.json()["invalid_parameters"]] == ["ttl"]


def test_plus_in_a_messages_number_is_refused(vonage: Vonage) -> None:
    """The Messages API takes digits only, without a leading + or 0."""
    for to in (f"+{GB}", "0" + GB[2:]):
        refused = vonage.message(to=to)
        assert (refused.status_code, refused.json()["invalid_parameters"][0]["name"]) == (422, "to")


def test_sender_not_on_the_account_is_accepted_and_never_delivered(vonage: Vonage, listener: Any) -> None:
    """The outage: status 0 for a sender that nobody filed, then a receipt that says rejected by the header filter."""
    assert post(vonage, data=TEXT | {"from": "ACMEOTP"}, auth=(KEY, SECRET))["status"] == "0"
    listener.wait(1)
    assert (vonage.last()["status"], vonage.last()["error"]) == ("rejected", "51")
    row = loading.pack("vonage").error("51", "sms_dlr")
    assert row is not None
    assert (row.rule, row.settings) == ("SN002", ("sender",))


def test_sender_filed_for_other_countries_is_accepted_and_never_delivered(vonage: Vonage, listener: Any) -> None:
    """A sender filed for Germany alone is dropped in Great Britain, not refused."""
    vonage.state("sms", senders=[{"alphanumeric": "ACME", "countries": ["DE"]}])
    assert post(vonage, data=TEXT, auth=(KEY, SECRET))["status"] == "0"
    listener.wait(1)
    assert vonage.last()["error"] == "51"


def test_filed_sender_is_delivered(vonage: Vonage, listener: Any) -> None:
    """The healthy twin."""
    assert post(vonage, data=TEXT, auth=(KEY, SECRET))["status"] == "0"
    listener.wait(2)
    assert (vonage.last()["status"], vonage.last()["error"]) == ("delivered", None)


def test_records_tell_what_became_of_a_message(vonage: Vonage, listener: Any) -> None:
    """The Reports API finds a message by the id of any of its parts, and names ids it does not know."""
    parts = [part["message-id"] for part in vonage.sms(text="x" * 200, callback=f"{PUBLIC}/own").json()["messages"]]
    listener.wait(4)
    answer = vonage.get("/v2/reports/records", account_id=KEY, product="SMS", id=f"{parts[1]},nobody")
    assert JUDGE.response("get_records", 200, answer.content) == []
    body = answer.json()
    assert (body["items_count"], body["ids_not_found"]) == (1, "nobody")
    assert (body["records"][0]["status"], body["records"][0]["message_id"]) == ("delivered", parts[1])


@pytest.mark.parametrize(
    ("path", "operation", "query"),
    [
        ("/account/get-balance", "get_balance", {}), ("/account/numbers", "list_numbers", {"size": "100"}),
        ("/account/get-pricing/outbound/sms", "get_pricing", {"country": "DE"}),
        (f"/accounts/{KEY}/secrets", "list_secrets", {}),
    ],
)
def test_account_answers_fit_the_contract(vonage: Vonage, path: str, operation: str, query: dict[str, str]) -> None:
    """Each account question is answered as the pack's OpenAPI document says."""
    answer = vonage.get(path, **query)
    assert answer.status_code == 200
    assert JUDGE.response(operation, 200, answer.content) == []


def test_two_secrets_may_be_live(vonage: Vonage) -> None:
    """During a rotation both secrets pass, and both are listed."""
    vonage.state("sms", credentials=[{"id": KEY, "secret": SECRET}, {"id": KEY, "secret": "Newer0123456789"}])
    for secret in (SECRET, "Newer0123456789"):
        assert vonage.sms(auth=(KEY, secret)).json()["messages"][0]["status"] == "0"
    assert len(vonage.get(f"/accounts/{KEY}/secrets").json()["_embedded"]["secrets"]) == 2


def test_unknown_application_is_not_found(vonage: Vonage) -> None:
    """An application of another account does not exist here."""
    assert vonage.get(f"/v2/applications/{APPLICATION[:-1]}0").status_code == 404
