"""The `neutron-nsx` command: one module per sub-command; no logic that another caller could want."""
