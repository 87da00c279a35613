"""The store of leaked data: sources, machines, credentials, sightings and the verdicts on them."""
