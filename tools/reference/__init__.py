"""``python -m tools.reference PAGE``: write the reference of all configuration files, from the models that read them.

`described` reads docstrings, `objects` makes tables of JSON Schemas, `parts` makes each part of the page, `command`
writes it.
"""
