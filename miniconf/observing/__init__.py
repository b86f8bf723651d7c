"""What operators see of a running site: metrics for Prometheus, and log lines that name their request or run."""
