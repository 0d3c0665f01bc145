"""What docs/wire.md says, rule by rule, over every transport there is."""
