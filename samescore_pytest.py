"""Nothing to import: this module keeps pytest from taking our folders for packages of its users.

pytest rewrites the assertions of every package that comes with a plugin. Of a wheel that has neither a module nor a
package at its top (`samescore` is a namespace) it takes the folders one level down, so that a user's own `suites` or
`reports` would be rewritten, with a warning where it was imported before. This module is what it finds instead.
"""
