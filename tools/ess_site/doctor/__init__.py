"""``ess_site doctor``: is everything there that a site needs, and if it runs, is everything well."""
