"""Why: an object of a versioned bucket is a source, taken in the version that is the newest when the action runs.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html
"""

from botocore.exceptions import ClientError

from ..catalogue import is_true
from ..failures import ActionError, refused
from .action import Done, Job


class S3Source:
    """Copies an object into the artifact store."""

    def perform(self, job: Job) -> Done:
        """Take the object, in the version or by the key that the start of the execution asked for."""
        bucket, key, version = job.configuration["S3Bucket"], job.configuration["S3ObjectKey"], ""
        kind, value = job.execution.overrides.get(job.run.name, ("", ""))
        if kind == "S3_OBJECT_KEY":
            if not is_true(job.configuration.get("AllowOverrideForS3ObjectKey"), "false"):
                raise ActionError("ConfigurationError", f"Action {job.run.name} does not allow another S3ObjectKey")
            key = value
        elif kind == "S3_OBJECT_VERSION_ID":
            version = value
        s3 = job.client("s3")
        try:
            status = s3.get_bucket_versioning(Bucket=bucket).get("Status")
        except ClientError as error:
            raise refused(error, f"read the versioning of the bucket {bucket}") from error
        if status != "Enabled":
            message = f"The S3 bucket {bucket} is not versioned. Enable versioning to use it as a source."
            raise ActionError("ConfigurationError", message)
        try:
            answer = s3.get_object(Bucket=bucket, Key=key, **({"VersionId": version} if version else {}))
        except ClientError as error:
            raise refused(error, f"read the source object {key} of the bucket {bucket}") from error
        job.leave(answer["Body"].read())
        taken = answer["VersionId"]
        summary = f"Amazon S3 version id: {taken}"
        return Done(
            summary,
            taken,
            f"https://console.aws.amazon.com/s3/object/{bucket}?prefix={key}",
            {"ETag": answer["ETag"].strip('"'), "VersionId": taken},
            {"revisionId": taken, "revisionSummary": summary, "created": answer["LastModified"]},
        )
