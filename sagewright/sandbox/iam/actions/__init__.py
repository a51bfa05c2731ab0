"""Why: which permissions a request needs is a fact about each service, and nothing else here should know it."""

from collections.abc import Iterator

from ..asked import Asked
from ..demand import Demand
from . import codepipeline, ec2, kms, pass_role, s3, s3_keys
from .arns import Table
from .athena import ATHENA
from .codebuild import CODEBUILD
from .iam import IAM
from .sagemaker import FEATURE_STORE_RUNTIME, SAGEMAKER
from .source_code import SOURCE_CODE
from .tables import TABLES
from .tag_on_create import with_tagging

_TABLES = {
    **TABLES,
    "athena": ATHENA,
    "iam": IAM,
    "sagemaker": SAGEMAKER,
    "sagemaker-featurestore-runtime": FEATURE_STORE_RUNTIME,
    **SOURCE_CODE,
    **CODEBUILD,
    "codepipeline": codepipeline.CODEPIPELINE,
}


def demands(asked: Asked) -> Iterator[Demand]:
    """Yield what a request needs, in the order in which AWS would refuse it."""
    if asked.service == "s3":
        yield from s3.demands(asked)
        yield from s3_keys.demands(asked)
    elif asked.service == "kms":
        yield from with_tagging(asked, kms.demands(asked))
    elif asked.service == "ec2":
        yield from ec2.demands(asked)
        yield from pass_role.demands(asked)
    else:
        table = _TABLES.get(asked.service) or Table(asked.service, {})
        yield from with_tagging(asked, table.demands(asked))
        passing = codepipeline.passing if asked.service == "codepipeline" else pass_role.demands
        yield from passing(asked)
