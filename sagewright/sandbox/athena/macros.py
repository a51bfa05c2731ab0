"""Why: where the engine here is more generous with a text than Athena, Athena's own rules are laid before it."""

_DATE = r"\d{4}-\d{1,2}-\d{1,2}"
_CLOCK = r"\d{1,2}:\d{1,2}(:\d{1,2}(\.\d{1,12})?)?"
_ZONE = r"\s*(UTC|Z|[+-]\d{2}:?\d{2})"
_ISO = r"\d{4}-\d{2}-\d{2}(T\d{2}(:\d{2}(:\d{2}([.,]\d{1,9})?)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?"
_NUMBER = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*|NaN|[+-]?Infinity"
_HALF_MS = "INTERVAL 500 MICROSECOND"

# Name: what a text has to look like, the type in the engine, the type in Athena's words, and whether it is rounded to
# the milliseconds that Athena's timestamps have.
_CASTS = {
    "timestamp": (f"{_DATE}( {_CLOCK})?", "TIMESTAMP", "timestamp", True),
    "timestamptz": (f"{_DATE}( {_CLOCK})?({_ZONE})?", "TIMESTAMPTZ", "timestamp with time zone", True),
    "date": (rf"\s*{_DATE}\s*", "DATE", "date", False),
    "double": (_NUMBER, "DOUBLE", "DOUBLE", False),
    "real": (_NUMBER, "REAL", "REAL", False),
    "bigint": (r"[+-]?\d+", "BIGINT", "BIGINT", False),
    "int": (r"[+-]?\d+", "INTEGER", "INT", False),
    "smallint": (r"[+-]?\d+", "SMALLINT", "SMALLINT", False),
    "tinyint": (r"[+-]?\d+", "TINYINT", "TINYINT", False),
    "boolean": ("(?i)t|true|1|f|false|0", "BOOLEAN", "BOOLEAN", False),
}


def _cast(name: str) -> list[str]:
    """Return the macros by which a text becomes another type: one that fails, one that gives nothing."""
    pattern, kind, shown, rounded = _CASTS[name]
    fits = f"regexp_full_match(x, '{pattern}')"
    problem = f"error('INVALID_CAST_ARGUMENT: Value cannot be cast to {shown}: ' || x)"

    def value(cast: str) -> str:
        text = f"{cast}(x AS {kind})"
        return f"date_trunc('millisecond', {text} + {_HALF_MS})" if rounded else text

    failing = f"CASE WHEN x IS NULL THEN NULL WHEN {fits} THEN {value('CAST')} ELSE CAST({problem} AS {kind}) END"
    return [
        f"CREATE MACRO athena_to_{name}(x) AS {failing}",
        f"CREATE MACRO athena_try_{name}(x) AS CASE WHEN {fits} THEN {value('TRY_CAST')} END",
    ]


_NO_MOMENT = "CAST(error('INVALID_FUNCTION_ARGUMENT: Invalid format: \"' || x || '\"') AS "
_MOMENT = (
    "CREATE MACRO athena_from_iso8601_timestamp(x) AS CASE WHEN x IS NULL THEN NULL"
    f" WHEN regexp_full_match(x, '{_ISO}') THEN date_trunc('millisecond', CAST(replace(x, ',', '.') AS TIMESTAMPTZ))"
    f" ELSE {_NO_MOMENT}TIMESTAMPTZ) END"
)
_DAY = (
    "CREATE MACRO athena_from_iso8601_date(x) AS CASE WHEN x IS NULL THEN NULL"
    rf" WHEN regexp_full_match(x, '\d{{4}}-\d{{2}}-\d{{2}}') THEN CAST(x AS DATE) ELSE {_NO_MOMENT}DATE) END"
)
_UNIX_TIME = f"CREATE MACRO athena_from_unixtime(x) AS date_trunc('millisecond', to_timestamp(x) + {_HALF_MS})"
# Athena rounds halves away from zero, the engine to the even number.
_ROUNDED = "CREATE MACRO athena_rounded(x) AS CASE WHEN x < 0 THEN -floor(-x + 0.5) ELSE floor(x + 0.5) END"

MACROS = (*(statement for name in _CASTS for statement in _cast(name)), _MOMENT, _DAY, _UNIX_TIME, _ROUNDED)
