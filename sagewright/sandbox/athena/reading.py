"""Why: a grammar is read token by token, and says at which one a text stops being a query."""

from dataclasses import dataclass

from ..protocol import ApiError
from .failures import lacking, malformed
from .lexer import RESERVED, Token, tokens


@dataclass(frozen=True)
class Call:
    """A function that a query calls, and where."""

    name: str
    arguments: int
    token: Token
    over: bool = False


@dataclass(frozen=True)
class NamedType:
    """A type that a query casts to, and where."""

    name: str
    token: Token


class Reader:
    """The tokens of a text, and how far they are read."""

    def __init__(self, text: str) -> None:
        self.tokens = tokens(text)
        self.at = 0
        self.calls: list[Call] = []
        self.types: list[NamedType] = []

    @property
    def token(self) -> Token:
        """The token that is next."""
        return self.tokens[self.at]

    def ahead(self, count: int) -> Token:
        """Return the token after so many more, or the end."""
        return self.tokens[min(self.at + count, len(self.tokens) - 1)]

    def sees(self, *words: str) -> bool:
        """Tell whether these words or signs come next, one after the other."""
        return all(self._is(self.ahead(index), word) for index, word in enumerate(words))

    def sees_one_of(self, *words: str) -> bool:
        """Tell whether one of these comes next."""
        return any(self._is(self.token, word) for word in words)

    def take(self, *words: str) -> bool:
        """Read these words if they come next."""
        if not self.sees(*words):
            return False
        self.at += len(words)
        return True

    def take_one_of(self, *words: str) -> bool:
        """Read the next token if it is one of these."""
        return any(self.take(word) for word in words)

    def want(self, *words: str) -> None:
        """Read these words; refuse any others."""
        for word in words:
            if not self.take(word):
                raise self.mismatch(f"'{word}'")

    def want_one_of(self, *words: str) -> None:
        """Read one of these words."""
        if not self.take_one_of(*words):
            raise self.mismatch(*(f"'{word}'" for word in words))

    def want_kind(self, kind: str, expected: str) -> Token:
        """Read a token of this kind."""
        token = self.token
        if token.kind != kind:
            raise self.mismatch(expected)
        self.at += 1
        return token

    @property
    def sees_name(self) -> bool:
        """Whether an identifier comes next: a quoted one, or a word that is not reserved."""
        token = self.token
        return token.kind == "quoted" or (token.kind == "word" and token.word not in RESERVED)

    def name(self) -> Token:
        """Read an identifier."""
        token = self.token
        if not self.sees_name:
            raise self.mismatch("<identifier>")
        self.at += 1
        return token

    def names(self) -> list[Token]:
        """Read identifiers in parentheses."""
        self.want("(")
        found = [self.name()]
        while self.take(","):
            found.append(self.name())
        self.want(")")
        return found

    def mismatch(self, *expected: str) -> ApiError:
        """Return the refusal of the next token."""
        token = self.token
        hint = f". Expecting: {', '.join(expected)}" if expected else ""
        return malformed(token.line, token.column, f"mismatched input '{token.text}'{hint}")

    def lacking(self, what: str) -> ApiError:
        """Return the refusal of what AWS has and the sandbox has not."""
        return lacking(f"{what} (line {self.token.line}:{self.token.column})")

    @staticmethod
    def _is(token: Token, word: str) -> bool:
        return token.word == word if word[0].isalpha() else token.kind in {"symbol", "end"} and token.text == word
