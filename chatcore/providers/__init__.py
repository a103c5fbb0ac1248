"""The providers of chat models."""
