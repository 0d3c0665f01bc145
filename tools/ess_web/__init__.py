"""``ess_web``: a dashboard in the browser.

``hub`` holds what is shown and what each page has yet to be told. It and all that it is made of do no I/O and get the
time passed in. ``following`` is the bus; ``guard``, ``api`` and ``stream`` are HTTP; ``server`` runs them. ``static``
is the page.
"""
