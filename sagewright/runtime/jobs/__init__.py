"""The programs of the training pipeline's jobs: folders in, the data scientist's functions, folders out."""
