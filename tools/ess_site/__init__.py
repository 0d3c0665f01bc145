"""``ess_site``: check a site file, start every process it names, and keep them running."""
