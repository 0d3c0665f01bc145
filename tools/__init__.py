"""What people and scripts type: `fims_send`, `fims_listen`, `fims_echo`, `ess_site`, `twins`."""
