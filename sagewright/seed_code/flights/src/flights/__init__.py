"""Which departures arrive late: functions that the ingestion, the training pipeline and the endpoint call."""
