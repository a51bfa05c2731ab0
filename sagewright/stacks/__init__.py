"""What is provisioned: one stack per lifecycle, so that what changes daily can never hurt what must stay."""
