"""Reading what is deployed: documents with spans, the environment, the manifest."""
