"""The programs of the pipelines' jobs: folders in, the data scientist's functions, folders out."""
