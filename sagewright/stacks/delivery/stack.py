"""What takes a push to an endpoint, in the first environment."""

from collections.abc import Mapping

from aws_cdk import CfnOutput
from constructs import Construct

from sagewright.project import Project, names
from sagewright.project.repository import Repository
from sagewright.stacks.data import FirstDataStack
from sagewright.stacks.delivery import pull_request
from sagewright.stacks.delivery.age import AgeAlarms
from sagewright.stacks.delivery.build_pipeline import BuildPipeline
from sagewright.stacks.delivery.builds import Builds
from sagewright.stacks.delivery.elsewhere import Elsewhere
from sagewright.stacks.delivery.function import DeliveryFunction, Keys
from sagewright.stacks.delivery.notices import Notices
from sagewright.stacks.delivery.promotion_pipeline import PromotionPipeline
from sagewright.stacks.delivery.pull_request import PullRequestBuild
from sagewright.stacks.delivery.rollback_pipeline import RollbackPipeline
from sagewright.stacks.delivery.rules import Rules
from sagewright.stacks.delivery.undelivered import Undelivered
from sagewright.stacks.environment_stack import EnvironmentStack
from sagewright.stacks.place import Place
from sagewright.stacks.tool_bundle import ToolBundle


class DeliveryStack(EnvironmentStack):
    """Pipelines, their builds, and the function that hears of everything; nothing in it is worth keeping.

    The repository and the artifacts are in the data stack, so that this one can be deleted and made again.
    """

    def __init__(
        self, scope: Construct, *, project: Project, places: Mapping[str, Place], data: FirstDataStack
    ) -> None:
        """Take where each environment is by its name, and the stack that holds the key and the store of artifacts."""
        first = places[project.first.name]
        super().__init__(
            scope,
            names.delivery_stack(project.name),
            place=first,
            description=f"Delivery of {project.name}: build, promotion and rollback",
        )
        store = data.artifacts
        topic = names.delivery_topic(project.name)
        notices = Notices(self, "Notices", place=first, key=store.key, owner=project.owner, name=topic)
        undelivered = Undelivered(self, "Undelivered", place=first, key=store.key, topic=notices.topic)
        function = DeliveryFunction(
            self,
            "Events",
            project=project,
            places=places,
            keys=Keys(store.key, data.key),
            notices=notices,
            undelivered=undelivered,
        )
        rules = Rules(self, "Rules", project=project, place=first, function=function, undelivered=undelivered)
        AgeAlarms(
            self,
            "Age",
            place=first,
            environments=[each.name for each in project.serving],
            review_days=project.delivery.review_days,
            topic=notices.topic,
        )
        CfnOutput(self, "TopicArn", value=notices.topic.topic_arn)
        if project.delivery.elsewhere:
            Elsewhere(self, "Jobs", project=project, places=places, key=data.key)
        elif project.repository is not None:
            for pipeline in self._pipelines(project, project.repository, places, data, notices):
                # Each runs as soon as it is there, and what it does has to be heard.
                pipeline.node.add_dependency(rules)

    def _pipelines(
        self,
        project: Project,
        repository: Repository,
        places: Mapping[str, Place],
        data: FirstDataStack,
        notices: Notices,
    ) -> list[Construct]:
        """Have AWS itself run the steps: with the tool as it is now, and as it stays until it is deployed anew."""
        first, store = places[project.first.name], data.artifacts
        tools = ToolBundle(self, "Tools")
        builds = Builds(self, "Steps", project=project, places=places, store=store, key=data.key)
        if repository.provider in pull_request.SUPPORTED:
            PullRequestBuild(self, "PullRequests", repository=repository, place=first, store=store, tools=tools)
        build = BuildPipeline(
            self,
            "Pushed",
            project=project,
            repository=repository,
            place=first,
            store=store,
            tools=tools,
            builds=builds,
        )
        promotion = PromotionPipeline(
            self,
            "Approved",
            project=project,
            places=places,
            store=store,
            tools=tools,
            builds=builds,
            notices=notices,
        )
        back = RollbackPipeline(
            self, "TakenBack", project=project, places=places, store=store, tools=tools, builds=builds
        )
        return [build, promotion, back]
