"""What an endpoint keeps of its requests: the raw material of every monitor."""

from aws_cdk import aws_sagemaker as sagemaker

from sagewright.pipelines.registration import MEDIA_TYPES
from sagewright.project import names
from sagewright.stacks.place import Place


def capture(place: Place, percent: int) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty | None:
    """Keep requests and answers of the data bucket's environment as text, by endpoint, variant and hour.

    SageMaker writes them as the endpoint's role, and in base64 what no list of content types names.
    """
    if percent == 0:
        return None
    config = sagemaker.CfnEndpointConfig
    return config.DataCaptureConfigProperty(
        enable_capture=True,
        initial_sampling_percentage=percent,
        destination_s3_uri=f"s3://{place.data_bucket}/{names.CAPTURE}",
        kms_key_id=place.key_alias_arn,
        capture_options=[config.CaptureOptionProperty(capture_mode=mode) for mode in ("Input", "Output")],
        capture_content_type_header=config.CaptureContentTypeHeaderProperty(
            csv_content_types=[each for each in MEDIA_TYPES if each.endswith("csv")],
            json_content_types=[each for each in MEDIA_TYPES if each.endswith("json")],
        ),
    )
