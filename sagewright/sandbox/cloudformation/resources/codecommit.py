"""Why: a repository may be made with its first commit in it, which a template says once and never again."""

import io
import zipfile
from typing import Any

from botocore.exceptions import ClientError
from typing_extensions import override

from ..resource import Context, Properties
from .api_call import call, found, refusal
from .api_resource import ApiResource, Attributes, changed
from .tags import Tagging

_LARGEST_ARCHIVE, _LARGEST_COMMIT = 20 << 20, 7 << 20
_ATTRIBUTES = {
    "Arn": "Arn",
    "CloneUrlHttp": "cloneUrlHttp",
    "CloneUrlSsh": "cloneUrlSsh",
    "Name": "repositoryName",
    "RepositoryId": "repositoryId",
}


class Repository(ApiResource):
    """A repository, known to CloudFormation by its id and to CodeCommit by its name."""

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return what CodeCommit says of the repository."""
        told = call(self.client(context), "get_repository", repositoryName=properties["RepositoryName"])
        return {name: told["repositoryMetadata"][member] for name, member in _ATTRIBUTES.items()}

    @override
    def check(self, context: Context, properties: Properties) -> None:
        """Refuse triggers, which the sandbox does not have, and a first commit that AWS would not make."""
        if properties.get("Triggers"):
            problem = f"The sandbox does not have Triggers of {self.type_name}."
            raise refusal("UnsupportedOperation", problem, "PutRepositoryTriggers", 501)

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Give the repository another name and description; what was its first commit is no longer asked."""
        client, name = self.client(context), new["RepositoryName"]
        if old["RepositoryName"] != name:
            call(client, "update_repository_name", oldName=old["RepositoryName"], newName=name)
        if changed(old, new, "RepositoryDescription"):
            description = new.get("RepositoryDescription", "")
            call(client, "update_repository_description", repositoryName=name, repositoryDescription=description)

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Make the first commit, of the files in an archive, in the name of who acts for the stack.

        AWS makes one commit of up to 20 MB; here it is made with CreateCommit, which takes 7 MB, and then with more.
        """
        if old or "Code" not in new:
            return
        where = {"repositoryName": new["RepositoryName"], "branchName": new["Code"].get("BranchName", "main")}
        parent: dict[str, str] = {}
        for files in _parts(_files(_archive(context, new["Code"]["S3"]))):
            put = [{"filePath": path, "fileContent": content} for path, content in files.items()]
            told = {**where, **parent, "commitMessage": "Initial commit", "putFiles": put}
            parent = {"parentCommitId": call(self.client(context), "create_commit", **told)["commitId"]}

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Name the repository."""
        return {"repositoryName": properties["RepositoryName"]}

    @override
    def retag(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Bring the tags up to date; they are addressed by an ARN that has the name in it."""
        tagging = Tagging("resourceArn", system=False)
        arn = f"arn:aws:codecommit:{context.region}:{context.account}:{properties['RepositoryName']}"
        tagging.replace(self.client(context), arn, self._tags(tagging, context, properties))


def _archive(context: Context, source: dict[str, str]) -> bytes:
    """Return the archive; one that is not there, not to be read or too large is refused."""
    version = {"VersionId": source["ObjectVersion"]} if "ObjectVersion" in source else {}
    try:
        told = found(context.client("s3"), "get_object", Bucket=source["Bucket"], Key=source["Key"], **version)
    except ClientError as error:
        details = error.response.get("Error", {})
        told, reason = None, f"{details.get('Code', '')}: {details.get('Message', '')}"
    else:
        reason = "the specified key does not exist"
    if told is None:
        problem = f"The code archive s3://{source['Bucket']}/{source['Key']} cannot be read: {reason}"
        raise refusal("InvalidRequest", problem, "GetObject")
    if told["ContentLength"] > _LARGEST_ARCHIVE:
        raise refusal("InvalidRequest", "Code archive supplied cannot be more than 20 MB compressed", "CreateCommit")
    return told["Body"].read()


def _files(archive: bytes) -> dict[str, bytes]:
    """Return what is to be in the first commit; whether a file is a program is not carried over.

    A file without content is refused, as in AWS: https://github.com/aws/aws-cdk/issues/19012
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as package:
            return {each.filename: package.read(each) for each in package.infolist() if not each.is_dir()}
    except zipfile.BadZipFile:
        raise refusal("InvalidRequest", "The code archive supplied is not a zip file.", "CreateCommit") from None


def _parts(files: dict[str, bytes]) -> list[dict[str, bytes]]:
    """Return the files in as many parts as a client needs commits for them; nearly always that is one."""
    parts: list[dict[str, bytes]] = [{}]
    for path, content in files.items():
        if sum(map(len, parts[-1].values())) + len(content) > _LARGEST_COMMIT and parts[-1]:
            parts.append({})
        parts[-1][path] = content
    return parts


TYPES = {
    "AWS::CodeCommit::Repository": Repository(
        type_name="AWS::CodeCommit::Repository",
        service="codecommit",
        create_operation="create_repository",
        delete_operation="delete_repository",
        name="RepositoryName",
        reference="repositoryMetadata.repositoryId",
        apart=frozenset({"Code", "Triggers"}),
        tagging=Tagging("resourceArn", system=False),
    ),
}
