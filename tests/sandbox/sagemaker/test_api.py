import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def sagemaker(sandbox: Any) -> Any:
    return sandbox.client("sagemaker")


@pytest.fixture
def arn(sagemaker: Any) -> str:
    name = f"tagged-{uuid.uuid4().hex[:12]}"
    tags = [{"Key": "owner", "Value": "ml"}]
    return sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=tags)["ModelPackageGroupArn"]


def test_an_operation_that_the_sandbox_lacks_is_refused_by_name(sagemaker: Any) -> None:
    with pytest.raises(ClientError, match="The sandbox does not have sagemaker:CreateHyperParameterTuningJob") as error:
        sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName="tune",
            HyperParameterTuningJobConfig={
                "Strategy": "Random",
                "ResourceLimits": {"MaxParallelTrainingJobs": 1},
            },
        )
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_tags_are_added_overwritten_and_removed(sagemaker: Any, arn: str) -> None:
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "web"}, {"Key": "stage", "Value": "dev"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [
        {"Key": "owner", "Value": "web"},
        {"Key": "stage", "Value": "dev"},
    ]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["owner", "absent"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "dev"}]


def test_a_reserved_tag_key_is_refused(sagemaker: Any, arn: str) -> None:
    with pytest.raises(ClientError, match="the prefix 'aws:' is reserved"):
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "aws:owner", "Value": "ml"}])


def test_a_tag_key_given_twice_is_refused(sagemaker: Any, arn: str) -> None:
    with pytest.raises(ClientError, match="more than once"):
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}])


def test_more_than_fifty_tags_are_refused(sagemaker: Any, arn: str) -> None:
    with pytest.raises(ClientError, match="at most 50 tags; this one would have 51"):
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": f"key{number}", "Value": ""} for number in range(50)])


def test_tags_of_an_absent_resource_are_refused(sagemaker: Any) -> None:
    with pytest.raises(ClientError, match="Could not find resource with arn"):
        sagemaker.list_tags(ResourceArn="arn:aws:sagemaker:eu-west-1:111111111111:model/absent")


def test_tags_go_with_their_resource(sagemaker: Any, arn: str) -> None:
    sagemaker.delete_model_package_group(ModelPackageGroupName=arn)
    with pytest.raises(ClientError, match="Could not find resource with arn"):
        sagemaker.list_tags(ResourceArn=arn)


def test_another_accounts_tags_are_not_shown(sandbox: Any, arn: str) -> None:
    with pytest.raises(ClientError, match="AccessDeniedException"):
        sandbox.client("sagemaker", "222222222222").list_tags(ResourceArn=arn)
