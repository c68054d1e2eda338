"""What a SCIM request costs, beside the limit: a bare Flask application on the same machine, in the same minute."""
