"""Dynamic situations: what is done to a lane, and what must be seen."""
