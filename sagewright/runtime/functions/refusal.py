"""The one way in which these functions say no."""


class Refused(Exception):  # noqa: N818 - it reads as what happened: the request was refused, nothing broke
    """Carries a sentence for the person who asked: what is wrong, and what would be accepted."""
