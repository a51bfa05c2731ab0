"""Why: endpoints are real HTTP servers behind SageMaker's API, so an unchanged client gets predictions from them."""

from .endpoints import Endpoints

__all__ = ["Endpoints"]
