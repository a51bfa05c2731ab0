"""Why: of a table with partitions only those are read that are registered, or that its projection makes up.

https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .catalog import Catalog, Described
from .failures import QueryError, lacking

DEFAULT = "__HIVE_DEFAULT_PARTITION__"
Values = dict[str, str | None]
_NOW = re.compile(r"NOW\s*(?:([+-])\s*(\d+)\s*(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?)?")
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
# Java's letters of dates, and Python's.
_LETTERS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_FORM = re.compile(r"yyyy|MM|dd|HH|mm|ss|'([^']*)'|[A-Za-z]+")
_UNITS_S = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400, "WEEK": 604800, "MONTH": 2678400, "YEAR": 31622400}


@dataclass(frozen=True)
class Source:
    """A place in which objects lie, and how to tell the values of the partition that one belongs to."""

    location: str
    values_of: Callable[[str], Values | None]
    """Of a path below the location; None for what belongs to no partition."""


def sources(described: Described, catalog: Catalog, now_s: float) -> list[Source]:
    """Return where the objects of a table are."""
    if described.metadata:
        return [Source(f"{described.location.rstrip('/')}/data/", lambda _: {})]
    if not described.keys:
        return [Source(described.location, lambda _: {})]
    if described.projected:
        return [_projected(described, now_s)]
    return _registered(described, catalog)


def _registered(described: Described, catalog: Catalog) -> list[Source]:
    """Return the partitions' places; those below the table's are looked for with one listing."""
    root = described.location.rstrip("/") + "/"
    inside: dict[str, Values] = {}
    found: list[Source] = []
    for location, values in catalog.partitions(described):
        kept: Values = {name: None if value == DEFAULT else value for name, value in values.items()}
        place = location.rstrip("/") + "/"
        if place.startswith(root) and place != root:
            inside[place.removeprefix(root)] = kept
        else:
            found.append(Source(place, lambda _, kept=kept: kept))
    if inside:
        found.append(Source(root, lambda path: next(_of(path, inside), None)))
    return found


def _of(path: str, inside: dict[str, Values]) -> Iterator[Values]:
    parts = path.split("/")
    for count in range(len(parts) - 1, 0, -1):
        folder = "/".join(parts[:count]) + "/"
        if folder in inside:
            yield inside[folder]


def _projected(described: Described, now_s: float) -> Source:
    """Return the one place below which the projection makes partitions up."""
    root = described.location.rstrip("/") + "/"
    template = described.settings.get("storage.location.template", "")
    if template:
        template = template.rstrip("/") + "/"
        missing = set(described.keys) - set(_PLACEHOLDER.findall(template))
        if missing:
            raise _wrong(described, f"the storage location template has no ${{{min(missing)}}}")
        root, _, rest = template.partition("${")
        form = "${" + rest
        root, _, begins = root.rpartition("/")
        root, form = f"{root}/", begins + form
    else:
        form = "".join(f"{name}=${{{name}}}/" for name in described.keys)
    pattern = re.compile(_PLACEHOLDER.sub(lambda match: f"(?P<{match[1]}>[^/]+)", _escaped(form)))
    admits = {name: _admission(described, name, now_s) for name in described.keys}

    def values_of(path: str) -> Values | None:
        match = pattern.match(path)
        if match is None or not all(admits[name](match[name]) for name in admits):
            return None
        return {name: match[name] for name in admits}

    return Source(root, values_of)


def _escaped(form: str) -> str:
    pieces = _PLACEHOLDER.split(form)
    return "".join(f"${{{each}}}" if number % 2 else re.escape(each) for number, each in enumerate(pieces))


def _admission(described: Described, name: str, now_s: float) -> Callable[[str], bool]:
    """Return what tells whether a value is one of those that the projection makes up for a key."""
    settings = described.settings

    def setting(part: str, default: str | None = None) -> str:
        found = settings.get(f"projection.{name}.{part}", default)
        if found is None:
            raise _wrong(described, f"there is no projection.{name}.{part}")
        return found

    kind = setting("type")
    if kind == "enum":
        listed = {each.strip() for each in setting("values").split(",")}
        return lambda value: value in listed
    if kind == "integer":
        return _integers(setting)
    if kind == "date":
        return _dates(setting, now_s)
    if kind == "injected":
        raise lacking(f"injected partition projection ({described.table.name}.{name})")
    raise _wrong(described, f"projection.{name}.type is {kind}, not enum, integer, date or injected")


def _integers(setting: Callable[..., str]) -> Callable[[str], bool]:
    low, high = (int(each) for each in setting("range").split(","))
    step, digits = int(setting("interval", "1")), int(setting("digits", "0"))

    def admits(value: str) -> bool:
        if not re.fullmatch(r"-?\d+", value):
            return False
        number = int(value)
        written = f"{number:0{digits}d}" if digits else str(number)
        return written == value and low <= number <= high and (number - low) % step == 0

    return admits


def _dates(setting: Callable[..., str], now_s: float) -> Callable[[str], bool]:
    form = _python_form(setting("format"))
    first, last = (_moment(each.strip(), form, now_s) for each in setting("range").split(","))

    def admits(value: str) -> bool:
        try:
            moment = datetime.strptime(value, form).replace(tzinfo=UTC)
        except ValueError:
            return False
        return first <= moment <= last and moment.strftime(form) == value

    return admits


def _moment(text: str, form: str, now_s: float) -> datetime:
    match = _NOW.fullmatch(text)
    if match is None:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    now = datetime.fromtimestamp(now_s, UTC)
    if not match[2]:
        return now
    shift = timedelta(seconds=int(match[2]) * _UNITS_S[match[3]])
    return now + shift if match[1] == "+" else now - shift


def _python_form(form: str) -> str:
    def letters(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1]
        if match[0] not in _LETTERS:
            raise lacking(f"{match[0]} in the format of projected dates")
        return _LETTERS[match[0]]

    return _FORM.sub(letters, form.replace("%", "%%"))


def _wrong(described: Described, problem: str) -> QueryError:
    named = f"{described.table.database}.{described.table.name}"
    return QueryError(f"INVALID_TABLE_PROPERTY: Table {named} is configured for partition projection, but {problem}.")


def literal(value: Any) -> str:
    """Return a value as a literal of the engine."""
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
