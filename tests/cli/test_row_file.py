import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.response import StreamingBody

from sagewright.cli import row_file
from sagewright.cli.asking import Endpoint
from sagewright.cli.errors import CommandError


class Container:
    """Answers each row with its last text, as an endpoint does that knows the columns `name` and `note`."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def invoke_endpoint(self, *, Body: bytes, ContentType: str, **_: str) -> dict[str, Any]:  # noqa: N803 - AWS's names
        assert len(Body) <= row_file.MOST_BYTES
        self.bodies.append(Body.decode())
        if ContentType == "application/json":
            values = [row["name"] for row in json.loads(Body)["instances"]]
        else:
            values = [line.partition(",")[0] for line in Body.decode().replace('"a\nb"', "a b").splitlines()]
            values = values[1:] if values[0] == "name" else values
        answer = json.dumps({"predictions": [{"value": value} for value in values]}).encode()
        return {"Body": StreamingBody(io.BytesIO(answer), len(answer))}


@pytest.fixture
def container() -> Container:
    return Container()


@pytest.fixture
def ask(container: Container, tmp_path: Path) -> Callable[..., list[Any]]:
    """Send a file's text; returns what was predicted."""

    def send(name: str, text: str, *unseen: str) -> list[Any]:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        rows = row_file.read(file, unseen)
        return [each.value for each in row_file.ask_all(Endpoint("e", container, None), rows)]

    return send


def test_a_small_csv_is_sent_as_it_is(ask: Any, container: Container) -> None:
    assert ask("rows.CSV", 'name,note\n1,"a, ""b"""\n2,\n') == ["1", "2"]
    assert container.bodies == ['name,note\n1,"a, ""b"""\n2,\n']


@pytest.mark.parametrize("header", ["name,note\n", ""])
def test_a_large_csv_is_sent_in_parts_with_the_header_that_it_has(
    ask: Any, container: Container, header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_file, "MOST_BYTES", 200)
    numbers = [str(number) for number in range(100)]
    assert ask("rows.csv", header + "".join(f'{number},"a\nb"\n' for number in numbers)) == numbers
    assert len(container.bodies) > 5
    assert all(body.startswith(header) for body in container.bodies)


@pytest.mark.parametrize("instances", [True, False])
def test_a_large_json_is_sent_in_parts(
    ask: Any, container: Container, monkeypatch: pytest.MonkeyPatch, *, instances: bool
) -> None:
    monkeypatch.setattr(row_file, "MOST_BYTES", 200)
    rows = [{"name": number, "note": "ü"} for number in range(50)]
    assert ask("rows.json", json.dumps({"instances": rows} if instances else rows)) == list(range(50))
    assert len(container.bodies) > 5


def test_no_answer_is_larger_than_a_response_can_be(ask: Any, container: Container) -> None:
    numbers = [str(number) for number in range(row_file.MOST_ROWS + 1)]
    assert ask("rows.csv", "\n".join(numbers)) == numbers
    assert len(container.bodies) == 2


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("rows.csv", 'id,name,churn,note\n7,1,Yes,"a, b"\n8,2,No,c\n', ["name,note\n", '1,"a, b"\n', "2,c\n"]),
        ("rows.json", '[{"id": 7, "name": 1, "churn": "Yes"}]', ['{"name": 1}']),
    ],
)
def test_the_columns_that_the_model_is_never_given_are_left_out(
    tmp_path: Path, name: str, text: str, left: list[str]
) -> None:
    (tmp_path / name).write_text(text)
    rows = row_file.read(tmp_path / name, ["churn", "id"])
    assert rows.texts == left
    assert rows.dropped == ["churn", "id"]


def test_a_file_with_columns_left_out_keeps_the_header_in_every_part(
    ask: Any, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_file, "MOST_ROWS", 2)
    assert ask("rows.csv", "name,churn\n1,Yes\n2,No\n3,No\n", "churn") == ["1", "2", "3"]
    assert container.bodies == ["name\n1\n2\n", "name\n3\n"]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("rows.xlsx", "", "neither CSV nor JSON"),
        ("rows.csv", None, "is not there"),
        ("rows.csv", "", "holds no row"),
        ("rows.csv", "name,churn\n", "holds no row"),
        ("rows.csv", "name,churn\n1\n", "row 1 has 1 values, its header 2"),
        ("rows.json", "{", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_sent_is_told(tmp_path: Path, name: str, text: str | None, reason: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(CommandError, match=reason):
        row_file.read(tmp_path / name, ["churn"])
