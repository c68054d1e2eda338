"""SCIM 2.0 in, seats out: the bridge between an identity provider and the apps that it cannot reach."""
