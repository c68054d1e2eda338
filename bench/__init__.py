"""The figures that we promise, measured with real processes: a bridge, a simulated app, an Okta client."""
