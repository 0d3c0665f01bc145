"""The site's state engine: the data map behind `/ess`."""
