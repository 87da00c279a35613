"""Graph's answers about licences: what the organisation bought and what an account has of it."""

from __future__ import annotations

from typing import Any, Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_collections import paged
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_replies import not_found
from emberwatch.simulator.messages import Reply
from emberwatch.simulator.scenario import PlanScenario, SkuScenario, stable_id
from emberwatch.simulator.state import DirectoryState
from emberwatch.simulator.user_properties import skus_of

# fmt: off
_SKU_PROPERTIES: Final = frozenset({
    "id", "accountId", "accountName", "appliesTo", "capabilityStatus", "consumedUnits", "prepaidUnits",
    "servicePlans", "skuId", "skuPartNumber", "subscriptionIds",
})
# fmt: on
_DETAIL_PROPERTIES: Final = frozenset({"id", "servicePlans", "skuId", "skuPartNumber"})
_UNITS: Final = {
    "Enabled": "enabled",
    "Warning": "warning",
    "Suspended": "suspended",
    "LockedOut": "lockedOut",
}


def list_licence_details(call: Call) -> Reply:
    """``GET /users/{id}/licenseDetails``."""
    user = call.directory.find(call.params["id"])
    if user is None:
        raise not_found(call.params["id"])
    rows = [
        {
            "id": stable_id(f"licence {user.id} {sku.part_number}"),
            "servicePlans": [_plan(plan) for plan in sku.plans],
            "skuId": sku.object_id,
            "skuPartNumber": sku.part_number,
        }
        for sku in skus_of(user.scenario, call.directory.scenario)
    ]
    return paged(call, "licenseDetails", rows, _DETAIL_PROPERTIES)


def list_subscribed_skus(call: Call) -> Reply:
    """``GET /subscribedSkus``."""
    rows = [_sku(sku, call.directory) for sku in call.directory.scenario.skus]
    return paged(call, "subscribedSkus", rows, _SKU_PROPERTIES)


def _plan(plan: PlanScenario) -> dict[str, Any]:
    return {
        "appliesTo": "User",
        "provisioningStatus": "Success",
        "servicePlanId": plan.object_id,
        "servicePlanName": plan.name,
    }


def _sku(sku: SkuScenario, directory: DirectoryState) -> Object:
    used = sum(1 for user in directory.present() if sku.part_number in user.scenario.licences)
    units = dict.fromkeys(_UNITS.values(), 0)
    if sku.status in _UNITS:
        units[_UNITS[sku.status]] = sku.units
    return {
        "id": f"{directory.id}_{sku.object_id}",
        "accountId": directory.id,
        "accountName": directory.scenario.name,
        "appliesTo": "User",
        "capabilityStatus": sku.status,
        "consumedUnits": used,
        "prepaidUnits": units,
        "servicePlans": [_plan(plan) for plan in sku.plans],
        "skuId": sku.object_id,
        "skuPartNumber": sku.part_number,
        "subscriptionIds": [stable_id(f"subscription {directory.id} {sku.part_number}")],
    }
