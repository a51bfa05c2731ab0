"""What the job that compares may do, whichever engine it belongs to."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import Environment, names
from sagewright.stacks import permissions
from sagewright.stacks.attachment import Attachment
from sagewright.stacks.place import Place

_LOG = "/aws/sagemaker/ProcessingJobs"


class MonitorRole(Construct):
    """Reads what one endpoint was asked and the baselines of releases, and writes what it found and nothing else."""

    def __init__(
        self, scope: Construct, construct_id: str, *, place: Place, environment: Environment, key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        endpoint = names.endpoint(place.project, place.environment)
        self.role = iam.Role(
            self,
            "Role",
            description=f"Compares requests of the endpoint {endpoint} with the baseline",
            assumed_by=permissions.sagemaker_of(place.account),
        )
        permissions.read_objects(
            self.role,
            "Capture",
            place,
            [f"{names.CAPTURE}/{endpoint}"],
            because="SageMaker names what it captures by variant and hour.",
        )
        permissions.read_objects(
            self.role,
            "Baseline",
            place,
            [f"{names.RELEASES}/*/baseline"],
            because="Each release has a folder of its own, named after a version that does not exist yet.",
        )
        permissions.write_objects(
            self.role,
            "Findings",
            place,
            f"{names.MONITORING}/{endpoint}",
            because="Each run has a folder of its own, which has no name before it starts.",
        )
        permissions.use_key(self.role, key, "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey")
        permissions.encrypt_volumes(self.role, key)
        permissions.report(self.role, place, _LOG, _LOG)
        self.network = Attachment.of_jobs(place, environment)
        self.network.grant(self.role, place)
