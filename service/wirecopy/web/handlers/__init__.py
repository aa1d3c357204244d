"""One file for each subject of the API: read the request, ask the owner, answer. No handler contains a `try`."""
