"""The heart: compares what NSX says with what Neutron has, and decides. No I/O, no threads, no own clock.

`sweep.py` is the line to read first: page -> ledger -> brake -> store -> ledger.
"""
