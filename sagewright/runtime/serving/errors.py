"""The one exception for what a data scientist can put right: the data, the plain functions, the trained model."""


class UserError(Exception):
    """Its text, one sentence with the place, what was found and what to do, becomes the job's failure reason."""
