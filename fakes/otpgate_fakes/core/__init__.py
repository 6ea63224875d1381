"""The pipeline, state and listeners that every fake shares; it names no provider."""
