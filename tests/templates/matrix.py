"""Every way to declare the seed that changes its templates: environments, network, rollout, monitor, delivery, …"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")
ACCOUNTS = {"dev": "111111111111", "staging": "222222222222", "prod": "333333333333"}
NETWORKS: dict[str, dict[str, Any]] = {
    "none": {"mode": "none"},
    "create": {"mode": "create"},
    "import": {
        "mode": "import",
        "vpc_id": "vpc-0123456789abcdef0",
        "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "security_groups": ["sg-0123456789abcdef0"],
    },
}
ROLLOUTS: dict[str, dict[str, Any]] = {
    "all_at_once": {"strategy": "all_at_once", "bake_minutes": 5, "latency_ms": 200},
    "canary": {"strategy": "canary", "percent": 50, "bake_minutes": 10},
    "linear": {"strategy": "linear", "percent": 50, "bake_minutes": 10},
    "rolling": {"strategy": "rolling", "percent": 50, "bake_minutes": 10},
}
# What watches the endpoint goes with the rollout, so that each is checked in every network.
WATCHES: dict[str, dict[str, dict[str, Any]]] = {
    "all_at_once": {},
    "canary": {"monitoring": {"engine": "model_monitor", "schedule": "daily"}},
    "linear": {"monitoring": {"schedule": "daily"}, "serving": {"capture_percent": 10}},
    "rolling": {"monitoring": {"engine": "none"}, "serving": {"capture_percent": 0}},
}
# What a platform team asks for; the sections of the file that it goes to.
SETTINGS: dict[str, dict[str, Any]] = {
    "security": {
        "permissions_boundary": "platform-boundary",
        "log_retention_days": 90,
        "bootstrap_qualifier": "mlteam",
    },
    "training": {"environment": {"OMP_NUM_THREADS": "2"}},
    "serving": {"environment": {"LOG_LEVEL": "info"}},
}
_WITH_SETTINGS = {("none", "rolling"), ("create", "canary")}
_CONNECTION = "arn:aws:codeconnections:eu-west-1:111111111111:connection/00000000-0000-0000-0000-000000000000"
# How the project is delivered goes with the network and the rollout, so that each is checked once in every region.
DELIVERIES: dict[tuple[str, str], dict[str, dict[str, Any]]] = {
    ("none", "all_at_once"): {"repository": {"provider": "codecommit", "name": "churn"}},
    ("none", "rolling"): {
        "repository": {"provider": "github", "name": "example/churn", "connection_arn": _CONNECTION},
        "approval": {"prod": "automatic"},
    },
    ("create", "canary"): {
        "repository": {"provider": "codecommit", "name": "churn", "branch": "release/next"},
        "delivery": {"approval_hours": 24, "review_days": 30},
    },
    ("none", "linear"): {
        "repository": {"provider": "github", "name": "example/churn"},
        "delivery": {"provider": "github_actions", "identity_provider": "import"},
    },
    ("create", "rolling"): {
        "repository": {"provider": "gitlab", "name": "example/models/churn"},
        "delivery": {"provider": "jenkins", "issuer": "https://jenkins.example.com/oidc"},
    },
    ("import", "linear"): {
        "repository": {"provider": "azure_devops", "name": "example/churn/churn", "connection_arn": _CONNECTION},
    },
}
# What is kept in a feature store, joined, fed by the clock and by files, and read by id.
_STORE: dict[str, dict[str, Any]] = {
    "data": {
        "source": "s3://example-bookings/rows/",
        "event_time": "at",
        "known_by": "api_invocation_time",
        "join": [{"group": "weather", "on": "place", "look_back_hours": 24}],
    },
    "features": {
        "weather": {
            "source": "s3://example-weather/seen/",
            "record_id": "place",
            "event_time": "seen_at",
            "features": {"wind": "fractional"},
            "online": {"time_to_live": {"value": 30, "unit": "days"}},
            "ingest": {"schedule": "daily"},
            "fresh_hours": 48,
        },
        "trains": {
            "version": 2,
            "record_id": "train",
            "event_time": "since",
            "features": {"seats": "integral"},
            "offline": "iceberg",
            "throughput": {"reads": 10, "writes": 10},
        },
    },
}
# A group of another project is joined, too, where everything is in that one's account.
_BORROWED: dict[str, dict[str, Any]] = {
    "data": {**_STORE["data"], "join": [*_STORE["data"]["join"], {"group": "prices", "on": "place"}]},
    "features": {
        **_STORE["features"],
        "prices": {
            "use": "market/prices@3",
            "record_id": "place",
            "event_time": "at",
            "features": {"price": "fractional"},
        },
    },
}
_WITH_STORE = {("create", "linear"), ("import", "rolling")}


@dataclass(frozen=True)
class Variant:
    """One way to declare the seed; `sections` are merged into its project file."""

    name: str
    sections: dict[str, dict[str, Any]]


def variants(region: str, *, several: bool) -> Iterator[Variant]:
    """One environment or three, in every network with every rollout; two of these have the settings, too."""
    for network, rollout in product(NETWORKS, ROLLOUTS):
        store = _STORE if several else _BORROWED
        chosen = SETTINGS if (network, rollout) in _WITH_SETTINGS else {}
        watch = WATCHES[rollout]
        delivery = DELIVERIES.get((network, rollout), {})
        # What another system's files name are roles of one account.
        account = {"account": ACCOUNTS["dev"]} if "provider" in delivery.get("delivery", {}) else {}
        serving = {"instances": {"min": 2}, "rollout": ROLLOUTS[rollout]} | chosen.get("serving", {})
        yield Variant(
            f"{'three' if several else 'one'} {network} {rollout} {region}",
            {
                "environments": _three(region) if several else {"dev": {"region": region, **account}},
                "network": NETWORKS[network],
                **chosen,
                **delivery,
                **(store if (network, rollout) in _WITH_STORE else {}),
                "serving": serving | watch.get("serving", {}),
                "monitoring": watch.get("monitoring", {}),
            },
        )


def _three(region: str) -> dict[str, dict[str, Any]]:
    return {name: {"account": account, "region": region} for name, account in ACCOUNTS.items()}
