"""The pages, tried."""
