"""The rules by which the delivery function hears of what happens, and the clock that wakes it."""

from aws_cdk import aws_events as events
from constructs import Construct

from sagewright.project import Project, names
from sagewright.stacks.delivery.function import DeliveryFunction
from sagewright.stacks.delivery.patterns import patterns
from sagewright.stacks.delivery.undelivered import Undelivered
from sagewright.stacks.place import Place

_HOURLY = "hourly"
# EventBridge calls the function no more than Lambda's own door is shut; a day is its own limit.
_RETRIES, _LONGEST_S = 185, 86400


class Rules(Construct):
    """One rule for each thing to hear of; an event whose function cannot be called is kept in the last queue."""

    def __init__(  # noqa: PLR0913 (whose events, and who hears of them)
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        place: Place,
        function: DeliveryFunction,
        undelivered: Undelivered,
    ) -> None:
        super().__init__(scope, construct_id)
        self._project, self._function, self._queue = project.name, function, undelivered.queue.queue_arn
        for what, pattern in patterns(project, place).items():
            self._add(what, f"{what} of {project.name}, for its delivery", pattern=pattern)
        self._add(
            _HOURLY, f"What waits for somebody in {project.name}, and how old what serves is", every="rate(1 hour)"
        )

    def _add(self, what: str, told: str, *, pattern: object = None, every: str | None = None) -> None:
        name = "".join(part.capitalize() for part in what.split("-"))
        rule = events.CfnRule(
            self,
            name,
            name=names.delivery_rule(self._project, what),
            description=told,
            event_pattern=pattern,
            schedule_expression=every,
            targets=[
                events.CfnRule.TargetProperty(
                    id="Delivery",
                    arn=self._function.function.attr_arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self._queue),
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=_LONGEST_S, maximum_retry_attempts=_RETRIES
                    ),
                )
            ],
        )
        self._function.admit(f"From{name}", rule.attr_arn)
