"""The statistics tried on data whose truth is known: what they promise is measured and held against a bound."""
