"""Dynamic situations a service is put into: the catalogue, the plan of lanes, and the runner."""
