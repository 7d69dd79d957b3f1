"""A cloud in which one seed decides everything: time, chance, faults, crashes; and an oracle that judges it.

Real are the heart, the clients, the codecs and the simulated NSX. Not real are time (it passes only when
nobody has anything to do), the network (an adapter hands each request to the simulator) and Neutron's
database (`neutron.py`, held to the contract of the real store).
"""
