"""The rows of S3 (`rows`), the versions of a key (`versions`), what authorisation sees of them
(`targets`).
"""
