"""What runs in the endpoint's container; the job programs import it too, so that both read data the same way."""
