"""The service describes itself: `openapi` makes /openapi.json, `page` the page at /docs."""
