"""Neutron drivers for VMware NSX: Neutron tells the truth about every network, router and port."""
