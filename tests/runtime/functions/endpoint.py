"""A real endpoint with the configs that releases made of it, for what looks at them or deletes them."""

import io
import json
import tarfile
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sagewright.runtime.functions import endpoint_update

ACCOUNT, REGION = "111111111111", "eu-west-1"
IMAGE = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
TAGS = {"sagewright:project": "churn", "sagewright:environment": "dev"}
HANDLERS = """
def model_fn(folder): return 0
def input_fn(content, content_type): return content
def predict_fn(content, model): return content
def output_fn(prediction, accept): return prediction
"""
ALLOWED = ["s3:GetObject", "s3:ListBucket", "logs:*", "cloudwatch:*", "ecr:*"]
BROKEN = "import no_such_module"


def version(number: int) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn/{number}"


class Endpoint:
    """The environment that releases go to: its endpoint, and how a stack would make models and configs for it."""

    def __init__(self, client: Callable[[str], Any], bucket: str) -> None:
        self.client = client
        self.sagemaker = client("sagemaker")
        self.bucket = bucket
        self.name = f"churn-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        iam = client("iam")
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        self.role = iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        rights = {"Effect": "Allow", "Action": ALLOWED, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
        iam.put_role_policy(RoleName=self.name, PolicyName="all", PolicyDocument=document)

    def config(self, number: int, tags: Mapping[str, str] = TAGS, handlers: str = HANDLERS) -> str:
        """Make the model and the config of a version, with names as CloudFormation generates them."""
        written = [{"Key": key, "Value": value} for key, value in tags.items()]
        written.append({"Key": "sagewright:version", "Value": version(number)})
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            entry = tarfile.TarInfo("code/inference.py")
            entry.size = len(handlers.encode())
            archive.addfile(entry, io.BytesIO(handlers.encode()))
        end = uuid.uuid4().hex[:12]
        key = f"releases/{number}/{end}.tar.gz"
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=buffer.getvalue())
        model, config = f"{self.name}-ServingModel-{end}", f"{self.name}-ServingConfig-{end}"
        container = {
            "Image": IMAGE,
            "ModelDataUrl": f"s3://{self.bucket}/{key}",
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            },
        }
        self.sagemaker.create_model(
            ModelName=model, ExecutionRoleArn=self.role, PrimaryContainer=container, Tags=written
        )
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": model,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
        }
        self.sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant], Tags=written)
        return config

    def model_of(self, config: str) -> str:
        """The model of a config."""
        return self.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]["ModelName"]

    def serve(self, config: str) -> dict[str, Any]:
        """Create the endpoint, or update it, and wait for the end."""
        created = any(each["EndpointName"] == self.name for each in self.sagemaker.list_endpoints()["Endpoints"])
        act = self.sagemaker.update_endpoint if created else self.sagemaker.create_endpoint
        act(EndpointName=self.name, EndpointConfigName=config)
        return endpoint_update.settled(self.sagemaker, self.name, poll_s=0.05)

    def configs(self) -> set[str]:
        """The configs that there are of this endpoint."""
        found = self.sagemaker.list_endpoint_configs(NameContains=self.name)["EndpointConfigs"]
        return {each["EndpointConfigName"] for each in found}

    def models(self) -> set[str]:
        """The models that there are of this endpoint."""
        found = self.sagemaker.list_models(NameContains=self.name)["Models"]
        return {each["ModelName"] for each in found}
