"""Why: a model ties image, artifact and role together, and AWS checks at once that all three exist."""

from typing import Any

from botocore.exceptions import ClientError

from ...clients import Clients
from ...images.catalogue import UnknownImageError, find, parse
from ...protocol import ApiError, Caller
from ..artifacts import split_s3_uri
from ..instances.available import refuse_others, unavailable
from ..instances.image_pull import pull_refusal
from ..instances.network import require_vpc
from ..instances.role import require_role
from ..instances.s3_data import S3Data
from ..listing import matching, only, ordered, page
from ..store import MODEL, Store

OPERATION = "CreateModel"


class Models:
    """The models of every account and region."""

    def __init__(self, store: Store, clients: Clients) -> None:
        self._store = store
        self._clients = clients

    def create(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Keep a model whose image, artifact and role exist."""
        name = params["ModelName"]
        arn = self._store.arn(MODEL, caller, name)
        self._check(params, caller)
        record = {key: value for key, value in params.items() if key not in {"Tags", "Containers"}} | {
            "ModelArn": arn,
            "CreationTime": self._store.now(),
            "PrimaryContainer": {"Mode": "SingleModel"} | _container(params),
            "EnableNetworkIsolation": params.get("EnableNetworkIsolation", False),
        }
        self._store.put(MODEL, caller, name, record, params.get("Tags", ()))
        return {"ModelArn": arn}

    def describe(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one model."""
        return self._store.get(MODEL, caller, params["ModelName"])

    def delete(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Forget a model; an endpoint that serves it goes on, as in AWS."""
        self._store.delete(MODEL, caller, params["ModelName"])
        return {}

    def list(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the models of the account and region."""
        found = matching(self._store.all(MODEL, caller), params, name="ModelName")
        keys = {"Name": "ModelName", "CreationTime": "CreationTime"}
        found = ordered(found, params, keys, ("CreationTime", "Descending"))
        return page("Models", [only(each, ("ModelName", "ModelArn", "CreationTime")) for each in found], params)

    def _check(self, params: dict[str, Any], caller: Caller) -> None:
        refuse_others(
            OPERATION,
            params,
            {
                *("ModelName", "PrimaryContainer", "Containers", "ExecutionRoleArn", "Tags"),
                *("EnableNetworkIsolation", "VpcConfig"),
            },
        )
        container = _container(params)
        where = f"{OPERATION}.PrimaryContainer"
        if container.get("Mode", "SingleModel") != "SingleModel":
            raise unavailable(f"{where}.Mode {container['Mode']}")
        refuse_others(where, container, {"ContainerHostname", "Image", "Mode", "ModelDataUrl", "Environment"})
        if not container.get("Image"):
            raise ApiError("ValidationException", f"{where}: Image is required.")
        if not params.get("ExecutionRoleArn"):
            raise ApiError("ValidationException", f"{OPERATION}.ExecutionRoleArn is required.")
        role = params["ExecutionRoleArn"]
        acting = require_role(self._clients, caller, role, self._store.arn(MODEL, caller, params["ModelName"]))
        require_vpc(self._clients, caller, params.get("VpcConfig"))
        _require_image(container["Image"], caller.region)
        if denial := pull_refusal(acting, caller, container["Image"]):
            raise ApiError(
                "ValidationException",
                f'Could not access image {container["Image"]}. Please ensure that the role "{role}" has permissions'
                f" to pull it: {denial}",
            )
        if "ModelDataUrl" in container:
            _require_model_data(S3Data(acting, caller, role), container["ModelDataUrl"], role, caller.region)


def _container(params: dict[str, Any]) -> dict[str, Any]:
    containers = params.get("Containers", [])
    if "PrimaryContainer" in params and containers:
        raise ApiError("ValidationException", "Specify either PrimaryContainer or Containers, not both.")
    if len(containers) > 1:
        raise unavailable(f"{OPERATION}.Containers with {len(containers)} containers (one is)")
    found = params.get("PrimaryContainer") or (containers[0] if containers else None)
    if found is None:
        raise ApiError("ValidationException", "A model needs a PrimaryContainer or Containers.")
    return found


def _require_image(image: str, region: str) -> None:
    try:
        find(image, region)
    except UnknownImageError as error:
        missing = f"Requested image {image} not found." if parse(image) else f'ECR image "{image}" is invalid.'
        raise ApiError("ValidationException", f"{missing} {error}") from error


def _require_model_data(data: S3Data, url: str, role: str, region: str) -> None:
    _, key = split_s3_uri(url)
    if not data.is_here(url):
        raise _inaccessible(url, role, region)
    try:
        exists = data.exists(url)
    except ClientError as error:
        raise _inaccessible(url, role, region, f" {error.response['Error']['Message']}") from error
    if not exists:
        raise ApiError("ValidationException", f"Could not find model data at {url}.")
    if not key.endswith(".tar.gz"):
        raise ApiError(
            "ValidationException", f"ModelDataUrl must be the path of a single gzip-compressed tar archive: {url}."
        )


def _inaccessible(url: str, role: str, region: str, denial: str = "") -> ApiError:
    return ApiError(
        "ValidationException",
        f'Could not access model data at {url}. Please ensure that the role "{role}" exists and that its trust'
        ' relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com".'
        ' Also ensure that the role has "s3:GetObject" permissions and that the object is located in'
        f" {region}.{denial}",
    )
