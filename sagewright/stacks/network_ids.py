"""What a network stack tells others: the keys of its outputs, which its exports end with."""

SUBNETS = ("Subnet1", "Subnet2")
JOBS, ENDPOINT = "JobsGroup", "EndpointGroup"
