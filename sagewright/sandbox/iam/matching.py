"""Why: a pattern of a policy is compiled once; only one with variables is worked out for each request.

Strings and ARNs match differently: in an ARN a wildcard stays within its segment (the sixth holds the rest).
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Context = Mapping[str, str | Sequence[str]]  # condition keys in lower case
Test = Callable[[str, Context], bool]  # whether a value of the request matches what the policy says

_SPECIAL = re.compile(r"\$\{([^}]*)\}|([*?])")
_DEFAULT = re.compile(r"(.*?), '(.*)'", re.DOTALL)
_PREFIX_COLONS = 5  # arn:partition:service:region:account:resource


@dataclass(frozen=True)
class _Literal:
    text: str


@dataclass(frozen=True)
class _Wildcard:
    sign: str  # * or ?


@dataclass(frozen=True)
class _Variable:
    key: str
    default: str | None

    def value(self, context: Context) -> str | None:
        """Return the value, or None where the request has none; a key with several values is no variable."""
        found = context.get(self.key)
        return found if isinstance(found, str) and found else self.default


_Token = _Literal | _Wildcard | _Variable


def equals(text: str, *, variables: bool) -> Test:
    """Compare with the text itself: wildcards are plain characters."""
    resolve = literal(text, variables=variables)
    return lambda value, context: value == resolve(context)


def equals_ignoring_case(text: str, *, variables: bool) -> Test:
    """Compare with the text itself without regard to case."""
    resolve = literal(text, variables=variables)

    def test(value: str, context: Context) -> bool:
        wanted = resolve(context)
        return wanted is not None and value.lower() == wanted.lower()

    return test


def like(text: str, *, variables: bool) -> Test:
    """Compare with a pattern whose wildcards match any characters."""
    tokens = _tokens(text, variables=variables)
    return _test(tokens, lambda token, _: ".*" if token.sign == "*" else ".")


def arn_like(text: str, *, variables: bool) -> Test:
    """Compare segment by segment with an ARN; a text with fewer than six segments is no ARN and matches nothing."""
    tokens = _tokens(text, variables=variables)
    if _colons(tokens) < _PREFIX_COLONS:
        return never
    return _test(tokens, _within_segment)


def resource(text: str, *, variables: bool, expand: bool, grants: bool) -> Test:
    """Compare with one entry of a Resource or NotResource element.

    `expand` completes an ARN of fewer than six segments with wildcards. Where a match `grants` something, a wildcard
    in the service and a variable before the resource part match nothing: IAM's documentation does not allow them.
    A wildcard in the type of the resource does match, as AWS's own AWSGlueServiceRole relies on.
    """
    if text == "*":
        return always
    tokens = _tokens(text, variables=variables)
    missing = _PREFIX_COLONS - _colons(tokens)
    if missing > 0:
        if not expand:
            return never
        return resource(text + ":*" * missing, variables=variables, expand=False, grants=grants)
    if grants and not _is_definite(text, tokens):
        return never
    return _test(tokens, _within_segment)


def action(text: str) -> Test:
    """Compare with one entry of an Action or NotAction element; the request's action comes in lower case."""
    if text == "*":
        return always
    return like(text.lower(), variables=False)


def literal(text: str, *, variables: bool) -> Callable[[Context], str | None]:
    """Return what gives the text with its variables filled in, or None where one has no value."""
    tokens = _tokens(text, variables=variables)
    if not any(isinstance(token, _Variable) for token in tokens):
        fixed = "".join(token.sign if isinstance(token, _Wildcard) else _plain(token, {}) or "" for token in tokens)
        return lambda _: fixed

    def resolve(context: Context) -> str | None:
        parts = [token.sign if isinstance(token, _Wildcard) else _plain(token, context) for token in tokens]
        return None if None in parts else "".join(part for part in parts if part is not None)

    return resolve


def always(_value: str, _context: Context) -> bool:
    """Match everything."""
    return True


def never(_value: str, _context: Context) -> bool:
    """Match nothing."""
    return False


def _plain(token: _Literal | _Variable, context: Context) -> str | None:
    return token.text if isinstance(token, _Literal) else token.value(context)


def _test(tokens: Sequence[_Token], wildcard: Callable[[_Wildcard, int], str]) -> Test:
    """Return the test of a pattern: an equality where that is enough, else one regular expression."""
    if all(isinstance(token, _Literal) for token in tokens):
        exact = "".join(token.text for token in tokens if isinstance(token, _Literal))
        return lambda value, _: value == exact
    if not any(isinstance(token, _Variable) for token in tokens):
        matches = re.compile(_source(tokens, {}, wildcard) or "", re.DOTALL).fullmatch
        return lambda value, _: matches(value) is not None

    def test(value: str, context: Context) -> bool:
        source = _source(tokens, context, wildcard)
        return source is not None and re.fullmatch(source, value, re.DOTALL) is not None

    return test


def _source(tokens: Sequence[_Token], context: Context, wildcard: Callable[[_Wildcard, int], str]) -> str | None:
    """Return the regular expression, or None where a variable has no value: that matches nothing."""
    parts: list[str] = []
    colons = 0
    for token in tokens:
        if isinstance(token, _Wildcard):
            parts.append(wildcard(token, colons))
            continue
        text = _plain(token, context)
        if text is None:
            return None
        parts.append(re.escape(text))  # a * in a tag's value is no wildcard
        if isinstance(token, _Literal):
            colons += token.text.count(":")
    return "".join(parts)


def _within_segment(token: _Wildcard, colons: int) -> str:
    one = "." if colons >= _PREFIX_COLONS else "[^:]"
    return one + "*" if token.sign == "*" else one


def _tokens(text: str, *, variables: bool) -> tuple[_Token, ...]:
    tokens: list[_Token] = []
    end = 0
    for found in _SPECIAL.finditer(text):
        name, sign = found.groups()
        if sign is None and not variables:
            continue
        if found.start() > end:
            tokens.append(_Literal(text[end : found.start()]))
        end = found.end()
        if sign is not None:
            tokens.append(_Wildcard(sign))
        elif name in {"*", "?", "$"}:
            tokens.append(_Literal(name))
        else:
            with_default = _DEFAULT.fullmatch(name)
            key, default = with_default.groups() if with_default else (name, None)
            tokens.append(_Variable(key.strip().lower(), default))
    if end < len(text):
        tokens.append(_Literal(text[end:]))
    return tuple(tokens)


def _colons(tokens: Sequence[_Token]) -> int:
    return sum(token.text.count(":") for token in tokens if isinstance(token, _Literal))


def _is_definite(arn: str, tokens: Sequence[_Token]) -> bool:
    """Return whether an ARN names its service and has no variable before the resource part."""
    colons = 0
    for token in tokens:
        if isinstance(token, _Literal):
            colons += token.text.count(":")
        elif isinstance(token, _Variable) and colons < _PREFIX_COLONS:
            return False
    service, name = arn.split(":", _PREFIX_COLONS)[2::3]
    return service == name == "*" or not re.search(r"[*?]", service)  # arn:* is everything
