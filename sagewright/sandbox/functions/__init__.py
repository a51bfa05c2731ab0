"""Why: a deployed function is worth something only if it runs, as its role, from the very code in the stack."""

from .functions import Functions

__all__ = ["Functions"]
