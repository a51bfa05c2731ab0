"""Why: jobs and endpoints run on instances that do the same around a container: role, data, keys and logs."""
