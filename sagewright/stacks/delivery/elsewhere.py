"""What another system's jobs need in AWS to run the steps of delivery: roles that their tokens open, and no key."""

from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import Environment, Project, names
from sagewright.stacks.delivery import jobs
from sagewright.stacks.delivery.jobs import Claims
from sagewright.stacks.delivery.step_rights import StepRights
from sagewright.stacks.place import Place

_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"


class Elsewhere(Construct):
    """A role for each kind of job, with what the same step may do in CodeBuild; tests get none.

    A role trusts exactly the jobs of one repository, branch and file, or of one environment: whoever may change
    something else in that repository, or has another one at the same provider, cannot take it on.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        places: Mapping[str, Place],
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self._project, self._place = project, places[project.first.name]
        self._trusted = jobs.of(project)
        self._provider_arn = self._provider()
        rights = StepRights(project, places, key)
        rights.deploy(self._role("Deploy", "deploy", f"Deploys {project.first.name}"))
        rights.train(self._role("Train", "train", f"Starts the training of {project.name}"))
        rights.take_wishes(self._role("Waiting", jobs.WAITING, "Finds what was decided in the registry"))
        rights.resolve(self._role("Resolve", "resolve", "Decides what an approved version needs"))
        rights.go_back(self._role("Rollback", "rollback", "Decides how to go back"))
        for each in project.serving:
            rights.release(self._releasing(each), each)

    def _provider(self) -> str:
        """Have AWS know the issuer: an account has one provider for each, whoever has made it."""
        issuer = jobs.issuer(self._project)
        if self._project.delivery.identity_provider == "create":
            made = iam.CfnOIDCProvider(self, "Issuer", url=issuer, client_id_list=[jobs.AUDIENCE])
            return made.attr_arn
        named = issuer.removeprefix("https://")
        return f"arn:{self._place.partition}:iam::{self._place.account}:oidc-provider/{named}"

    def _role(self, construct_id: str, what: str, does: str) -> iam.Role:
        return self._trusting(construct_id, names.delivery_role(self._project.name, what), does)

    def _releasing(self, environment: Environment) -> iam.Role:
        name = names.releasing_role(self._project.name, environment.name)
        does = f"Releases versions to {environment.name}, and verifies them there"
        return self._trusting(f"Release{environment.name.capitalize()}", name, does, hours=jobs.RELEASE_HOURS)

    def _trusting(self, construct_id: str, name: str, does: str, *, hours: int = 1) -> iam.Role:
        first, *others = [self._principal(each) for each in jobs.claims(self._project, self._trusted[name])]
        role = iam.Role(
            Construct(self, construct_id),
            "Role",
            role_name=name,
            description=does,
            assumed_by=first,
            max_session_duration=Duration.hours(hours),
        )
        for each in others:
            trust = cast("iam.PolicyDocument", role.assume_role_policy)
            trust.add_statements(iam.PolicyStatement(principals=[each], actions=[_WEB_IDENTITY], conditions=None))
        return role

    def _principal(self, claims: Claims) -> iam.IPrincipal:
        named = jobs.issuer(self._project).removeprefix("https://")
        conditions = {"StringEquals": {f"{named}:{claim}": value for claim, value in claims.items()}}
        return cast("iam.IPrincipal", iam.FederatedPrincipal(self._provider_arn, conditions, _WEB_IDENTITY))
