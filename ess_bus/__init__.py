"""The message bus of a battery site: URIs, messages, broker and clients."""
