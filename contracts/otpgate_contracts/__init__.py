"""What SMS providers promise: data, and the few pure algorithms the data names."""
