"""Where an artefact runs: always in a child process or on a device, never in the parent."""
