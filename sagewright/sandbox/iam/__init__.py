"""Why: who may do what is decided in one place, for every request and for every role that a service takes."""
