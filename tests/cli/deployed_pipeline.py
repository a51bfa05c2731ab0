"""An account with one pipeline in it, for commands that compare it with the folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCOUNT = "111111111111"


@dataclass
class Account:
    """Stands for target and client: what is asked is the definition of the one pipeline."""

    definition: str

    def client(self, *_: object) -> Any:
        return self

    def account_of(self, _: object) -> str:
        return ACCOUNT

    def describe_pipeline(self, **_: str) -> dict[str, str]:
        return {"PipelineDefinition": self.definition}


def change(file: Path, before: str, after: str) -> None:
    """Put other text in the place of a text that has to be there."""
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
