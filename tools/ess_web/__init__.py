"""``ess_web``: a dashboard in the browser.

``values``, ``store``, ``mailbox``, ``keepers``, ``cards``, ``alarms``, ``history``, ``tap``, ``diagram`` and ``access`` do
no I/O and get the time passed in; ``hub`` ties them together. ``following`` is the bus, ``guard``, ``api`` and ``stream``
are HTTP, ``server`` runs them. ``static`` is the page.
"""
