"""Machinery that knows no provider: requests and responses, streams, batches, limits, policies, the portal."""
