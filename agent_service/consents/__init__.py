"""The ledger of consents for people: read it, add to it, prove what it says."""
