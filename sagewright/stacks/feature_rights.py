"""Who may read and write feature groups: the project's own by name, those of another project by what it exports."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aws_cdk import Fn
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from sagewright.project import Project, names
from sagewright.project.feature_groups import FeatureGroup
from sagewright.stacks import permissions
from sagewright.stacks.place import Place

# What was written is read again, because the store may have kept another record of the same event time.
WRITE_RECORDS = ["sagemaker:BatchGetRecord", "sagemaker:DeleteRecord", "sagemaker:PutRecord"]
_DATABASE = ["glue:GetDatabase"]
_TABLES = ["glue:GetPartition", "glue:GetPartitions", "glue:GetTable"]


@dataclass(frozen=True)
class Used:
    """A group of another project, which must be in the same account and region."""

    project: str
    group: str
    version: int

    @property
    def name(self) -> str:
        """The name of the feature group."""
        return names.feature_group(self.project, self.group, self.version)

    @property
    def imported(self) -> str:
        """The same as an import, so that CloudFormation lists who uses the group."""
        return Fn.import_value(self.name)


def joined(project: Project) -> list[str]:
    """Name the groups that training rows are joined with, each once."""
    return list(dict.fromkeys(each.group for each in project.first.data.join or ()))


def owners(project: Project) -> list[str]:
    """Name the other projects whose groups training rows are joined with, each once."""
    return list(dict.fromkeys(each.project for each in _used(project)))


def own_group_arns(place: Place, name: str, group: FeatureGroup, suffix: str | None = None) -> list[str]:
    """Name a group in every version so far: what is live was trained with one, and another may be filled from it."""
    versions = range(1, group.version + 1)
    return [_arn(place, names.feature_group(place.project, name, each, suffix)) for each in versions]


def read_online(role: iam.Role, place: Place, project: Project) -> None:
    """Allow an endpoint to look up the groups that its training rows were joined with.

    Its own key it may use already. https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-security.html
    """
    suffix = None if place.environment == project.first.name else place.environment
    own = [name for name in joined(project) if project.features[name].own]
    arns = [arn for name in own for arn in own_group_arns(place, name, project.features[name], suffix)]
    used = list(_used(project))
    arns += [_arn(place, each.imported) for each in used]
    permissions.allow(role, "LookUpFeatures", ["sagemaker:BatchGetRecord"], arns)
    _use_keys(role, used)


def read_history(role: iam.Role, place: Place, project: Project) -> None:
    """Allow reading the history of the groups that are joined: catalog and files, of other projects their own."""
    own = {name: project.features[name] for name in joined(project) if project.features[name].own}
    tables = [names.feature_table(name, each.version) for name, each in own.items()]
    databases = {names.catalog_database(project.name): tables}
    used = list(_used(project))
    for each in used:
        table = names.feature_table(each.group, each.version)
        databases.setdefault(names.catalog_database(each.project), []).append(table)
    catalog = [arn for name, listed in databases.items() for arn in permissions.catalog(place, name, listed)]
    permissions.allow(role, "ReadCatalog", [*_DATABASE, *_TABLES], list(dict.fromkeys(catalog)))
    because = "SageMaker names the files of a group by the second in which the group was made, and by hour."
    groups = [names.feature_group(project.name, name, each.version) for name, each in own.items()]
    if groups:
        folders = [_folder(place, each) for each in groups]
        _read_folders(role, "History", place.data_bucket_arn, folders, because)
    for number, each in enumerate(used, 1):
        bucket = Fn.import_value(names.feature_export(each.project, "bucket"))
        arn = f"arn:{place.partition}:s3:::{bucket}"
        _read_folders(role, f"Used{number}", arn, [_folder(place, each.imported)], because)
    _use_keys(role, used)


def write_online(role: iam.Role, place: Place, groups: Sequence[str], key: kms.IKey) -> None:
    """Allow writing records into the online stores of feature groups, and taking them out."""
    arns = [_arn(place, each) for each in groups]
    permissions.allow(role, "WriteRecords", WRITE_RECORDS, arns)
    permissions.use_key(role, key, "Decrypt")


def look_at_records(role: iam.Role, place: Place, project: Project) -> None:
    """Allow showing a person who releases from another account what an endpoint would look up now."""
    own = {name: each for name, each in project.own_features.items() if each.online}
    arns = [own_group_arns(place, name, each, place.environment)[-1] for name, each in own.items()]
    permissions.allow(role, "LookAtRecords", ["sagemaker:GetRecord"], arns)


def _used(project: Project) -> Iterator[Used]:
    for name in joined(project):
        if not project.features[name].own:
            yield Used(*project.features[name].used)


def _use_keys(role: iam.Role, used: Sequence[Used]) -> None:
    for number, project in enumerate(dict.fromkeys(each.project for each in used), 1):
        key = Fn.import_value(names.feature_export(project, "key"))
        permissions.allow(role, f"UseKey{number}", ["kms:Decrypt"], [key])


def _read_folders(role: iam.Role, sid: str, bucket_arn: str, folders: Sequence[str], because: str) -> None:
    files = [f"{bucket_arn}/{folder}*" for folder in folders]
    permissions.allow(role, f"Read{sid}", ["s3:GetObject"], files, because=because)
    listed = {"StringLike": {"s3:prefix": [f"{folder}*" for folder in folders]}}
    permissions.allow(role, f"List{sid}", ["s3:ListBucket"], [bucket_arn], conditions=listed)


def _folder(place: Place, group: str) -> str:
    """Start the name of a group's folder as SageMaker does, up to the second of the group's creation."""
    return f"{names.FEATURES}/{place.account}/sagemaker/{place.region}/offline-store/{group}-"


def _arn(place: Place, group: str) -> str:
    return place.arn("sagemaker", f"feature-group/{group}")
