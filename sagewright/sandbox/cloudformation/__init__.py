"""Why: what is deployed must be refused, replaced, retained and rolled back as CloudFormation does it."""
