"""Which columns the demo changes is read from the rows, whatever they are called."""

import pytest

from sagewright.cli.demonstration import shifting
from sagewright.cli.errors import CommandError

COLUMNS = [("weight", "number"), ("doors", "integer"), ("flag", "integer"), ("colour", "string"), ("plate", "string")]


def row(number: int) -> dict[str, str]:
    return {
        "weight": f"{1000 + number}.5",
        "doors": str(number % 40),
        "flag": str(number % 2),
        "colour": "red" if number % 10 < 7 else "blue" if number % 10 < 9 else "",
        "plate": f"AB {number}",
    }


ROWS = [row(number) for number in range(200)]


def test_the_number_that_doubling_moves_most_and_the_most_lopsided_category_are_chosen() -> None:
    shift = shifting.choose(COLUMNS, ROWS)
    assert shift.columns == ["colour", "weight"]
    assert shift.swapped == ("red", "blue")


def test_only_these_columns_change_and_an_empty_value_stays_empty() -> None:
    shifted = shifting.choose(COLUMNS, ROWS).apply(ROWS)
    assert shifted[0] == ROWS[0] | {"weight": "2001.0", "colour": "blue"}
    assert shifted[7]["colour"] == "red"
    assert shifted[9]["colour"] == ""
    assert ROWS[0]["weight"] == "1000.5", "the rows that were given stay as they are"
    empty = ROWS[0] | {"weight": ""}
    assert shifting.choose(COLUMNS, ROWS).apply([empty])[0]["weight"] == ""


def test_a_flag_is_no_number_and_a_name_no_category() -> None:
    with pytest.raises(CommandError, match="No number among the columns"):
        shifting.choose([("flag", "integer"), ("colour", "string")], ROWS)
    with pytest.raises(CommandError, match="No category among the columns"):
        shifting.choose([("weight", "number"), ("plate", "string")], ROWS)
