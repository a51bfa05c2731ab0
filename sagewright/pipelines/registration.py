"""The registration of a version with everything that an approver, a release and an auditor need to know of it."""

from dataclasses import dataclass
from typing import Any

from sagewright.pipelines import steps
from sagewright.pipelines.expressions import EXECUTION_ARN, Expression, join
from sagewright.project import Project, names

REGISTER, REGISTER_APPROVED = "Register", "RegisterApproved"
# What Preprocess writes beside the schema, in Model Monitor's own formats.
STATISTICS, CONSTRAINTS = "statistics.json", "constraints.json"
MEDIA_TYPES = ("text/csv", "application/json")

# Tells the managed image which program of the model archive answers requests. Training puts it there.
HANDLERS = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


@dataclass(frozen=True)
class Registration:
    """Where the parts of a version come from. Nothing in it serves before it is approved."""

    image: str
    model_data: Expression
    evaluation: Expression
    baseline: Expression
    held_out: Expression
    data_version: Expression
    git_commit: Expression
    code_bundle: str
    # The number of the version that it was compared with; None where there is no comparison.
    champion: Expression | None = None

    def step(self, project: Project) -> steps.Step:
        """Ask for a model package in the project's group, waiting for approval."""
        return steps.register_model(REGISTER, self._request(project, "PendingManualApproval"))

    def approved(self, project: Project) -> steps.Step:
        """Ask for one that is approved as it is: a step of its own, since no argument may hold what a job has found."""
        return steps.register_model(REGISTER_APPROVED, self._request(project, "Approved"))

    def _request(self, project: Project, approval: str) -> dict[str, Any]:
        report = join("/", self.evaluation, "evaluation.json")
        statistics, constraints = (_json(join("/", self.baseline, name)) for name in (STATISTICS, CONSTRAINTS))
        request: dict[str, Any] = {
            "ModelPackageGroupName": names.model_package_group(project.name),
            "InferenceSpecification": {
                "Containers": [{"Image": self.image, "ModelDataUrl": self.model_data, "Environment": dict(HANDLERS)}],
                "SupportedContentTypes": list(MEDIA_TYPES),
                "SupportedResponseMIMETypes": list(MEDIA_TYPES),
                "SupportedRealtimeInferenceInstanceTypes": sorted(
                    {environment.serving.instances.type for environment in project.serving}
                ),
            },
            "ModelMetrics": {
                "ModelQuality": {"Statistics": _json(report)},
                "ModelDataQuality": {"Statistics": statistics, "Constraints": constraints},
            },
            "DriftCheckBaselines": {"ModelDataQuality": {"Statistics": statistics, "Constraints": constraints}},
            "ModelApprovalStatus": approval,
            "CustomerMetadataProperties": {
                "BaselineUri": self.baseline,
                "EvaluationUri": self.evaluation,
                "HeldOutUri": self.held_out,
                "DataVersion": self.data_version,
                "GitCommit": self.git_commit,
                "ExecutionArn": EXECUTION_ARN,
                "Metric": project.first.evaluation.metric,
                "CodeBundle": self.code_bundle,
            },
        }
        if self.champion is not None:
            request["CustomerMetadataProperties"]["ChampionVersion"] = self.champion
        if project.description:
            request["ModelPackageDescription"] = project.description
        return request


def _json(uri: Expression) -> dict[str, Any]:
    return {"ContentType": "application/json", "S3Uri": uri}
