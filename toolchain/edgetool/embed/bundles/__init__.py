"""Folders of sources that build by themselves, one kind a module."""
