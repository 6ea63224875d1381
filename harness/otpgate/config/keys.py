"""Every key of the manifest: what kind of value it takes, and one sentence that says what it means.

The reader refuses what is not listed here; the published JSON Schema and the reference page are made from it.
Kinds: text, number, whole, duration, rate, fraction, boolean, switch (boolean or word), words (a list), word
(one of `words`), text_map (one text, or one per country or locale), codes, file, map, list, tree (maps and lists of any depth), and names of sections.
"""

from __future__ import annotations

from msgspec import Struct


class Key(Struct, frozen=True):
    kind: str
    doc: str
    words: tuple[str, ...] = ()
    example: str = ""


PROFILES = ("production", "staging", "test")
PRODUCTS = ("sms", "verify", "messages", "end_user_messaging")
NUMBER_FORMS = ("e164", "e164_without_plus", "national")
CAUSES = ("error", "timeout", "undelivered")
WHO = ("service", "provider")

MANIFEST = {
    "service": Key("service", "The OTP service under test."),
    "gateways": Key("gateways", "The configured provider accounts, by a name of your choice."),
    "routes": Key("routes", "Who is served through what, in failover order."),
    "failover": Key("failover", "When the service moves on to the next gateway."),
    "otp": Key("otp", "The one-time-passcode policy of the service."),
    "objectives": Key("objectives", "What users are promised."),
    "profile": Key("word", "The kind of deployment that is judged.", PROFILES),
    "ignore": Key("ignore", "Findings that are accepted, each with a reason."),
    "test_numbers": Key("test_numbers", "Destination numbers to use, by country."),
    "options": Key("options", "Defaults of command-line options, by their long name."),
}
SERVICE = {
    "name": Key("text", "The name of the service in reports."),
    "start": Key("start", "How the service is started, or where it runs."),
    "environment": Key("environment", "The deployed configuration under test, unmodified."),
    "needs": Key("needs", "What the service cannot run without: a database, a cache."),
    "allow": Key("words", "Hosts the service may really reach; everything else is fenced off."),
    "dependencies": Key("words", "Files that pin the versions of the service's SDKs."),
    "public_url": Key("text", "The URL under which providers reach the service."),
    "edge": Key("edge", "The proxy that stands in front of the service."),
    "api": Key("api", "How a code is requested and verified."),
    "preset": Key("text", "The name of a known OTP service whose environment names are bound."),
}
START = {
    "command": Key("words", "The command of the service; `{port}` and `{workdir}` are filled in."),
    "image": Key("text", "The container image of the service."),
    "url": Key("text", "Where the service already runs."),
    "directory": Key("text", "The folder the command runs in."),
    "ready": Key("text", "The path that answers when the service is ready."),
    "ready_within": Key("duration", "How long the service may take to get ready."),
    "port": Key("whole", "The port the image listens on."),
    "environment": Key("texts", "Variables added on top, never secrets."),
}
NEED = {
    "image": Key("text", "The container image."),
    "command": Key("words", "The command."),
    "alias": Key("text", "The host name under which the service reaches it."),
    "port": Key("whole", "The port it listens on."),
    "environment": Key("texts", "Its environment."),
}
EDGE = {
    "forwarded": Key("words", "The forwarded headers the proxy sets."),
    "strip_prefix": Key("text", "The path prefix the proxy removes."),
}
API = {
    "request_code": Key("call", "The call that requests a code."),
    "verify_code": Key("call", "The call that verifies a code."),
}
STEP = {
    "method": Key("word", "The HTTP method.", ("GET", "POST", "PUT", "PATCH", "DELETE")),
    "path": Key("text", "The path, from `/`."),
    "json": Key("json", "A JSON body; `{phone}`, `{code}`, `{client_ip}` and captured names are filled in."),
    "form": Key("texts", "A form body."),
    "query": Key("texts", "Query parameters."),
    "headers": Key("texts", "Request headers."),
    "capture": Key("capture", "Values to keep for later steps."),
    "accepted": Key("statuses", "Status codes that mean yes."),
    "refused": Key("statuses", "Status codes that mean no."),
    "within": Key("duration", "How long the answer may take."),
}
CALL = {"steps": Key("steps", "Several calls, one after the other."), **STEP}
CAPTURE = {
    "json": Key("text", "A path into the JSON answer, as in `data.token`."),
    "header": Key("text", "The name of a response header."),
    "cookie": Key("text", "The name of a cookie."),
    "regex": Key("text", "A regular expression; its first group is kept, else the whole match."),
}
GATEWAY = {
    "provider": Key("provider", "The provider's id."),
    "product": Key("word", "The provider's product.", PRODUCTS),
    "account": Key("account", "The file with the account's state."),
    "sender": Key("text_map", "The sender: one, or one per country (`*` for all others)."),
    "status_callback": Key("text", "The URL that delivery receipts are sent to."),
    "callback_secret": Key("text", "The secret that receipts are signed with, where it is not the credential."),
    "base_url": Key("text", "The base URL of the provider's API, where the service overrides it."),
    "timeout": Key("duration", "How long the service waits for the provider."),
    "attempts": Key("whole", "How often the service tries one send, the first one included."),
    "retry_on": Key("words", "What the service tries again on: status codes, error codes, timeout, connection."),
    "verify_tls": Key("boolean", "Whether the service verifies the provider's certificate."),
    "proxy": Key("text", "The proxy the service calls the provider through."),
    "validity_period": Key("duration", "How long the provider may try to deliver."),
    "receipts": Key("boolean", "Whether the service asks for delivery receipts."),
    "number_form": Key("word", "How recipient numbers stand on the wire.", NUMBER_FORMS),
    "default_country": Key("country", "The country of national numbers."),
    "ca_bundle": Key("text", "The CA bundle the service trusts."),
    "template_id": Key("text_map", "The registered template or flow: one, or one per country or locale."),
    "entity_id": Key("text", "The DLT principal entity."),
    "sdk": Key("text", "The SDK in use, as `name==version`."),
}
ROUTE = {
    "countries": Key("words", "Destination countries (ISO 3166, two letters)."),
    "gateways": Key("words", "Gateways in failover order."),
    "share": Key("fraction", "The share of users on this route, 0.85 or 85%."),
}
FAILOVER = {
    "when": Key("words", "The causes that move a code to the next gateway.", CAUSES),
    "receipt_timeout": Key("duration", "How long a receipt may take before delivery counts as failed."),
}
OTP = {
    "digits": Key("whole", "The length of a code."),
    "lifetime": Key("duration", "How long a code is valid."),
    "template": Key("text_map", "The message: one text, or one per locale; `{code}` stands for the code."),
    "placeholder": Key("text", "The placeholder of the code, where it is an unusual one."),
    "max_attempts": Key("whole", "How many wrong codes are answered before the code is void."),
    "resend_after": Key("duration", "How long a user waits before asking again."),
    "resend_limit": Key("whole", "How many codes a user may ask for."),
    "max_segments": Key("whole", "How many segments a message may take."),
    "issued_by": Key("word", "Who makes the code.", WHO),
    "verified_by": Key("word", "Who checks the code.", WHO),
    "static_codes": Key("codes", "Codes that always verify; empty in production."),
    "mock": Key("switch", "Whether the service only pretends to send, or the sink it sends to."),
    "autofill": Key("autofill", "What lets a phone fill in the code."),
    "lifetime_probe": Key("texts", "An environment override that shortens the lifetime for the expiry scenario."),
}
AUTOFILL = {
    "domain": Key("text", "The domain of the last line (`@example.com #123456`)."),
    "android_hash": Key("text", "The hash of the Android application, eleven characters."),
}
OBJECTIVES = {
    "delivered_within": Key("duration", "How long a code may take to arrive."),
    "failover_within": Key("duration", "How long it may take when the first gateway fails."),
    "success_rate": Key("fraction", "The share of codes that must arrive."),
    "peak": Key("rate", "The most codes asked for, as in `5/s`."),
}
OPTIONS = {
    "format": Key("words", "Report formats, as NAME or NAME:FILE."),
    "fail_on": Key("word", "The lowest severity that fails.", ("error", "warning", "note")),
    "select": Key("words", "Only these rules or families."),
    "ignore": Key("words", "Not these rules or families."),
    "baseline": Key("text", "A file of accepted findings."),
    "engine": Key("word", "Where the service runs.", ("auto", "process", "docker")),
    "gateway": Key("words", "Only these gateways."),
    "country": Key("words", "Only these destination countries."),
    "scenario": Key("words", "Only these scenarios."),
    "jobs": Key("whole", "Lanes that run side by side."),
    "seed": Key("whole", "The seed of numbers, ids and order."),
    "unfenced": Key("boolean", "Run without a fence, with twins of the secrets."),
}
ENVIRONMENT = {
    "file": Key("text", "The path, with the part after `#` where the file holds several."),
    "loader": Key("text", "How the file is read; recognised by content when it is not said."),
}
IGNORE = {
    "rule": Key("text", "The id, name or family of the rule."),
    "reason": Key("text", "Why the finding is accepted."),
    "gateway": Key("text", "Only for this gateway."),
    "file": Key("text", "Only in this file."),
    "key": Key("text", "Only at this key."),
    "country": Key("text", "Only for this country."),
    "until": Key("text", "The last day of the exception, YYYY-MM-DD."),
}
TRANSLATION = {
    "value": Key("text", "The deployed value."),
    "true_when": Key("words", "The words that mean true."),
}
CODES = {
    "codes": Key("words", "The codes."),
    "numbers": Key("words", "The numbers they hold for."),
}
URL_PARTS = ("scheme", "username", "password", "host", "port", "path", "query")

# What pack data calls the kinds of a provider's own settings.
PACK_KINDS = {
    "bool": "boolean", "number": "number", "duration": "duration", "tree": "tree",
}
