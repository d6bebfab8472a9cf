"""The cryptography: everything that touches key material. `cryptography` is imported when used."""
