"""The simulated hospital: FHIR exports, engine logs and truth.json. Nothing here reads a pipeline."""
