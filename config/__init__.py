"""The settings as they ship; a package so that ``importlib.resources`` finds them in a wheel as well."""
