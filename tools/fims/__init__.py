"""What the commands `fims_send`, `fims_listen`, `fims_echo` and `fims_trigger` are made of."""
