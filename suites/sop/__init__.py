"""The SOP language: read a procedure, prove things about it, derive cases from it."""
