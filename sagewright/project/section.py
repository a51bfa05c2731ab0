"""What every mapping of the project file has in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping of the file: it takes no key that it does not know, guesses no type, and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
