"""PyPI `twilio`, unmodified: it sends, reads, lists, cancels, redacts and deletes as it does in production."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from tests.providers.twilio.conftest import (
    ACCOUNT,
    EMPTY_POOL,
    FROM,
    GB,
    HOOK,
    KEY,
    KEY_SECRET,
    OTHER,
    POOL,
    TOKEN,
    US,
    Fakes,
)

TEXT = "Your code is 123456"


@pytest.fixture
def production(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The SDK as deployed: production host names, nothing but proxy and CA variables around it."""
    for name, value in fakes.running.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "no_proxy", "TWILIO_EDGE", "TWILIO_REGION"):
        monkeypatch.delenv(name, raising=False)
    return Client(ACCOUNT, TOKEN)


def test_production_hosts(fakes: Fakes, production: Client) -> None:
    """A send to https://api.twilio.com through the relay lands in the fake, its certificate trusted."""
    sent = production.messages.create(to=US, from_=FROM, body=TEXT)
    assert [message["provider_id"] for message in fakes.running.messages()] == [sent.sid]
    calls = [exchange for exchange in fakes.running.exchanges() if exchange["kind"] == "call"]
    assert {call["host"] for call in calls} == {"api.twilio.com"}
    assert calls[-1]["url"].startswith("https://api.twilio.com/2010-04-01/")


def test_regional_hosts(production: Client) -> None:
    """With region and edge set the SDK calls api.dublin.ie1.twilio.com, where a us1 token does not hold."""
    production.region, production.edge = "ie1", "dublin"
    with pytest.raises(TwilioRestException) as refusal:
        production.messages.create(to=US, from_=FROM, body=TEXT)
    assert (refusal.value.status, refusal.value.code) == (401, 20003)


def test_region_without_edge(production: Client) -> None:
    """A region without an edge gives the deprecated two-label host, which answers all the same."""
    production.region = "us1"
    assert production.messages.create(to=US, from_=FROM, body=TEXT).status == "queued"


def test_send(client: Client) -> None:
    """An accepted message is queued, has its id, and dates the SDK can read."""
    sent = client.messages.create(to=US, from_=FROM, body=TEXT)
    assert sent.sid is not None
    assert sent.sid.startswith("SM")
    assert len(sent.sid) == 34
    assert (sent.status, sent.direction, sent.to, sent.from_, sent.body) == ("queued", "outbound-api", US, FROM, TEXT)
    assert (sent.num_segments, sent.num_media, sent.error_code, sent.price) == ("1", "0", None, None)
    assert isinstance(sent.date_created, datetime)
    assert sent.date_sent is None


def test_send_with_pool(client: Client) -> None:
    """With a Messaging Service the message is accepted first; the sender is picked after the answer."""
    sent = client.messages.create(to=US, messaging_service_sid=POOL, body=TEXT)
    assert (sent.status, sent.from_, sent.num_segments, sent.messaging_service_sid) == ("accepted", None, "0", POOL)
    read = client.messages(sent.sid).fetch()
    assert (read.from_, read.num_segments) == (FROM, "1")


def test_pool_picks_by_country(client: Client) -> None:
    """A pool does not pick a sender that has no route to the destination."""
    sent = client.messages.create(to=GB, messaging_service_sid=POOL, body=TEXT)
    assert client.messages(sent.sid).fetch().from_ != "72345"


def test_media(client: Client) -> None:
    """Repeated MediaUrl makes an MMS: another id prefix, and a count."""
    media = ["https://example.com/a.png", "https://example.com/b.png"]
    sent = client.messages.create(to=US, from_=FROM, media_url=media)
    assert sent.sid is not None
    assert sent.sid.startswith("MM")
    assert sent.num_media == "2"


def test_segments(client: Client) -> None:
    """One character outside GSM-7 makes a text of 71 characters two segments."""
    assert client.messages.create(to=US, from_=FROM, body="“" + "1" * 70).num_segments == "2"


def test_smart_encoding(client: Client) -> None:
    """SmartEncoded replaces look-alikes, so the same text stays one segment."""
    assert client.messages.create(to=US, from_=FROM, body="“" + "1" * 70, smart_encoded=True).num_segments == "1"


def test_api_key(fakes: Fakes) -> None:
    """An API key sends for the account in the path."""
    sent = fakes.client(KEY, KEY_SECRET, account=ACCOUNT).messages.create(to=US, from_=FROM, body=TEXT)
    assert sent.account_sid == ACCOUNT


def test_fetch(client: Client) -> None:
    """A message read back has every field of the send."""
    sent = client.messages.create(to=US, from_=FROM, body=TEXT, status_callback=HOOK)
    read = client.messages(sent.sid).fetch()
    assert (read.sid, read.to, read.body, read.status) == (sent.sid, US, TEXT, "queued")


def test_fetch_after_delivery(fakes: Fakes, client: Client) -> None:
    """A delivered message has a sent date and a negative price."""
    sent = client.messages.create(to=US, from_=FROM, body=TEXT)
    fakes.finish(sent.sid)
    read = client.messages(sent.sid).fetch()
    assert read.status == "delivered"
    assert isinstance(read.date_sent, datetime)
    assert read.price is not None
    assert float(read.price) < 0


def test_fetch_of_nothing(client: Client) -> None:
    """An unknown id is 404 and 20404."""
    with pytest.raises(TwilioRestException) as refusal:
        client.messages("SM" + "0" * 32).fetch()
    assert (refusal.value.status, refusal.value.code) == (404, 20404)


def test_list(client: Client) -> None:
    """A list follows next_page_uri to the end, newest first."""
    sent = [client.messages.create(to=US, from_=FROM, body=TEXT).sid for _ in range(5)]
    assert [message.sid for message in client.messages.list(page_size=2)] == sent[::-1]


def test_list_limit(client: Client) -> None:
    """A limit becomes the page size."""
    for _ in range(3):
        client.messages.create(to=US, from_=FROM, body=TEXT)
    assert len(client.messages.list(limit=2)) == 2


def test_list_filters(client: Client) -> None:
    """To, From and DateSent narrow a list."""
    wanted = client.messages.create(to=GB, from_="ACME", body=TEXT).sid
    client.messages.create(to=US, from_=FROM, body=TEXT)
    assert [message.sid for message in client.messages.list(to=GB)] == [wanted]
    assert [message.sid for message in client.messages.list(from_="ACME")] == [wanted]
    assert client.messages.list(date_sent_after=datetime.now(UTC) + timedelta(days=1)) == []
    assert len(client.messages.list(date_sent=datetime.now(UTC))) == 2


def test_list_of_nothing(client: Client) -> None:
    """An empty list is a page without rows."""
    assert client.messages.list() == []


def test_page_by_page(client: Client) -> None:
    """A page knows the one before and the one after it."""
    sent = [client.messages.create(to=US, from_=FROM, body=TEXT).sid for _ in range(3)]
    first = client.messages.page(page_size=2)
    second = first.next_page()
    assert second is not None
    assert [message.sid for message in second] == sent[:1]
    back = second.previous_page()
    assert back is not None
    assert [message.sid for message in back] == sent[:0:-1]


def test_cancel(client: Client) -> None:
    """A scheduled message can be cancelled, and stays so."""
    later = datetime.now(UTC) + timedelta(hours=1)
    sent = client.messages.create(
        to=US, messaging_service_sid=POOL, body=TEXT, schedule_type="fixed", send_at=later
    )
    assert sent.status == "scheduled"
    assert client.messages(sent.sid).update(status="canceled").status == "canceled"
    assert client.messages(sent.sid).fetch().status == "canceled"


def test_scheduling_needs_a_pool(client: Client) -> None:
    """Without a Messaging Service the wish to schedule is dropped, and the message goes out."""
    later = datetime.now(UTC) + timedelta(hours=1)
    assert client.messages.create(to=US, from_=FROM, body=TEXT, schedule_type="fixed", send_at=later).status == "queued"


def test_redact(client: Client) -> None:
    """An empty body blanks the text; id and status stay."""
    sent = client.messages.create(to=US, from_=FROM, body=TEXT)
    redacted = client.messages(sent.sid).update(body="")
    assert (redacted.sid, redacted.body, redacted.status) == (sent.sid, "", "queued")


def test_delete(fakes: Fakes, client: Client) -> None:
    """A finished message can be deleted; after that it is not found."""
    sent = client.messages.create(to=US, from_=FROM, body=TEXT)
    fakes.finish(sent.sid)
    assert client.messages(sent.sid).delete() is True
    with pytest.raises(TwilioRestException) as refusal:
        client.messages(sent.sid).fetch()
    assert refusal.value.code == 20404


def test_refusal(client: Client) -> None:
    """A refusal is a TwilioRestException with status, code, message and the called URI."""
    with pytest.raises(TwilioRestException) as refusal:
        client.messages.create(to="2025550143", from_=FROM, body=TEXT)
    assert (refusal.value.status, refusal.value.code, refusal.value.method) == (400, 21211, "POST")
    assert "Unable to create record: " in refusal.value.msg
    assert "2025550143" in refusal.value.msg


@pytest.mark.parametrize(
    ("user", "password"),
    [(ACCOUNT, TOKEN[::-1]), (OTHER, TOKEN), (f"{ACCOUNT} ", TOKEN), (ACCOUNT, f"{TOKEN}\n"), (ACCOUNT, KEY_SECRET)],
    ids=["wrong-token", "unknown-account", "space-in-sid", "newline-in-token", "api-secret-as-token"],
)
def test_wrong_credentials(fakes: Fakes, user: str, password: str) -> None:
    """A credential that differs in one byte is 401 and 20003."""
    with pytest.raises(TwilioRestException) as refusal:
        fakes.client(user, password, account=ACCOUNT).messages.create(to=US, from_=FROM, body=TEXT)
    assert (refusal.value.status, refusal.value.code) == (401, 20003)


def test_refused_call_names_its_recipient(fakes: Fakes) -> None:
    """A call refused for its credential is recorded with the number it was for."""
    with pytest.raises(TwilioRestException):
        fakes.client(password=TOKEN[::-1]).messages.create(to=US, from_=FROM, body=TEXT)
    call = fakes.running.exchanges()[-1]
    assert (call["to"], call["code"], call["reason"], call["accepted"]) == (US, "20003", "credentials_wrong", False)


def test_foreign_account_in_the_path(fakes: Fakes) -> None:
    """A good credential does not open another account's path."""
    with pytest.raises(TwilioRestException) as refusal:
        fakes.client(account=OTHER).messages.create(to=US, from_=FROM, body=TEXT)
    assert (refusal.value.status, refusal.value.code) == (401, 20003)


def test_key_sid_in_the_path(fakes: Fakes) -> None:
    """An API key SID used as the account SID is not found, and the message names the path."""
    with pytest.raises(TwilioRestException) as refusal:
        fakes.client(KEY, KEY_SECRET).messages.create(to=US, from_=FROM, body=TEXT)
    assert (refusal.value.status, refusal.value.code) == (404, 20404)
    assert f"/Accounts/{KEY}/Messages.json" in refusal.value.msg


def test_list_refusal(fakes: Fakes) -> None:
    """A refused list is the SDK's bare TwilioException."""
    with pytest.raises(TwilioException):
        fakes.client(password=TOKEN[::-1]).messages.list()


def test_unknown_path(fakes: Fakes) -> None:
    """A path Twilio does not serve is 404 and 20404 in the same envelope."""
    answer = fakes.session.get(f"{fakes.base}/2010-04-01/Accounts//Messages.json", auth=(ACCOUNT, TOKEN), timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


def test_answer_headers(fakes: Fakes) -> None:
    """Every answer carries Twilio's own headers."""
    answer = fakes.session.get(f"{fakes.base}/2010-04-01/Accounts/{ACCOUNT}.json", auth=(ACCOUNT, TOKEN), timeout=10)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Twilio-Request-Id"].startswith("RQ")
    assert answer.headers["X-API-Domain"] == "api.twilio.com"


@pytest.mark.parametrize(
    ("to", "sender", "code"),
    [
        ("+15005550001", "+15005550006", 21211), ("+15005550002", "+15005550006", 21612),
        ("+15005550003", "+15005550006", 21408), ("+15005550004", "+15005550006", 21610),
        ("+15005550009", "+15005550006", 21614), (US, "+15005550000", 21606), (US, "+15005550001", 21212),
        (US, "+15005550007", 21606), (US, "+15005550008", 21611), (US, FROM, 21606),
    ],
)
def test_magic_numbers(fakes: Fakes, to: str, sender: str, code: int) -> None:
    """With test credentials every magic number answers as documented."""
    fakes.account(account={"id": ACCOUNT, "kind": "test"})
    with pytest.raises(TwilioRestException) as refusal:
        fakes.client().messages.create(to=to, from_=sender, body=TEXT)
    assert refusal.value.code == code


def test_magic_success(fakes: Fakes) -> None:
    """+15005550006 sends with test credentials: queued, and nothing ever happens."""
    fakes.account(account={"id": ACCOUNT, "kind": "test"})
    sent = fakes.client().messages.create(to=US, from_="+15005550006", body=TEXT, status_callback=HOOK)
    fakes.finish(sent.sid)
    assert sent.status == "queued"
    assert fakes.running.receipts() == []


def test_one_pool_may_be_named_beside_its_member(client: Client) -> None:
    """From and MessagingServiceSid together are fine when the pool holds the number."""
    sent = client.messages.create(to=US, from_=FROM, messaging_service_sid=POOL, body=TEXT)
    assert sent.messaging_service_sid == POOL


@pytest.mark.parametrize("sender", [FROM.lstrip("+"), POOL, "Acme-Codes", "Acme Codes 24", "12345678901234567890"])
def test_malformed_sender(client: Client, sender: str) -> None:
    """A number without its plus, a Messaging Service in From, or an illegal alphanumeric id is 21212."""
    with pytest.raises(TwilioRestException) as refusal:
        client.messages.create(to=GB, from_=sender, body=TEXT)
    assert refusal.value.code == 21212


def test_empty_pool_is_refused(client: Client) -> None:
    """A pool nobody filled sends nothing."""
    with pytest.raises(TwilioRestException) as refusal:
        client.messages.create(to=US, messaging_service_sid=EMPTY_POOL, body=TEXT)
    assert refusal.value.code == 21704
