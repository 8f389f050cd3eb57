"""A small shop's order service: a catalogue, customers, orders, receipts."""
