"""The project's repository, where AWS keeps it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import Annotations, Stage
from aws_cdk import aws_codecommit as codecommit
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from sagewright.project import Project
from sagewright.project.repository import Repository
from sagewright.stacks import retention
from sagewright.stacks.delivery import repository_seed
from sagewright.stacks.place import Place


class GitRepository(Construct):
    """A CodeCommit repository that is made with the project's files in it, and outlives everything.

    CloudFormation reads the files when it makes the repository, and never again. They are uploaded under a name that
    is not their content's hash but always the same: otherwise every push would change the template of what must stay.
    The CDK does not upload what is there under its name already, so the first deployment's files are the seed. A
    repository that is made anew in the same account, after somebody deleted it, begins with them again.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, project: Project, repository: Repository, place: Place
    ) -> None:
        super().__init__(scope, construct_id)
        app = Stage.of(self)
        seed = repository_seed.of(project.root, without=Path(app.outdir).resolve() if app else None)
        if seed.left_out:
            Annotations.of(self).add_warning_v2(
                "sagewright:seed",
                "CodeCommit makes no repository of more than 20 MB, nor one with a file of more than 6 MB. "
                f"{repository.name} is made without "
                f"{', '.join(seed.left_out)}: push what belongs to the project, and name the rest in .gitignore.",
            )
        with TemporaryDirectory() as folder:
            path = Path(folder) / "seed.zip"
            path.write_bytes(seed.content)
            asset = assets.Asset(
                self, "Seed", path=str(path), asset_hash=f"seed of {project.name} in {repository.name}"
            )
        self.repository = codecommit.CfnRepository(
            self,
            "Repository",
            repository_name=repository.name,
            repository_description=project.description or None,
            code=codecommit.CfnRepository.CodeProperty(
                branch_name=repository.branch,
                s3=codecommit.CfnRepository.S3Property(bucket=asset.s3_bucket_name, key=asset.s3_object_key),
            ),
        )
        retention.settle(self.repository, place.removal)
