"""Configuration files of tables, as engines and calculators read them: documents, templates, lists of what to load.

::

    files --folder--> shelf --collection: asked, placeholders, load_list, server_map--> documents, in order

Only `folder` does I/O.
"""
