"""What is looked at before a deployment, so that nobody waits ten minutes for what AWS would say at the end."""
