"""The rules of Organizations: pure functions and tables of quotas."""
