"""Two questions to Azure Resource Manager: the resource itself, and who subscribed to its events. Account state answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from otpgate_fakes.azure_acs import events
from otpgate_fakes.azure_acs.render import reply

if TYPE_CHECKING:
    from otpgate_fakes.core.context import Context
    from otpgate_fakes.core.fake import Reply, Request

STATES = {"suspended": "Suspended", "closed": "Deleting"}


def asked(context: Context, request: Request) -> str:
    """The id of the resource of the path; one of another name is not there."""
    if not dict(request.query).get("api-version"):
        context.refuse("ApiVersionUnspecified")
    named, own = request.path_params.get("resource", ""), context.live.principal
    if own is not None and named.lower() != own.lower():
        context.refuse(reason="resource_missing")
    return request.path.partition("/providers/Microsoft.EventGrid")[0]


def get_resource(context: Context, request: Request) -> Reply:
    id = asked(context, request)
    name = id.rpartition("/")[2]
    status = context.account.account.status if context.account is not None else None
    return reply(context, {
        "id": id, "name": name, "type": "Microsoft.Communication/CommunicationServices", "location": "global",
        "properties": {
            "provisioningState": STATES.get(status or "", "Succeeded"), "hostName": f"{name.lower()}.communication.azure.com",
            "dataLocation": "United States",
        },
    })


def list_subscriptions(context: Context, request: Request) -> Reply:
    """The subscription that carries reports, with its schema, its events and its endpoint without the query."""
    id = asked(context, request)
    url = events.subscribed(context)
    if url is None:
        return reply(context, {"value": []})
    properties: dict[str, Any] = {
        "topic": id,
        "provisioningState": "Succeeded" if events.validated(context, url) else "AwaitingManualAction",
        "destination": {"endpointType": "WebHook", "properties": {"endpointBaseUrl": urlunsplit((*urlsplit(url)[:3], "", ""))}},
        "filter": {"includedEventTypes": events.included(context) or [events.REPORTED]},
        "eventDeliverySchema": events.CLOUD if events.cloud(context) else "EventGridSchema",
        "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
    }
    name = events.NAME.lower()
    return reply(context, {"value": [{
        "id": f"{id}/providers/Microsoft.EventGrid/eventSubscriptions/{name}", "name": name,
        "type": "Microsoft.EventGrid/eventSubscriptions", "properties": properties,
    }]})
