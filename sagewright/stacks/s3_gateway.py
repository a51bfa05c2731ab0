"""The way to S3, and what may go through it.

It is the only endpoint that a job or an endpoint of ours needs. What a container does itself goes through its network
interface: that of the monitor fetches what was captured from S3, all others are isolated from the network. What
SageMaker does for a container differs:

| what | where it goes | endpoint |
| --- | --- | --- |
| inputs, code, model in; outputs, model out | through the interface, as the execution role | S3 (gateway) |
| pull of the image | from SageMaker's own network, unless asked to use the VPC | none |
| logs and metrics | from the instance, beside the container's interface | none |
| encrypting disks, decrypting objects | EBS and S3 ask the key themselves | none |
| what is captured of requests | not documented: let through | S3 (gateway) |
| requests to the endpoint | arrive at SageMaker's runtime, wherever the caller is | none |

https://docs.aws.amazon.com/sagemaker/latest/dg/train-vpc.html
https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html
https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import DefaultStackSynthesizer, Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from sagewright.project import Project, names
from sagewright.stacks import feature_rights
from sagewright.stacks.place import Place
from sagewright.stacks.private_network import PrivateNetwork

_READ = ("s3:GetObject", "s3:ListBucket")
_WRITE = ("s3:AbortMultipartUpload", "s3:PutObject")


@dataclass(frozen=True)
class Passing:
    """What may pass: some actions on one bucket and what is in it."""

    sid: str
    bucket_arn: str
    actions: Sequence[str] = _READ


def admitted(project: Project, place: Place) -> list[Passing]:
    """List what the jobs and the endpoint of an environment read and write; endpoints write captures."""
    environment = project.environment(place.environment)
    if environment != project.first:
        written = _WRITE if environment.serving.capture_percent > 0 else ()
        return [Passing("Data", place.data_bucket_arn, (*_READ, *written))]
    qualifier = environment.security.bootstrap_qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER
    code = f"arn:{place.partition}:s3:::cdk-{qualifier}-assets-{place.account}-{place.region}"
    # The ingestion takes away what an attempt before has half written.
    cleared = ("s3:DeleteObject",) if project.own_features else ()
    passing = [Passing("Data", place.data_bucket_arn, (*_READ, *_WRITE, *cleared)), Passing("Code", code)]
    if environment.data.s3_place is not None:
        bucket, _ = environment.data.s3_place
        passing.append(Passing("Source", f"arn:{place.partition}:s3:::{bucket}"))
    features = [each.s3_place for each in project.own_features.values() if each.s3_place is not None]
    if features:
        buckets = sorted({bucket for bucket, _ in features})
        passing += [Passing(f"Source{n}", f"arn:{place.partition}:s3:::{each}") for n, each in enumerate(buckets, 1)]
    # Athena reads them from outside; the job itself lists what of their history there is.
    for number, used in enumerate(feature_rights.owners(project), 1):
        bucket = Fn.import_value(names.feature_export(used, "bucket"))
        passing.append(Passing(f"Used{number}", f"arn:{place.partition}:s3:::{bucket}"))
    return passing


class S3Gateway(Construct):
    """A gateway endpoint, which costs nothing, for the buckets of the project and the roles of its account.

    A gateway's policy cannot name roles, only hold everybody who passes to the account: what each role may do is said
    by its own policy.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, place: Place, network: PrivateNetwork, passing: Sequence[Passing]
    ) -> None:
        super().__init__(scope, construct_id)
        statements = [
            {
                "Sid": each.sid,
                "Effect": "Allow",
                "Principal": "*",
                "Action": list(each.actions),
                "Resource": [each.bucket_arn, f"{each.bucket_arn}/*"],
                "Condition": {"StringEquals": {"aws:PrincipalAccount": place.account}},
            }
            for each in passing
        ]
        ec2.CfnVPCEndpoint(
            self,
            "Gateway",
            vpc_id=network.vpc.ref,
            service_name=f"com.amazonaws.{place.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[network.routes.ref],
            policy_document={"Version": "2012-10-17", "Statement": statements},
        )
