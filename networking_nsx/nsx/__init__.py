"""All that knows NSX's REST APIs, and nothing of Neutron's database."""
