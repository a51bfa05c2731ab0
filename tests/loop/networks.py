"""In which network a project's jobs ran, and its models run, by SageMaker's own description of each."""

from typing import Any


def of_jobs(sagemaker: Any, name: str) -> list[dict[str, list[str]]]:
    """List the network of each job of the project's last training: the first two prepare and evaluate."""
    executions = sagemaker.list_pipeline_executions(PipelineName=f"{name}-training")["PipelineExecutionSummaries"]
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=executions[0]["PipelineExecutionArn"])
    jobs = [each["Metadata"] for each in steps["PipelineExecutionSteps"]]
    processing = [each["ProcessingJob"]["Arn"].rpartition("/")[2] for each in jobs if "ProcessingJob" in each]
    (training,) = [each["TrainingJob"]["Arn"].rpartition("/")[2] for each in jobs if "TrainingJob" in each]
    return [
        *(
            sagemaker.describe_processing_job(ProcessingJobName=each)["NetworkConfig"]["VpcConfig"]
            for each in processing
        ),
        sagemaker.describe_training_job(TrainingJobName=training)["VpcConfig"],
    ]


def of_models(sagemaker: Any, name: str) -> list[dict[str, list[str]]]:
    """List the network of each model that releases to an environment, such as `lifts-prod`, have left."""
    models = sagemaker.list_models(NameContains=f"{name}-serving")["Models"]
    return [sagemaker.describe_model(ModelName=each["ModelName"])["VpcConfig"] for each in models]


def vpc_of(ec2: Any, subnets: list[str]) -> str:
    """Name the VPC of subnets."""
    return ec2.describe_subnets(SubnetIds=subnets)["Subnets"][0]["VpcId"]


def interfaces(ec2: Any, vpc: str) -> list[str]:
    """List the descriptions of the interfaces in a VPC."""
    found = ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    return [each["Description"] for each in found["NetworkInterfaces"]]


def made_by_hand(ec2: Any, region: str) -> dict[str, Any]:
    """Make a network beside every project: what a project file says to import it."""
    vpc = ec2.create_vpc(CidrBlock="10.30.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.30.0.0/25")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    s3 = {"ServiceName": f"com.amazonaws.{region}.s3", "VpcEndpointType": "Gateway"}
    ec2.create_vpc_endpoint(VpcId=vpc, RouteTableIds=[table], **s3)
    group = ec2.create_security_group(GroupName="ml", Description="ML", VpcId=vpc)["GroupId"]
    return {"vpc_id": vpc, "subnets": [subnet], "security_groups": [group]}
