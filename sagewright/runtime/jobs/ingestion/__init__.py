"""The ingestion job: files of a group's source become records of the feature store, each once."""
