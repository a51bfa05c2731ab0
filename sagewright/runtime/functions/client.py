"""The type of a boto3 client: its methods are made when the program runs, so no type checker can know them."""

from typing import Any

Client = Any
