"""What jobs and endpoints are told of the project's features: the whole declaration as one JSON document.

They run where neither this package nor the project file is. What only a deployment knows, such as buckets and keys, is
not in it.
"""

from typing import Any

from sagewright.project import names
from sagewright.project.feature_groups import FeatureGroup
from sagewright.project.model import Project

FILE_NAME = "declaration.json"


def document(project: Project) -> dict[str, Any]:
    """Describe groups and join; the names of feature groups are those of the first environment."""
    data = project.first.data
    return {
        "project": project.name,
        "groups": {name: _group(project, name, group) for name, group in project.features.items()},
        "join": [
            {
                "group": each.group,
                "on": each.on or project.features[each.group].record_id,
                "features": list(each.features or project.features[each.group].values),
                "look_back_hours": each.look_back_hours,
            }
            for each in data.join or ()
        ],
        "data": {
            "event_time": data.event_time,
            "record_id": data.record_id,
            "label": data.label,
            "known_by": data.known_by,
        },
    }


def _group(project: Project, name: str, group: FeatureGroup) -> dict[str, Any]:
    holder, group_there, version = (project.name, name, group.version) if group.own else group.used
    return {
        "feature_group": names.feature_group(holder, group_there, version),
        "version": version,
        "description": group.description,
        "record_id": group.record_id,
        "event_time": group.event_time,
        "transform": group.transform,
        "package": project.first.training.package,
        "database": names.catalog_database(holder),
        "table": names.feature_table(group_there, version),
        "offline": None if group.offline == "none" else group.offline,
        "online": group.online is not None,
        "time_to_live_s": group.time_to_live.seconds if group.time_to_live else None,
        "own": group.own,
        "project": holder,
        "owner": project.owner if group.own else None,
        "features": [each._asdict() for each in group.declared],
    }
