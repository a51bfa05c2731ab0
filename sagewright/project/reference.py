"""The reference page of the project file, generated from the model: no key is undocumented, or documented wrong."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sagewright.project import fields, image, names
from sagewright.project.code import ARGUMENTS
from sagewright.project.feature_fields import PARTITIONS
from sagewright.project.metrics import METRICS, METRICS_OF, SPLITS_OF
from sagewright.project.schema import Schema, build, references

EXAMPLE = """\
name: churn
description: Which customers leave next month
owner: ml-team@example.com
tags: {cost-center: "1234"}

environments:                    # the first trains and holds the registry; every later one serves
  dev:
    account: "111111111111"
    region: eu-west-1
  prod:
    account: "222222222222"
    region: eu-west-1
    serving: {instances: {min: 4}, rollout: {strategy: canary, percent: 25, bake_minutes: 10}}
    security: {log_retention_days: 365}

data:
  source: data/customers.csv
  problem: binary_classification
  label: churned
  positive_label: "Yes"
  record_id: customer_id

training:
  code: src/churn
  instance: {type: ml.m5.xlarge}
  hyperparameters: {learning_rate: 0.1}

evaluation:
  metric: average_precision
  minimum: 0.55
  champion: {tolerance: 0.005}

serving:
  instances: {type: ml.m5.large, min: 1}

security:
  permissions_boundary: developer-boundary

repository: {provider: codecommit, name: churn}
approval: {registry: manual, prod: manual}
"""

# How what is in a list or mapping is written in the name of a key.
_ITEM = {"FeatureGroup": ".<group>", "Feature": ".<feature>", "Join": "[]"}
# A longer list is in the schema, where editors read it.
_LONGEST_LIST = 12

FEATURES = """\
data:
  source: data/departures.csv
  event_time: scheduled_at
  problem: binary_classification
  label: late
  split: {by: time, test: 0.2}
  join:
    - {group: schedule, on: flight}
    - {group: weather, on: origin, features: [wind], look_back_hours: 24}

features:
  schedule:                      # brings `origin`, by which the weather is found
    source: s3://bucket/schedule/
    record_id: flight
    event_time: valid_since
    features: {origin: string, seats: integral}
  weather:
    version: 1
    source: s3://bucket/weather/
    transform: weather_features
    record_id: station
    event_time: observed_at
    features:
      wind: fractional
      visibility: {type: fractional, description: How far one sees, unit: miles}
    online: {time_to_live: {value: 30, unit: days}}
    ingest: {schedule: hourly}
    fresh_hours: 24
  airports:
    use: other-project/airports@2
    record_id: airport
    event_time: since
    features: {runways: integral}
"""

_HEAD = f"""\
# The project file

`project.yaml` declares the whole project. `sagewright check` reads it, and says everything that is wrong with it at
once: the file, the line, the key, what was received, what is allowed, what to do. A key that is not on this page is an
error, never accepted and ignored.

This page and `sagewright/project/project.schema.json`, from which editors complete keys and explain them, are written
by `python -m sagewright.project` from the model that checks the file.

```yaml
{EXAMPLE}```
"""

_OVERRIDES = """\
## Environments

The first environment trains and holds the registry, every later one serves; a single one does both. An environment
overrides `data`, `training`, `evaluation`, `serving`, `monitoring`, `network` or `security` for itself by repeating the
keys that differ: mappings are merged key by key, everything else is replaced; `minimum` and `maximum` replace each
other, and another `network.mode` or `serving.rollout.strategy` drops what was written for the one before. What the
first environment overrides of `data`, `training` and `evaluation` holds for all; `network` and `security` are each
environment's own. The file must be valid without its overrides, and each environment with its own: a fault is reported
at the environment's line when the override brought it about. What an environment would ignore is refused: `serving`
where nothing is served, `data`, `training` and `evaluation` where nothing is trained.

All environments are in one region, because a release cannot yet carry the image into another. Either all of them name
their account, or none does: then it is that of the credentials in use.
"""

_FEATURE_GROUPS = f"""\
## Features

`features` declares groups, and `data.join` gives every labelled row what they held at its event time: of all records of
the row's key that are not younger than the row, the newest. A row without a record keeps missing values; no row is lost
or doubled. `sagewright features infer FILE` writes a group's declaration from a sample of its rows.

```yaml
{FEATURES}```

A feature can be added to a group at any time, up to 100 with one deployment. Besides, only `online.time_to_live` (not
its removal), `throughput`, `source`, `transform`, `ingest`, `fresh_hours`, descriptions and units can change, and of
new features, time to live and throughput one with a deployment. Everything else is a new `version`, which
`sagewright features migrate GROUP` fills from the one before: SageMaker would replace the group by an empty one, so
that the deployment is refused. A version or group that leaves the file stays in the account.

Names in a table of the catalog have no case and no hyphen, and those of its partitions in Glue's format are taken:
{", ".join(f"`{name}`" for name in PARTITIONS)}. Where features are declared, no environment is called like a version
(`v1`).
"""

_FUNCTIONS = """\
## The functions

The package in `training.code` holds plain functions, each defined in one module or named in `__init__.py`:
"""

_RETURNS = {
    "features": ("the columns as they are", "a data frame with one row for each row of `raw`, computed row by row"),
    "fit": ("required", "the fitted estimator: it has `predict`, and for probabilities `predict_proba`"),
    "evaluate": ("", "a mapping of names to numbers, shown beside the standard metrics"),
}

_COLUMNS = f"""\
They may import Python's own modules, the package itself, and
{", ".join(f"`{name}`" for name in sorted(image.PACKAGES))}.

`raw` has every column of the table but the label and the record id. A column holds whole numbers (with gaps, they are
`float64`), numbers, booleans or text, as decided once from the whole table; it is the same in CSV, in Parquet and in
every request. What is missing is `NaN`. Dates and times are text in ISO 8601, for `pd.to_datetime`; categories are
their values; digits with leading zeros, such as 00501, are text.

`sagewright deploy` takes the package and the project file to where they run. After a change of either, deploy before
you train.
"""

_NAMES = f"""\
## Names

Every name in AWS is made of the project's and the environment's. The tightest limit is that of S3 buckets, 63
characters for `{names.data_bucket("<project>", "<environment>", "<account>", "<region>")}`.
In eu-west-1 that leaves {63 - len(names.data_bucket("", "", "0" * names.ACCOUNT_DIGITS, "eu-west-1"))}
characters for project and environment together.

Each resource may have {fields.TAGS} tags, of which {len(fields.OWN_TAGS)} are ours:
{", ".join(f"`{tag}`" for tag in fields.OWN_TAGS)}.
"""


def text() -> str:
    """Write the page as it is committed."""
    schema = build()
    parts = [_HEAD, "## Keys\n", _table(_rows(schema, schema)), _OVERRIDES]
    parts.append("An environment's own keys:\n")
    parts.append(_table(_rows(schema, schema["$defs"]["Environment"], "environments.<name>.")))
    parts += [_FEATURE_GROUPS, "## Problems and metrics\n", _metrics(), _FUNCTIONS, _functions(), _COLUMNS, _NAMES]
    return "\n".join(parts)


def _table(rows: Iterator[tuple[str, ...]]) -> str:
    head = ("key", "takes", "left out", "what it is")
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ("---",) * len(head), *rows))


def _rows(schema: Schema, section: Schema, prefix: str = "") -> Iterator[tuple[str, ...]]:
    """Describe every key below a section; overrides are described where they first stand."""
    for key, prop in section["properties"].items():
        held = references(prop)
        if any(name.endswith("Override") for name in held):
            continue
        if not _is_only_keys(prop):
            left_out = "required" if key in section.get("required", []) else _default(prop)
            yield f"`{prefix}{key}`", _takes(prop), left_out, prop["description"]
        for name in held:
            yield from _rows(schema, schema["$defs"][name], f"{prefix}{key}{_ITEM.get(name, '')}.")


def _is_only_keys(prop: Schema) -> bool:
    """Tell whether a key holds a mapping and nothing else, which its own keys say better."""
    kinds = [each for each in prop.get("anyOf", [prop]) if each.get("type") != "null"]
    return all("$ref" in each for each in kinds)


def _default(prop: dict[str, Any]) -> str:
    return f"`{json.dumps(prop['default'])}`" if prop.get("default") not in (None, "", {}, []) else ""


def _takes(prop: dict[str, Any]) -> str:
    kinds = [each for each in prop.get("anyOf", [prop]) if each.get("type") != "null"]
    words = {"object": "mapping", "string": "text", "array": "list"}
    kind = " or ".join("mapping" if "$ref" in each else words.get(each["type"], each["type"]) for each in kinds)
    options = next((each["enum"] for each in kinds if "enum" in each), None)
    if options is not None:
        listed = ", ".join(f"`{option}`" for option in options)
        listed += " or mapping" * any("$ref" in each for each in kinds)
        return listed if len(options) <= _LONGEST_LIST else f"one of the {len(options)} in the schema"
    example = prop.get("examples", [None])[0]
    return kind if example is None else f"{kind}, such as `{json.dumps(example)}`"


def _metrics() -> str:
    rows = [("`data.problem`", "`data.split.by`", "`evaluation.metric`", "its bound"), ("---",) * 4]
    for problem, metrics in METRICS_OF.items():
        splits = _choices(SPLITS_OF[problem], SPLITS_OF[problem][0])
        for bound in ("minimum", "maximum"):
            listed = _choices([metric for metric in metrics if METRICS[metric].bound == bound], metrics[0])
            rows.append((f"`{problem}`", splits, listed, f"`{bound}`"))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _functions() -> str:
    rows = [("function", "returns", "left out"), ("---",) * 3]
    for function, arguments in ARGUMENTS.items():
        left_out, returns = _RETURNS[function]
        rows.append((f"`{function}({', '.join(arguments)})`", returns, left_out))
    rows.append(("the `transform` of a group, `(raw)`", "a data frame with the group's columns", ""))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _choices(options: Sequence[str], default: str) -> str:
    return ", ".join(f"`{option}`{' (default)' * (option == default)}" for option in options)
