"""The wire's own formats: one file for each, which tells where our fields are in it.

Read in this order:

- `found`: what a format finds in an item, and how that becomes an article
- `ninjs`, `dpa`: JSON, of IPTC and AP, and of dpa
- `xml`: XML without entities, DTDs and network
- `nitf`, `newsml_g2`, `newsml_1`: XML of IPTC
- `iptc7901`: text with control characters
- `known`: all of them, by name, media type and looks
"""
