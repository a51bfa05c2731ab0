"""Why: whoever keeps code outside AWS lets pipelines in by a connection, which a person has to agree to first."""

from .api import CodeConnections, RemotePullRequest, RemotePush

__all__ = ["CodeConnections", "RemotePullRequest", "RemotePush"]
