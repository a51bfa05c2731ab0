import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from sagewright.sandbox.clients import ActingClients, access_key

ACCOUNT, REGION = "111111111111", "eu-west-1"
BUILDS = "codebuild.amazonaws.com"


@dataclass(frozen=True)
class Hosted:
    """A repository of one test in CodeCommit."""

    bench: Any
    work_tree: Callable[..., Any]

    @property
    def name(self) -> str:
        return self.bench.name

    @property
    def arn(self) -> str:
        return self.bench.arn("codecommit", self.name)

    @property
    def client(self) -> Any:
        return self.bench.client("codecommit")

    @property
    def url(self) -> str:
        return self.client.get_repository(repositoryName=self.name)["repositoryMetadata"]["cloneUrlHttp"]

    def url_of(self, key: str) -> str:
        return self.url.replace("http://", f"http://{key}:secret@")

    def clone(self, name: str, key: str = access_key(ACCOUNT)) -> Any:
        return self.work_tree(name, self.url_of(key))

    def refused_clone(self, url: str) -> str:
        """Return what git says to whom it does not let clone."""
        return self.work_tree("refused").refused("clone", url, ".")

    def tip(self, branch: str = "main") -> str:
        return self.client.get_branch(repositoryName=self.name, branchName=branch)["branch"]["commitId"]

    def acting(self, *statements: dict[str, Any]) -> ActingClients:
        """Return a role's clients, which may do what the statements allow."""
        role = self.bench.role(BUILDS, *statements)
        return self.bench.sandbox.sandbox.clients.as_role(role, service=BUILDS, region=REGION)

    def watch(self) -> str:
        """Return a queue that gets every event of the repository from now on."""
        statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
        queue, client = self.bench.queue(statement), self.bench.client("events")
        pattern = {"source": ["aws.codecommit"], "resources": [self.arn]}
        client.put_rule(Name=self.name, EventPattern=json.dumps(pattern))
        client.put_targets(Rule=self.name, Targets=[{"Id": "queue", "Arn": queue}])
        return queue

    def told(self, queue: str) -> list[dict[str, Any]]:
        """Return the events that have come, in the order of their names and references."""
        self.bench.settled()
        url = f"{self.bench.sandbox.endpoint}/{ACCOUNT}/{queue.rpartition(':')[2]}"
        events: list[dict[str, Any]] = []
        client = self.bench.client("sqs")
        while found := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                events.append(json.loads(message["Body"]))
        return sorted(events, key=lambda each: (each["detail"]["event"], each["detail"].get("referenceName", "")))


@pytest.fixture
def hosted(bench: Any, work_tree: Callable[..., Any]) -> Hosted:
    bench.client("codecommit").create_repository(repositoryName=bench.name)
    return Hosted(bench, work_tree)
