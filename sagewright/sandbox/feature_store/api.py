"""Why: groups are made by SageMaker's API and used by the runtime's, and what one does the other has to know."""

from ..clients import Clients
from ..clock import Clock
from ..sagemaker.store import Store
from .feature_metadata import FeatureMetadata
from .groups import Groups
from .offline_store import OfflineStore
from .records import Records
from .runtime import Runtime


class FeatureStore:
    """The feature stores of every account and region."""

    def __init__(self, store: Store, clients: Clients, clock: Clock) -> None:
        """Keep groups in SageMaker's own store, whose tags are of all its resources."""
        groups = Groups(store, clients)
        offline = OfflineStore(clients, clock, groups)
        records = Records(clients, clock, groups.find, offline)
        self.units = (groups, FeatureMetadata(store))
        """What answers operations of the service "sagemaker"."""
        self.runtime = Runtime(records)
        for agenda in (offline, records):
            clock.add(agenda)
