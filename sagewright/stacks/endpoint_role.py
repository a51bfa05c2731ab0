"""What an endpoint may do while it runs."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import names
from sagewright.stacks import permissions
from sagewright.stacks.place import Place


class EndpointRole(Construct):
    """The endpoint's execution role: it starts instances from releases of its own environment and from nothing else.

    It has a fixed name, by which the release template knows it without referring to this stack.
    """

    def __init__(self, scope: Construct, construct_id: str, *, place: Place, key: kms.IKey, captures: bool) -> None:
        super().__init__(scope, construct_id)
        endpoint = names.endpoint(place.project, place.environment)
        self.role = iam.Role(
            self,
            "Role",
            role_name=names.endpoint_role(place.project, place.environment),
            description=f"Runs the endpoint {endpoint}",
            assumed_by=permissions.sagemaker_of(place.account),
        )
        # SageMaker lists nothing: a model's archive is one object, which it is told.
        permissions.allow(
            self.role,
            "ReadReleases",
            ["s3:GetObject"],
            [place.objects(f"{names.RELEASES}/*")],
            because="Each release has a folder of its own, named after a version that does not exist yet.",
        )
        permissions.use_key(self.role, key, "Decrypt", "DescribeKey", *(["GenerateDataKey"] if captures else []))
        if captures:
            permissions.allow(
                self.role,
                "WriteCapture",
                ["s3:PutObject"],
                [place.objects(f"{names.CAPTURE}/{endpoint}/*")],
                because="SageMaker names what it captures by variant and hour.",
            )
        permissions.encrypt_volumes(self.role, key)
        permissions.report(
            self.role, place, names.endpoint_log(place.project, place.environment), "/aws/sagemaker/Endpoints"
        )
        permissions.pull_image(self.role, place)
        permissions.watch_rollouts(self.role, place)
