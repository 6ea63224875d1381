"""What End User Messaging tells of the account, from account state; nothing can be changed here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from otpgate_fakes.aws_sns import eum, questions, sandbox
from otpgate_fakes.aws_sns.origins import identifier
from otpgate_fakes.aws_sns.render import answer

if TYPE_CHECKING:
    from otpgate_contracts.account import Sender
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

CREATED = 1_768_471_200.0
TYPES = {"long_code": "LONG_CODE", "short_code": "SHORT_CODE", "toll_free": "TOLL_FREE"}
LIMITS = {"PHONE_NUMBERS": 5, "POOLS": 3, "CONFIGURATION_SETS": 25, "OPT_OUT_LISTS": 25, "SENDER_IDS": 25, "REGISTRATIONS": 100,
          "REGISTRATION_ATTACHMENTS": 400, "VERIFIED_DESTINATION_NUMBERS": 10}
LIMIT_NAMES = ("TEXT", "VOICE", "MEDIA")
STATUSES = {"approved": "COMPLETE", "pending": "REVIEWING", "rejected": "REQUIRES_UPDATES", "expired": "CLOSED"}
"""A registration's status in the words of account state, and in AWS's."""

DEFAULT_LIST = "Default"

Rows = Callable[["Context", dict[str, Any]], list[dict[str, Any]]]


def arn(context: Context, kind: str, name: str) -> str:
    return f"arn:aws:sms-voice:{region(context)}:{account(context)}:{kind}/{name}"


def region(context: Context) -> str:
    return context.region() or str(context.setting("region") or "us-east-1")


def account(context: Context) -> str:
    """The account number; of state that names none a made-up one."""
    known = context.account_id or ""
    return known if known.isdigit() and len(known) == 12 else "123456789012"


def listed(key: str, rows: Rows) -> Callable[[Context, Request], Reply]:
    """A Describe operation: the rows under a key, in pages."""

    def handle(context: Context, request: Request) -> Reply:
        body = eum.body_of(request, context)
        size, token = body.get("MaxResults", 100), body.get("NextToken")
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 100:
            context.refuse("FIELD_VALIDATION_FAILED", reason="parameter_malformed", what="MaxResults")
        start = 0 if token is None else questions.offset(token) if isinstance(token, str) else None
        if start is None:
            context.refuse("INVALID_NEXT_TOKEN", what="NextToken")
        found = rows(context, body)
        more = {"NextToken": questions.token_of(start + size)} if start + size < len(found) else {}
        head = list_name(context, body) if key == "OptedOutNumbers" else {}
        return answer(context, {**head, key: found[start : start + size], **more})

    return handle


def selected(context: Context, body: dict[str, Any], name: str, kind: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The rows a request names by id, or all; an unknown id is refused."""
    wanted = body.get(name)
    found = dict(rows)
    if not isinstance(wanted, list) or not wanted:
        return [*found.values()]
    picked = []
    for one in wanted:
        value = eum.last(str(one["SenderId"] if isinstance(one, dict) and "SenderId" in one else one))
        if value not in found:
            context.refuse("ResourceNotFoundException", what=value, id=value, type=kind)
        picked.append(found[value])
    return picked


def numbers(context: Context, body: dict[str, Any]) -> list[dict[str, Any]]:
    owned = [(identifier("phone", one.value), one) for one in context.senders if one.number]
    return selected(context, body, "PhoneNumberIds", "phone-number", ((id, number(context, id, one)) for id, one in owned))


def number(context: Context, id: str, sender: Sender) -> dict[str, Any]:
    pool = next((one.value for one in context.senders if one.pool and sender.value in (one.members or ())), None)
    registration = sender.registration
    kind = "TEN_DLC" if registration is not None and registration.scheme == "10dlc" else TYPES.get(sender.kind or "", "LONG_CODE")
    row: dict[str, Any] = {
        "PhoneNumberArn": arn(context, "phone-number", id),
        "PhoneNumberId": id,
        "PhoneNumber": sender.value,
        "Status": "PENDING" if registration is not None and registration.status == "pending" else "ACTIVE",
        "IsoCountryCode": questions.home(sender.value, sender.countries),
        "MessageType": message_type(context),
        "NumberCapabilities": ["VOICE"] if sender.sms is False else ["SMS"],
        "NumberType": kind,
        "MonthlyLeasingPrice": "1.00",
        "TwoWayEnabled": False,
        "SelfManagedOptOutsEnabled": False,
        "OptOutListName": DEFAULT_LIST,
        "InternationalSendingEnabled": sender.countries is None,
        "DeletionProtectionEnabled": False,
        "CreatedTimestamp": CREATED,
    }
    if pool is not None:
        row["PoolId"] = pool
    if registration is not None:
        row["RegistrationId"] = registration.id or identifier("registration", sender.value)
    return row


def message_type(context: Context) -> str:
    leased = context.account.settings.get("message_type") if context.account is not None else None
    return "PROMOTIONAL" if str(leased).upper() == "PROMOTIONAL" else "TRANSACTIONAL"


def sender_ids(context: Context, body: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[tuple[str, dict[str, Any]]] = []
    for sender in context.senders:
        if not sender.alphanumeric:
            continue
        registrations = [one for one in (sender.registration, *(sender.registrations or ())) if one is not None]
        for country in sender.countries or ("GB",):
            done = any(one.status == "approved" and (one.countries is None or country in one.countries) for one in registrations)
            rows.append((sender.value, {
                "SenderIdArn": arn(context, "sender-id", f"{sender.value}/{country}"),
                "SenderId": sender.value,
                "IsoCountryCode": country,
                "MessageTypes": [message_type(context)],
                "MonthlyLeasingPrice": "0.00",
                "DeletionProtectionEnabled": False,
                "Registered": done,
            }))
    if body.get("SenderIds"):
        return selected(context, body, "SenderIds", "sender-id", rows)
    return [row for _, row in rows]


def pools(context: Context, body: dict[str, Any]) -> list[dict[str, Any]]:
    return selected(context, body, "PoolIds", "pool", ((one.value, {
        "PoolArn": arn(context, "pool", one.value),
        "PoolId": one.value,
        "Status": "ACTIVE",
        "MessageType": message_type(context),
        "TwoWayEnabled": False,
        "SelfManagedOptOutsEnabled": False,
        "OptOutListName": DEFAULT_LIST,
        "SharedRoutesEnabled": False,
        "DeletionProtectionEnabled": False,
        "CreatedTimestamp": CREATED,
    }) for one in context.senders if one.pool))


def spend_limits(context: Context, body: dict[str, Any]) -> list[dict[str, Any]]:
    limit = 1 if context.live.spend_limit is None else int(context.live.spend_limit)
    return [
        {
            "Name": f"{name}_MESSAGE_MONTHLY_SPEND_LIMIT", "EnforcedLimit": limit if name == "TEXT" else 1,
            "MaxLimit": limit if name == "TEXT" else 1, "Overridden": False,
        }
        for name in LIMIT_NAMES
    ]


def attributes(context: Context, body: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"Name": "ACCOUNT_TIER", "Value": "SANDBOX" if sandbox.in_sandbox(context) else "PRODUCTION"}]


def account_limits(context: Context, body: dict[str, Any]) -> list[dict[str, Any]]:
    used = {
        "PHONE_NUMBERS": sum(1 for one in context.senders if one.number),
        "POOLS": sum(1 for one in context.senders if one.pool),
        "SENDER_IDS": sum(1 for one in context.senders if one.alphanumeric),
        "CONFIGURATION_SETS": len(eum.configuration_sets(context) or ()),
        "VERIFIED_DESTINATION_NUMBERS": len(sandbox.entries(context)),
    }
    return [{"Name": name, "Used": used.get(name, 0), "Max": most} for name, most in LIMITS.items()]


def configuration_sets(context: Context, body: dict[str, Any]) -> list[dict[str, Any]]:
    names = eum.configuration_sets(context)
    if names is None:
        deployed = context.setting("configuration_set")
        names = [eum.last(str(deployed))] if deployed else []
    return selected(context, body, "ConfigurationSetNames", "configuration-set", ((name, {
        "ConfigurationSetArn": arn(context, "configuration-set", name),
        "ConfigurationSetName": name,
        "EventDestinations": destinations(context),
        "CreatedTimestamp": CREATED,
    }) for name in names))


def destinations(context: Context) -> list[dict[str, Any]]:
    callbacks = context.account.callbacks if context.account is not None else None
    if callbacks is None or not callbacks.status:
        return []
    return [{
        "EventDestinationName": "receipts", "Enabled": True, "MatchingEventTypes": ["TEXT_ALL"],
        "SnsDestination": {"TopicArn": f"arn:aws:sns:{region(context)}:{account(context)}:otp-receipts"},
    }]


def opted_out(context: Context, body: dict[str, Any]) -> list[dict[str, Any]]:
    list_name(context, body)
    wanted = body.get("OptedOutNumbers") or sorted(context.opted_out)
    rows = []
    for one in wanted if isinstance(wanted, list) else ():
        if one not in context.opted_out:
            context.refuse("ResourceNotFoundException", what=str(one), id=str(one), type="opted-out-number")
        rows.append({"OptedOutNumber": one, "OptedOutTimestamp": CREATED, "EndUserOptedOut": True})
    return rows


def list_name(context: Context, body: dict[str, Any]) -> dict[str, str]:
    """The opt-out list that is asked for; every account has the default one."""
    name = body.get("OptOutListName")
    if not isinstance(name, str) or not name:
        context.refuse("MISSING_PARAMETER", what="OptOutListName")
    if eum.last(name) != DEFAULT_LIST:
        context.refuse("ResourceNotFoundException", what=name, id=name, type="opt-out-list")
    return {"OptOutListArn": arn(context, "opt-out-list", DEFAULT_LIST), "OptOutListName": DEFAULT_LIST}


def country_rules(context: Context, request: Request) -> Reply:
    """GetProtectConfigurationCountryRuleSet: countries of the account state, allowed or blocked."""
    body = eum.body_of(request, context)
    name, capability = body.get("ProtectConfigurationId"), body.get("NumberCapability")
    if not isinstance(name, str) or not name:
        context.refuse("MISSING_PARAMETER", what="ProtectConfigurationId")
    if capability not in ("SMS", "VOICE", "MMS", "RCS"):
        context.refuse("FIELD_VALIDATION_FAILED", reason="parameter_malformed", what="NumberCapability")
    rules = context.account.destinations if context.account is not None else None
    found = dict.fromkeys(rules.enabled or (), "ALLOW") | dict.fromkeys(rules.disabled or (), "BLOCK") if rules is not None else {}
    id = eum.last(name)
    return answer(context, {
        "ProtectConfigurationArn": arn(context, "protect-configuration", id), "ProtectConfigurationId": id,
        "NumberCapability": capability, "CountryRuleSet": {country: {"ProtectStatus": status} for country, status in found.items()},
    })


def verified_numbers(context: Context, body: dict[str, Any]) -> list[dict[str, Any]]:
    return selected(context, body, "DestinationPhoneNumbers", "verified-destination-number", ((value, {
        "VerifiedDestinationNumberArn": arn(context, "verified-destination-number", identifier("verified", value)),
        "VerifiedDestinationNumberId": identifier("verified", value),
        "DestinationPhoneNumber": value,
        "Status": "PENDING" if entry.verified is None else "VERIFIED",
        "CreatedTimestamp": CREATED,
    }) for value, entry in sandbox.entries(context).items()))


def registrations(context: Context, body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for sender in context.senders:
        for one in (sender.registration, *(sender.registrations or ())):
            if one is not None:
                id = one.id or identifier("registration", sender.value)
                found.append((id, {
                    "RegistrationArn": arn(context, "registration", id),
                    "RegistrationId": id,
                    "RegistrationType": f"{one.scheme.upper()}_REGISTRATION",
                    "RegistrationStatus": STATUSES[one.status],
                    "CurrentVersionNumber": 1,
                    "CreatedTimestamp": CREATED,
                }))
    return selected(context, body, "RegistrationIds", "registration", found)
