"""Neutron's side: the only package that knows Neutron's tables, oslo.db, SQLAlchemy and Nova's client."""
