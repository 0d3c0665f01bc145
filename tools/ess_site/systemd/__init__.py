"""``ess_site systemd``: the units with which systemd, in the place of ``ess_site up``, starts and keeps processes."""
