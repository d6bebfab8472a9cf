"""Keys, aliases and grants as rows, and how a request's key identifier leads to them."""
